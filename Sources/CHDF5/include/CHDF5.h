// A door to libhdf5 for writing alone. Files are read by vzsh's own reader, see HDF5File: libhdf5
// crashes on damaged ones. It is opened when it is first used and not before, for it takes longer to
// load than the rest of the program.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define VZ_HDF5_MESSAGE 256

typedef struct vz_hdf5 vz_hdf5;

// NULL where the file cannot be made; `message` (of VZ_HDF5_MESSAGE bytes) says why.
vz_hdf5 *vz_hdf5_create(const char *path, char *message);
// Groups in between are made. 0 on success, as of all that follow.
int vz_hdf5_group(vz_hdf5 *file, const char *group);
// A list of texts as an attribute of a group, each of the length of the longest.
int vz_hdf5_texts(vz_hdf5 *file, const char *group, const char *name, const char *const *texts, size_t count);
// One text.
int vz_hdf5_text(vz_hdf5 *file, const char *group, const char *name, const char *text);
// float32, row-major.
int vz_hdf5_floats(vz_hdf5 *file, const char *path, const float *values, const uint64_t *shape, int rank);
// Must be called once, also after a failure. 0 where everything is written.
int vz_hdf5_close(vz_hdf5 *file);
