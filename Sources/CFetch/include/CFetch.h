// A door to libcurl and libarchive. Both are opened when they are first used and not before: with
// all that they bring they would take longer to load than the rest of the program.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define VZ_FETCH_MESSAGE 512

// Takes bytes as they come; nonzero stops.
typedef int (*vz_fetch_write)(void *context, const uint8_t *bytes, size_t n);
// Called about every second and with the data: bytes of this transfer so far and in all (0: not
// known); nonzero stops.
typedef int (*vz_fetch_progress)(void *context, int64_t done, int64_t total);

typedef struct {
    long status;       // of HTTP, 0 where there was none
    int is_resumed;    // the server went on from `start`; otherwise it began anew
    int is_stopped;    // by one of the callbacks
    int is_unreachable; // no server was found or it did not answer
} vz_fetch_result;

// Download from `start` on. 0 on success, else `message` (of VZ_FETCH_MESSAGE bytes) says why not.
// `begin` is called once before the first byte with whether the server resumes.
int vz_fetch(const char *address, int64_t start, void *context, int (*begin)(void *context, int is_resumed),
             vz_fetch_write write, vz_fetch_progress progress, vz_fetch_result *result, char *message);

// Unpack a tar archive, gzipped or not, into a folder that exists. Names that lead out of it, links
// that do, and what is neither file nor folder are refused. 0 on success.
int vz_unpack(const char *archive, const char *folder, void *context, vz_fetch_progress progress, char *message);
