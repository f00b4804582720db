#include "CFetch.h"

#include <archive.h>
#include <archive_entry.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Every function of libarchive that is used, under its own name.
#define FUNCTIONS(F)                                                                                           \
    F(archive_read_new) F(archive_read_support_filter_gzip) F(archive_read_support_format_tar)                 \
    F(archive_read_open_filename) F(archive_read_next_header) F(archive_read_data_block) F(archive_read_free)  \
    F(archive_filter_bytes) F(archive_error_string) F(archive_write_disk_new) F(archive_write_disk_set_options) \
    F(archive_write_header) F(archive_write_data_block) F(archive_write_finish_entry) F(archive_write_free)    \
    F(archive_entry_pathname) F(archive_entry_set_pathname) F(archive_entry_filetype)                          \
    F(archive_entry_hardlink) F(archive_entry_size)

#define MEMBER(name) __typeof__(&name) name;
static struct {
    FUNCTIONS(MEMBER)
} door;

static int open_archive(char *message) {
    static int is_open;
    if (is_open) return 0;
    void *library = dlopen("libarchive.so.13", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        snprintf(message, VZ_FETCH_MESSAGE, "libarchive is not installed (Debian: libarchive13)");
        return 1;
    }
#define LOOKUP(name)                                                                                          \
    door.name = (__typeof__(&name))dlsym(library, #name);                                                     \
    if (!door.name) {                                                                                         \
        snprintf(message, VZ_FETCH_MESSAGE, "libarchive cannot be used");                                      \
        return 1;                                                                                             \
    }
    FUNCTIONS(LOOKUP)
    is_open = 1;
    return 0;
}

// True where a name stays inside its folder.
static int is_inside(const char *name) {
    if (!name || name[0] == '/' || name[0] == 0) return 0;
    for (const char *part = name; part;) {
        const char *slash = strchr(part, '/');
        size_t n = slash ? (size_t)(slash - part) : strlen(part);
        if (n == 2 && part[0] == '.' && part[1] == '.') return 0;
        part = slash ? slash + 1 : NULL;
    }
    return 1;
}

static int copy(struct archive *from, struct archive *to) {
    const void *block;
    size_t size;
    la_int64_t offset;
    for (;;) {
        int code = door.archive_read_data_block(from, &block, &size, &offset);
        if (code == ARCHIVE_EOF) return ARCHIVE_OK;
        if (code < ARCHIVE_OK) return code;
        code = door.archive_write_data_block(to, block, size, offset);
        if (code < ARCHIVE_OK) return ARCHIVE_FATAL;
    }
}

int vz_unpack(const char *path, const char *folder, void *context, vz_fetch_progress progress, char *message) {
    if (open_archive(message)) return 1;
    struct archive *from = door.archive_read_new();
    struct archive *to = door.archive_write_disk_new();
    int failed = !from || !to;
    if (failed) snprintf(message, VZ_FETCH_MESSAGE, "there is no memory to unpack with");
    if (!failed) {
        door.archive_read_support_filter_gzip(from);
        door.archive_read_support_format_tar(from);
        door.archive_write_disk_set_options(to, ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_SECURE_NODOTDOT
            | ARCHIVE_EXTRACT_SECURE_SYMLINKS);
        failed = door.archive_read_open_filename(from, path, 1 << 16) != ARCHIVE_OK;
        if (failed) snprintf(message, VZ_FETCH_MESSAGE, "%s", door.archive_error_string(from));
    }
    while (!failed) {
        struct archive_entry *entry;
        int code = door.archive_read_next_header(from, &entry);
        if (code == ARCHIVE_EOF) break;
        if (code < ARCHIVE_WARN) {
            snprintf(message, VZ_FETCH_MESSAGE, "%s", door.archive_error_string(from));
            failed = 1;
            break;
        }
        const char *name = door.archive_entry_pathname(entry);
        unsigned kind = door.archive_entry_filetype(entry);
        if (!is_inside(name) || door.archive_entry_hardlink(entry) || (kind != AE_IFREG && kind != AE_IFDIR)) {
            snprintf(message, VZ_FETCH_MESSAGE, "it holds '%s', which leads out of its folder or is no plain file",
                     name ? name : "");
            failed = 1;
            break;
        }
        size_t n = strlen(folder) + strlen(name) + 2;
        char *place = malloc(n);
        if (!place) {
            snprintf(message, VZ_FETCH_MESSAGE, "there is no memory to unpack with");
            failed = 1;
            break;
        }
        snprintf(place, n, "%s/%s", folder, name);
        door.archive_entry_set_pathname(entry, place);
        free(place);
        code = door.archive_write_header(to, entry);
        if (code >= ARCHIVE_WARN && door.archive_entry_size(entry) > 0) code = copy(from, to);
        if (code >= ARCHIVE_WARN) code = door.archive_write_finish_entry(to);
        if (code < ARCHIVE_WARN) {
            const char *why = door.archive_error_string(to);
            if (!why) why = door.archive_error_string(from);
            snprintf(message, VZ_FETCH_MESSAGE, "%s", why ? why : "it is damaged");
            failed = 1;
            break;
        }
        if (progress(context, door.archive_filter_bytes(from, -1), 0)) {
            snprintf(message, VZ_FETCH_MESSAGE, "interrupted");
            failed = 2;
        }
    }
    if (from) door.archive_read_free(from);
    if (to && door.archive_write_free(to) != ARCHIVE_OK && !failed) {
        snprintf(message, VZ_FETCH_MESSAGE, "the last files could not be written");
        failed = 1;
    }
    return failed;
}
