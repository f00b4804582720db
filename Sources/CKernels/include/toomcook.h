#pragma once
#include "convolution1d.h"
#include <stddef.h>

// 1-D convolutions with stride 1 by Toom and Cook (Winograd 1980, "Arithmetic complexity of
// computations"; Lavin and Gray 2016): of 8 neighbouring inputs and `size` taps come 9 - size outputs
// with 8 products instead of size · (9 - size), at the points 0, ±1, ±2, ±1/2 and ∞.

// 1 where it serves: 3 or 5 taps, no dilation, blocks of 16 on both sides.
int vz_toomcook_serves(const vz_conv1d *c);

// Floats of the packed kernel; packing as in convolution1d.h.
size_t vz_toomcook_packed_count(const vz_conv1d *c);
void vz_toomcook_pack(const vz_conv1d *c, const float *kernel, float *packed, int transposed);
int vz_toomcook_forward(
    const vz_conv1d *c, const float *x, const float *packed, const float *bias, int relu, float *y);

// Floats of working memory for the kernel gradient.
size_t vz_toomcook_gradient_scratch(const vz_conv1d *c);
int vz_toomcook_kernel_gradient(
    const vz_conv1d *c, const float *x, const float *dy, float *dkernel, float *dbias, float *scratch);
