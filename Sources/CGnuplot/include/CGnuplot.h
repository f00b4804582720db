#pragma once
// A C door to gnuplot-iostream: a stream of commands into the stdin of a gnuplot that the caller started.
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vz_gnuplot vz_gnuplot;

/// Takes over `fd`, the writing end of a pipe to gnuplot's stdin, and closes it with the stream.
/// Null and `*error` an errno value where there is no memory or `fd` is not open for writing; `fd` is then
/// still the caller's.
vz_gnuplot *vz_gnuplot_open(int fd, int *error);

/// Writes `count` bytes and flushes them. Never raises SIGPIPE. 0, or an errno value: EPIPE where gnuplot has gone.
int vz_gnuplot_write(vz_gnuplot *stream, const void *bytes, size_t count);

/// Closes the pipe (gnuplot leaves when it reads the end of its input) and frees the stream. Null is allowed.
void vz_gnuplot_close(vz_gnuplot *stream);

/// An anonymous file in memory, closed on exec. The descriptor, or -1 with errno set.
int vz_memory_file(const char *name);

/// A pipe closed on exec, with room for a whole figure where the system grants it. 0, or -1 with errno set.
int vz_pipe(int ends[2]);

#ifdef __cplusplus
}
#endif
