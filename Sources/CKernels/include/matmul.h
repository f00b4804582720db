#pragma once
#include <stddef.h>

// Small matrix products, for which a library's call costs more than the product: for each i < batches
// C_i = A_i B_i with A_i at a + a_at[i] [m, k] (or transposed), B_i at b + b_at[i] [k, n] (or
// transposed), C_i at c + i m n. Each sum runs over k in order, whatever the number of threads.
void vz_small_matmul(
    int transpose_a, int transpose_b, size_t m, size_t n, size_t k, const float *a, const ptrdiff_t *a_at,
    const float *b, const ptrdiff_t *b_at, float *c, size_t batches);
