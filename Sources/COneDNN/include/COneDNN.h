// A narrow door to oneDNN: convolution in its three directions, and the matrix product.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { VZ_CONV_FORWARD, VZ_CONV_INPUT_GRADIENT, VZ_CONV_KERNEL_GRADIENT } vz_conv_direction;

// Spatial axes: height, width; a 1-D convolution has rank 1 and uses index 0 alone.
typedef struct {
    int rank;
    int64_t batch, channels, filters, groups;
    int64_t in[2], out[2], kernel[2], stride[2], dilation[2], pad_before[2], pad_after[2];
    // Channels that lie together in each feature map: 1 (channels first), 8, 16, or 0 for all (channels last).
    int64_t in_block, out_block;
    int has_bias;  // forward: add it; kernel gradient: compute its gradient
    int has_relu;  // forward only
    int winograd;  // ask for Winograd where the library offers it
} vz_conv_spec;

typedef struct vz_conv vz_conv;

// NULL where the library has no such convolution; `why` (256 bytes) then says so.
vz_conv *vz_conv_create(vz_conv_direction direction, const vz_conv_spec *spec, char *why);
void vz_conv_destroy(vz_conv *c);
// What the library chose: "jit:avx512_core", "jit_wino:avx512_core" …
const char *vz_conv_implementation(const vz_conv *c);
// Bytes of the kernel in the library's own layout, and of its working memory.
size_t vz_conv_kernel_bytes(const vz_conv *c);
size_t vz_conv_scratch_bytes(const vz_conv *c);
// 0 where [window…, channels / groups, filters] is already the library's layout.
int vz_conv_packs_kernel(const vz_conv *c);
// Between [window…, channels / groups, filters] and the library's layout. 0 on success.
int vz_conv_pack_kernel(vz_conv *c, const float *plain, void *packed);
int vz_conv_unpack_kernel(vz_conv *c, const void *packed, float *plain);

// forward: in, kernel, bias → out. input gradient: out (its cotangent), kernel → in. kernel
// gradient: in, out (its cotangent) → kernel, bias. 0 on success.
int vz_conv_run(vz_conv *c, void *in, void *kernel, float *bias, void *out, void *scratch);

// C = A B, row-major, A [m, k] (or transposed), B [k, n] (or transposed). 0 on success.
int vz_sgemm(
    int transpose_a, int transpose_b, int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *c);

// The same, free to round A and B to bfloat16 where the processor computes with it; sums stay float32.
int vz_bf16_gemm(
    int transpose_a, int transpose_b, int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *c);

// Lets convolutions made from now on, and products, round their inputs to bfloat16, where the processor computes
// with it; sums stay float32. 0 on success.
int vz_allow_bfloat16(int allow);

// "2.6.3"
const char *vz_onednn_version(void);

#ifdef __cplusplus
}
#endif
