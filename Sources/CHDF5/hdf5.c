#include "CHDF5.h"

#include <dlfcn.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Every function of libhdf5 that is used, under its own name.
#define FUNCTIONS(F)                                                                                       \
    F(H5open) F(H5Eset_auto2) F(H5Fcreate) F(H5Fclose) F(H5Gcreate2) F(H5Gclose) F(H5Gopen2) F(H5Pcreate)  \
    F(H5Pset_create_intermediate_group) F(H5Pclose) F(H5Screate) F(H5Screate_simple) F(H5Sclose)           \
    F(H5Tcopy) F(H5Tset_size) F(H5Tclose) F(H5Acreate2) F(H5Awrite) F(H5Aclose) F(H5Dcreate2) F(H5Dwrite)  \
    F(H5Dclose)

#define MEMBER(name) __typeof__(&name) name;
static struct {
    FUNCTIONS(MEMBER)
    hid_t text, native, stored, creation;
} door;

static int open_library(char *message) {
    static int is_open;
    if (is_open) return 0;
    static const char *const names[] = {
        "libhdf5_serial.so.103", "libhdf5_serial.so.310", "libhdf5_serial.so", "libhdf5.so.103", "libhdf5.so",
    };
    void *library = NULL;
    for (size_t i = 0; !library && i < sizeof names / sizeof *names; i++) {
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    }
    if (!library) {
        snprintf(message, VZ_HDF5_MESSAGE, "libhdf5 is not installed (Debian: libhdf5-103-1)");
        return 1;
    }
#define LOOKUP(name) door.name = (__typeof__(&name))dlsym(library, #name);
    FUNCTIONS(LOOKUP)
    int is_whole = 1;
#define CHECK(name) is_whole = is_whole && door.name;
    FUNCTIONS(CHECK)
    if (!is_whole || door.H5open() < 0) {
        snprintf(message, VZ_HDF5_MESSAGE, "libhdf5 cannot be used");
        return 1;
    }
    // H5T_C_S1 and their like are variables behind macros, set by H5open.
    hid_t *text = dlsym(library, "H5T_C_S1_g"), *native = dlsym(library, "H5T_NATIVE_FLOAT_g");
    hid_t *stored = dlsym(library, "H5T_IEEE_F32LE_g"), *link = dlsym(library, "H5P_CLS_LINK_CREATE_ID_g");
    if (!text || !native || !stored || !link) {
        snprintf(message, VZ_HDF5_MESSAGE, "libhdf5 cannot be used");
        return 1;
    }
    door.text = *text;
    door.native = *native;
    door.stored = *stored;
    door.creation = *link;
    door.H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    is_open = 1;
    return 0;
}

struct vz_hdf5 {
    hid_t file, links;
};

vz_hdf5 *vz_hdf5_create(const char *path, char *message) {
    if (open_library(message)) return NULL;
    vz_hdf5 *made = calloc(1, sizeof *made);
    if (!made) {
        snprintf(message, VZ_HDF5_MESSAGE, "there is no memory");
        return NULL;
    }
    // H5F_ACC_TRUNC by its value: the macro calls the library, which is not linked.
    made->file = door.H5Fcreate(path, 0x0002u, H5P_DEFAULT, H5P_DEFAULT);
    made->links = door.H5Pcreate(door.creation);
    if (made->file < 0 || made->links < 0 || door.H5Pset_create_intermediate_group(made->links, 1) < 0) {
        snprintf(message, VZ_HDF5_MESSAGE, "the file cannot be made");
        if (made->file >= 0) door.H5Fclose(made->file);
        free(made);
        return NULL;
    }
    return made;
}

int vz_hdf5_group(vz_hdf5 *file, const char *group) {
    hid_t made = door.H5Gcreate2(file->file, group, file->links, H5P_DEFAULT, H5P_DEFAULT);
    return made < 0 || door.H5Gclose(made) < 0;
}

static int attribute(vz_hdf5 *file, const char *group, const char *name, hid_t type, hid_t space, const void *data) {
    hid_t owner = door.H5Gopen2(file->file, group, H5P_DEFAULT);
    hid_t made = owner < 0 ? -1 : door.H5Acreate2(owner, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    int failed = made < 0 || door.H5Awrite(made, type, data) < 0;
    if (made >= 0) door.H5Aclose(made);
    if (owner >= 0) door.H5Gclose(owner);
    return failed;
}

int vz_hdf5_texts(vz_hdf5 *file, const char *group, const char *name, const char *const *texts, size_t count) {
    size_t longest = 1;
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(texts[i]);
        if (n > longest) longest = n;
    }
    char *data = calloc(count ? count : 1, longest);
    if (!data) return 1;
    for (size_t i = 0; i < count; i++) memcpy(data + i * longest, texts[i], strlen(texts[i]));
    hsize_t length = count;
    hid_t type = door.H5Tcopy(door.text), space = door.H5Screate_simple(1, &length, NULL);
    int failed = type < 0 || space < 0 || door.H5Tset_size(type, longest) < 0
        || attribute(file, group, name, type, space, data);
    if (space >= 0) door.H5Sclose(space);
    if (type >= 0) door.H5Tclose(type);
    free(data);
    return failed;
}

int vz_hdf5_text(vz_hdf5 *file, const char *group, const char *name, const char *text) {
    size_t n = strlen(text);
    hid_t type = door.H5Tcopy(door.text), space = door.H5Screate(H5S_SCALAR);
    int failed = type < 0 || space < 0 || door.H5Tset_size(type, n ? n : 1) < 0
        || attribute(file, group, name, type, space, text);
    if (space >= 0) door.H5Sclose(space);
    if (type >= 0) door.H5Tclose(type);
    return failed;
}

int vz_hdf5_floats(vz_hdf5 *file, const char *path, const float *values, const uint64_t *shape, int rank) {
    hsize_t lengths[H5S_MAX_RANK];
    if (rank < 0 || rank > H5S_MAX_RANK) return 1;
    for (int i = 0; i < rank; i++) lengths[i] = shape[i];
    hid_t space = rank ? door.H5Screate_simple(rank, lengths, NULL) : door.H5Screate(H5S_SCALAR);
    hid_t made = space < 0 ? -1
        : door.H5Dcreate2(file->file, path, door.stored, space, file->links, H5P_DEFAULT, H5P_DEFAULT);
    int failed = made < 0 || door.H5Dwrite(made, door.native, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0;
    if (made >= 0 && door.H5Dclose(made) < 0) failed = 1;
    if (space >= 0) door.H5Sclose(space);
    return failed;
}

int vz_hdf5_close(vz_hdf5 *file) {
    int failed = door.H5Pclose(file->links) < 0;
    failed = door.H5Fclose(file->file) < 0 || failed;
    free(file);
    return failed;
}
