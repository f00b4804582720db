#pragma once
#include <stddef.h>
#include <stdint.h>

// x [outer][length][inner] → y [outer][count][inner]: the rows at `positions`. Negative positions
// count from the end; one outside takes the nearest inside. `length` is at least 1.
void vz_gather(
    const float *x, const int32_t *positions, float *y, size_t outer, size_t length, size_t count, size_t inner);
// The adjoint: dx [outer][length][inner] = 0, and each row of dy [outer][count][inner] added at its
// position, in the order of the positions whatever the number of threads.
void vz_scatter_sum(
    const float *dy, const int32_t *positions, float *dx, size_t outer, size_t length, size_t count, size_t inner);
