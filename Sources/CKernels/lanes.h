#pragma once
#include <stddef.h>

// Sixteen floats: one register, or two or four where registers are shorter.
typedef float lanes __attribute__((vector_size(64), aligned(4)));
typedef int lane_bits __attribute__((vector_size(64), aligned(4)));

// Working memory of the thread, kept until it ends; NULL where there is none.
float *vz_own_memory(size_t count);
