#pragma once
#include <stddef.h>
#include <stdint.h>

// A feature map [batch][blocks][height][width][block]; 1-D maps have height 1.
typedef struct {
    size_t batch, channels, height, width;
    size_t block; // channels that lie together; divides channels
} vz_map;

// Copies between two layouts of one map.
void vz_relayout(const float *x, size_t block_in, float *y, size_t block_out, const vz_map *map);

// Pooling windows along height and width; places in the padding count for nothing.
typedef struct {
    size_t size[2], stride[2], dilation[2], pad[2];
    size_t out[2]; // places of the window
} vz_pool;

// winner: for each result the tap (row * size[1] + column) that won, or NULL. At most 256 taps.
void vz_maxpool(const float *x, float *y, uint8_t *winner, const vz_map *map, const vz_pool *pool);
// dx from dy and the winners. With `pooled` (the forward result) a cotangent passes only where it is
// above 0: the gradient of ReLU before the pooling.
void vz_maxpool_gradient(
    const float *dy, const uint8_t *winner, const float *pooled, float *dx, const vz_map *map, const vz_pool *pool);
// v[winner] of each window: the adjoint of the gradient.
void vz_maxpool_select(const float *v, const uint8_t *winner, float *y, const vz_map *map, const vz_pool *pool);
void vz_avgpool(const float *x, float *y, const vz_map *map, const vz_pool *pool);
void vz_avgpool_gradient(const float *dy, float *dx, const vz_map *map, const vz_pool *pool);

// Per channel over batch and places: mean and biased variance → moments[2][channels]. Sums are made
// in double over a partition that does not depend on the number of threads.
void vz_moments(const float *x, float *moments, const vz_map *map);
// Per channel Σ dy (x − mean) / √(variance + ε) and Σ dy → sums[2][channels].
void vz_normalize_sums(
    const float *x, const float *moments, const float *dy, float *sums, float epsilon, const vz_map *map);
// Per channel Σ x → sums[channels].
void vz_channel_sums(const float *x, float *sums, const vz_map *map);

// Channels first ..< first + count (by `step`) of a map as a channels-last one, and back into zeros.
void vz_take_channels(const float *x, float *y, const vz_map *map, size_t first, size_t step, size_t count);
void vz_put_channels(const float *dy, float *dx, const vz_map *map, size_t first, size_t step, size_t count);

// gamma · (x − mean) / √(variance + ε) + beta with moments[2][channels], then ReLU where asked.
// scratch: 2 channels floats.
void vz_normalize(
    const float *x, const float *moments, const float *gamma, const float *beta, float *y, float epsilon,
    int relu, float *scratch, const vz_map *map);
// The same and max pooling of it at once: `map` is x's. winner as in vz_maxpool.
void vz_normalize_maxpool(
    const float *x, const float *moments, const float *gamma, const float *beta, float *y, uint8_t *winner,
    float epsilon, int relu, float *scratch, const vz_map *map, const vz_pool *pool);

// Windows of one channels-last row [length][channels] as rows of a matrix [places][size * channels];
// places outside are 0.
void vz_unfold(
    const float *x, float *rows, size_t length, size_t channels, size_t size, size_t stride, size_t dilation,
    size_t pad, size_t places);
// The way back: adds rows of windows to the places [length][channels] that they came from; y is cleared first.
void vz_fold_windows(
    const float *rows, float *y, size_t length, size_t channels, size_t size, size_t stride, size_t dilation,
    size_t pad, size_t places);
// y += x
void vz_add(const float *x, float *y, size_t n);
