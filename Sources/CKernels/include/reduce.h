#pragma once
#include <stddef.h>

typedef enum { VZ_FOLD_SUM, VZ_FOLD_MEAN, VZ_FOLD_MAX, VZ_FOLD_MIN } vz_fold;

// [outer][length][inner] → [outer][inner]. Sums are made in double over a partition that does not
// depend on the number of threads.
void vz_reduce(vz_fold fold, const float *x, float *y, size_t outer, size_t length, size_t inner);
// The position of the greatest element (the first of equals); a NaN counts as the greatest.
void vz_argmax(const float *x, int *y, size_t outer, size_t length, size_t inner);
// Rows of `length`: softmax, log-softmax.
void vz_softmax(const float *x, float *y, size_t rows, size_t length);
void vz_log_softmax(const float *x, float *y, size_t rows, size_t length);

// Copies a strided array of 32-bit elements into a dense one; rank at most 16.
void vz_gather_strided(
    const float *x, float *y, size_t rank, const size_t *shape, const ptrdiff_t *strides);
// The other way: y[strided] = x[dense]; what is not met stays as it is.
void vz_scatter_strided(
    const float *x, float *y, size_t rank, const size_t *shape, const ptrdiff_t *strides);
void vz_fill(float *y, float value, size_t n);
