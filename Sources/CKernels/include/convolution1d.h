#pragma once
#include <stddef.h>

// A 1-D convolution without groups between feature maps [batch][blocks][places][block]. A block is 16
// channels, or all of them where there are at most 16 (which is channels last, too).
typedef struct {
    size_t batch, channels, filters;
    size_t in_length, out_length;
    size_t size, stride, dilation, pad; // pad: places before the first; what lies outside is 0
    size_t in_block, out_block;
} vz_conv1d;

// 1 where these kernels serve maps of this description.
int vz_conv1d_serves(const vz_conv1d *c);

// Floats of the packed kernel.
size_t vz_conv1d_packed_count(const vz_conv1d *c);
// From [size][channels][filters].
void vz_conv1d_pack(const vz_conv1d *c, const float *kernel, float *packed);
// The kernel of the convolution that gives the input gradient of one with stride 1: `c` describes that
// gradient (channels and filters exchanged, pad = (size - 1) dilation - pad), the kernel is
// [size][c->filters][c->channels].
void vz_conv1d_pack_transposed(const vz_conv1d *c, const float *kernel, float *packed);

// y = x * kernel + bias, then ReLU where asked; bias may be NULL. 0 on success, 1 without memory.
int vz_conv1d_forward(
    const vz_conv1d *c, const float *x, const float *packed, const float *bias, int relu, float *y);

// Floats of working memory for the kernel gradient.
size_t vz_conv1d_gradient_scratch(const vz_conv1d *c);
// dkernel [size][channels][filters] and, where not NULL, dbias [filters], from x and dy. The partition
// of the sums depends on the description alone, never on the number of threads. 0 on success.
int vz_conv1d_kernel_gradient(
    const vz_conv1d *c, const float *x, const float *dy, float *dkernel, float *dbias, float *scratch);
