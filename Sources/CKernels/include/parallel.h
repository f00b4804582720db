#pragma once
#include <stddef.h>

// Runs body(context, part) for each part in 0 ..< parts on the threads of the OpenMP runtime that
// oneDNN uses too, so that there is one pool of threads and never more of them than cores. Which
// thread takes which part never matters to the result.
//
// While the calling thread watches (below), parts that have not begun are left out once a stop was
// asked for: what the call was to write is then worth nothing.
void vz_parallel(size_t parts, void (*body)(void *context, size_t part), void *context);

// From here until vz_watch_end, calls of vz_parallel from this thread ask asked(context) before each
// part, from any thread.
void vz_watch_begin(int (*asked)(void *context), void *context);
// Ends it; 1 where any part was left out.
int vz_watch_end(void);

// How many threads work in vz_parallel and in oneDNN; at least 1.
void vz_set_threads(int n);
int vz_threads(void);
