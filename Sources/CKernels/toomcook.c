#include "toomcook.h"
#include "lanes.h"
#include "parallel.h"
#include <stdlib.h>
#include <string.h>

// Tiles of all images stand in one row, so that short maps fill the registers as well as long ones.
enum { POINTS = 8, TOGETHER = 28, DEEP = 64 };

// For the points 1, 2 and 1/2 (and their negatives): the points and the factors that the interpolation
// leaves with the kernel.
static const float point[3] = {1.0f, 2.0f, 0.5f};
static const float share[3] = {(float)(-2.0 / 9.0), (float)(1.0 / 90.0), (float)(32.0 / 45.0)};

typedef struct {
    vz_conv1d c;
    const float *x, *packed, *bias, *dy;
    float *y, *partial;
    int relu, failed;
    size_t made;                          // outputs of a tile
    size_t tiles_per_image, tiles;        // tiles of one image, of all
    size_t channel_blocks, filter_blocks;
    size_t groups, pairs;                 // gradient: groups of tiles with sums of their own
} toom_job;

static size_t divided_up(size_t a, size_t b) { return (a + b - 1) / b; }

int vz_toomcook_serves(const vz_conv1d *c) {
    return (c->size == 3 || c->size == 5) && c->stride == 1 && c->dilation == 1 && c->in_block == 16 &&
           c->out_block == 16 && c->channels % 16 == 0 && c->filters % 16 == 0 && c->channels > 0 &&
           c->filters > 0 && c->batch > 0 && c->out_length > 0 && c->in_length > 0;
}

static toom_job described(const vz_conv1d *c) {
    toom_job j = {0};
    j.c = *c;
    j.made = POINTS + 1 - c->size;
    j.tiles_per_image = divided_up(c->out_length, j.made);
    j.tiles = j.tiles_per_image * c->batch;
    j.channel_blocks = c->channels / 16;
    j.filter_blocks = c->filters / 16;
    j.pairs = divided_up(j.filter_blocks, 2);
    return j;
}

// MARK: the kernel's transform

size_t vz_toomcook_packed_count(const vz_conv1d *c) { return POINTS * c->channels * c->filters; }

typedef struct {
    const vz_conv1d *c;
    const float *kernel;
    float *packed;
    int transposed;
} pack_job;

// The taps of sixteen filters for one channel.
static void take_taps(const pack_job *j, size_t block, size_t channel, lanes *taps) {
    const vz_conv1d *c = j->c;
    for (size_t t = 0; t < c->size; t++) {
        if (!j->transposed) {
            taps[t] = *(const lanes *)(j->kernel + (t * c->channels + channel) * c->filters + block * 16);
            continue;
        }
        const float *from = j->kernel + ((c->size - 1 - t) * c->filters + block * 16) * c->channels + channel;
        for (size_t i = 0; i < 16; i++) taps[t][i] = from[i * c->channels];
    }
}

// Packed: [filter block][point][channel][16].
static void pack_part(void *context, size_t block) {
    const pack_job *j = context;
    const vz_conv1d *c = j->c;
    size_t plane = c->channels * 16;
    for (size_t channel = 0; channel < c->channels; channel++) {
        lanes taps[POINTS];
        take_taps(j, block, channel, taps);
        float *to = j->packed + block * POINTS * plane + channel * 16;
        *(lanes *)to = taps[0];
        *(lanes *)(to + (POINTS - 1) * plane) = taps[c->size - 1];
        for (size_t i = 0; i < 3; i++) {
            lanes even = {0}, odd = {0};
            float power = 1;
            for (size_t t = 0; t < c->size; t++, power *= point[i]) {
                if (t % 2) odd += power * taps[t];
                else even += power * taps[t];
            }
            *(lanes *)(to + (1 + 2 * i) * plane) = share[i] * (even + odd);
            *(lanes *)(to + (2 + 2 * i) * plane) = share[i] * (even - odd);
        }
    }
}

void vz_toomcook_pack(const vz_conv1d *c, const float *kernel, float *packed, int transposed) {
    pack_job j = {c, kernel, packed, transposed};
    vz_parallel(c->filters / 16, pack_part, &j);
}

// MARK: the tiles

// Places of one channel block under a tile, zeros outside; `edge` holds them where the tile hangs over.
static inline const float *tile_places(
    const float *map, size_t length, ptrdiff_t start, size_t count, float *edge
) {
    if (start >= 0 && (size_t)start + count <= length) return map + start * 16;
    for (size_t i = 0; i < count; i++) {
        ptrdiff_t p = start + (ptrdiff_t)i;
        if (p >= 0 && p < (ptrdiff_t)length)
            memcpy(edge + 16 * i, map + p * 16, 64);
        else
            memset(edge + 16 * i, 0, 64);
    }
    return edge;
}

// Sums of a part of the kernel gradient: [2][point][channel][16], then the bias' [2][16].
static size_t part_floats(const toom_job *j) { return 2 * (POINTS * j->c.channels + 1) * 16; }

#define VZ_NAME(name) portable_##name
#define TILE 3
#define WIDE 2
#include "microkernels_body.h"
#include "toomcook_body.h"
#undef VZ_NAME
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define VZ_NAME(name) avx2_##name
#include "microkernels_body.h"
#include "toomcook_body.h"
#undef VZ_NAME
#pragma clang attribute pop
#undef TILE
#define TILE 14
#pragma clang attribute push(                                                                            \
    __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,fma"))), apply_to = function)
#define VZ_NAME(name) avx512_##name
#include "microkernels_body.h"
#include "toomcook_body.h"
#undef VZ_NAME
#pragma clang attribute pop
#endif

typedef struct {
    void (*forward)(void *, size_t);
    void (*gradient)(void *, size_t);
} variant;

static variant best_variant(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
        return (variant){avx512_forward_part, avx512_gradient_part};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return (variant){avx2_forward_part, avx2_gradient_part};
#endif
    return (variant){portable_forward_part, portable_gradient_part};
}

int vz_toomcook_forward(
    const vz_conv1d *c, const float *x, const float *packed, const float *bias, int relu, float *y
) {
    toom_job j = described(c);
    j.x = x;
    j.packed = packed;
    j.bias = bias;
    j.relu = relu;
    j.y = y;
    vz_parallel(divided_up(j.tiles, TOGETHER), best_variant().forward, &j);
    return j.failed;
}

// MARK: kernel gradient

static toom_job gradient_job(const vz_conv1d *c) {
    toom_job j = described(c);
    // Enough parts for the cores of any one machine, few enough that joining them costs nothing.
    j.groups = divided_up(32, j.pairs);
    size_t most = divided_up(j.tiles, DEEP);
    if (j.groups > most) j.groups = most;
    return j;
}

size_t vz_toomcook_gradient_scratch(const vz_conv1d *c) {
    toom_job j = gradient_job(c);
    return j.groups * j.pairs * part_floats(&j);
}

// Adds the groups' sums up in their order, then takes them from the points to the taps.
static void join_part(void *context, size_t part) {
    const toom_job *j = context;
    const vz_conv1d *c = &j->c;
    size_t pair = part / j->channel_blocks, cb = part % j->channel_blocks;
    size_t blocks = j->filter_blocks - pair * 2 < 2 ? j->filter_blocks - pair * 2 : 2;
    size_t floats = part_floats(j);
    for (size_t n = 0; n < blocks; n++) {
        for (size_t ch = cb * 16; ch < cb * 16 + 16; ch++) {
            lanes m[POINTS];
            for (size_t p = 0; p < POINTS; p++) {
                m[p] = (lanes){0};
                for (size_t g = 0; g < j->groups; g++)
                    m[p] += *(const lanes *)(j->partial + (g * j->pairs + pair) * floats +
                                             ((n * POINTS + p) * c->channels + ch) * 16);
            }
            for (size_t t = 0; t < c->size; t++) {
                lanes sum = {0};
                for (int i = 0; i < 3; i++) {
                    float power = 1;
                    for (size_t e = 0; e < t; e++) power *= point[i];
                    lanes both = t % 2 ? m[1 + 2 * i] - m[2 + 2 * i] : m[1 + 2 * i] + m[2 + 2 * i];
                    sum += power * both;
                }
                if (t == 0) sum += m[0];
                if (t == c->size - 1) sum += m[POINTS - 1];
                *(lanes *)(j->y + (t * c->channels + ch) * c->filters + (pair * 2 + n) * 16) = sum;
            }
        }
        if (cb > 0 || !j->bias) continue;
        lanes sum = {0};
        for (size_t g = 0; g < j->groups; g++)
            sum += *(const lanes *)(j->partial + (g * j->pairs + pair) * floats +
                                    (2 * POINTS * c->channels + n) * 16);
        *(lanes *)((float *)j->bias + (pair * 2 + n) * 16) = sum;
    }
}

int vz_toomcook_kernel_gradient(
    const vz_conv1d *c, const float *x, const float *dy, float *dkernel, float *dbias, float *scratch
) {
    toom_job j = gradient_job(c);
    j.x = x;
    j.dy = dy;
    j.partial = scratch;
    j.y = dkernel;
    j.bias = dbias;
    vz_parallel(j.groups * j.pairs, best_variant().gradient, &j);
    if (!j.failed) vz_parallel(j.pairs * j.channel_blocks, join_part, &j);
    return j.failed;
}
