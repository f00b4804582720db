#pragma once
#include <stddef.h>

// Runs body(context, part) for each part in 0 ..< parts on the threads of the OpenMP runtime that
// oneDNN uses too, so that there is one pool of threads and never more of them than cores. Which
// thread takes which part never matters to the result.
void vz_parallel(size_t parts, void (*body)(void *context, size_t part), void *context);

// How many threads work in vz_parallel and in oneDNN; at least 1.
void vz_set_threads(int n);
int vz_threads(void);
