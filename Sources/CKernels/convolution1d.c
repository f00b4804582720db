#include "convolution1d.h"
#include "lanes.h"
#include "parallel.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

// With few channels a library's convolutions leave most of the machine idle; these treat a window of
// all its channels as one row. In a layout of blocks the rows of neighbouring places overlap, so that
// nothing is unfolded: the row of a place begins `stride · block` floats after its neighbour's.

enum { CHUNK = 128 }; // places whose rows and cotangents stay in the first-level cache

typedef struct conv_job {
    vz_conv1d c;
    const float *x, *packed, *bias, *dy;
    float *y, *partial;
    int relu;
    size_t width;                           // channels a block
    size_t lanes;                           // filters a block
    size_t channel_blocks, filter_blocks;
    size_t row_step;                        // floats between the rows of neighbouring places
    size_t runs, run_width;                 // a row is one run, or one for each tap where dilated
    ptrdiff_t run_step;
    size_t inside_first, inside_last;       // places whose windows lie inside
    size_t chunk, chunks;
    size_t image_floats;                    // of one image's result
    size_t groups;                          // gradient: groups of images with sums of their own
    size_t pairs;                           // gradient: groups of filter blocks
    int failed;
} conv_job;

float *vz_own_memory(size_t count) {
    static _Thread_local float *memory;
    static _Thread_local size_t held;
    if (held < count) {
        free(memory);
        memory = aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64);
        held = memory ? count : 0;
    }
    return memory;
}

static size_t divided_up(size_t a, size_t b) { return (a + b - 1) / b; }

int vz_conv1d_serves(const vz_conv1d *c) {
    int in = c->in_block == 16 ? c->channels % 16 == 0 : c->in_block == c->channels && c->channels < 16;
    int out = c->out_block == 16 ? c->filters % 16 == 0 : c->out_block == c->filters && c->filters < 16;
    return in && out && c->size > 0 && c->stride > 0 && c->dilation > 0 && c->batch > 0 && c->out_length > 0 &&
           c->in_length > 0;
}

static conv_job described(const vz_conv1d *c) {
    conv_job j = {0};
    j.c = *c;
    j.width = c->in_block;
    j.lanes = c->out_block;
    j.channel_blocks = c->channels / c->in_block;
    j.filter_blocks = c->filters / c->out_block;
    j.row_step = c->stride * j.width;
    int one = c->dilation == 1;
    j.runs = one ? 1 : c->size;
    j.run_width = one ? c->size * j.width : j.width;
    j.run_step = (ptrdiff_t)(c->dilation * j.width);
    size_t span = (c->size - 1) * c->dilation + 1;
    j.inside_first = divided_up(c->pad, c->stride);
    if (j.inside_first > c->out_length) j.inside_first = c->out_length;
    j.inside_last = j.inside_first;
    if (c->in_length + c->pad >= span) {
        size_t last = (c->in_length + c->pad - span) / c->stride + 1;
        if (last > c->out_length) last = c->out_length;
        if (last > j.inside_first) j.inside_last = last;
    }
    return j;
}

// `length` places of the input from the first of window `place` on, zeros outside, one channel block after another.
static void copy_windows(const conv_job *j, const float *x, size_t place, float *to, size_t length) {
    const vz_conv1d *c = &j->c;
    ptrdiff_t start = (ptrdiff_t)(place * c->stride) - (ptrdiff_t)c->pad;
    ptrdiff_t from = start < 0 ? 0 : start, end = start + (ptrdiff_t)length;
    if (end > (ptrdiff_t)c->in_length) end = (ptrdiff_t)c->in_length;
    if (end < from) end = from;
    for (size_t cb = 0; cb < j->channel_blocks; cb++, to += length * j->width) {
        size_t before = from > start ? (size_t)(from - start) : 0;
        if (before > length) before = length;
        size_t inside = (size_t)(end - from);
        if (inside > length - before) inside = length - before;
        memset(to, 0, before * j->width * sizeof(float));
        memcpy(
            to + before * j->width, x + (cb * c->in_length + (size_t)from) * j->width,
            inside * j->width * sizeof(float));
        memset(to + (before + inside) * j->width, 0, (length - before - inside) * j->width * sizeof(float));
    }
}

// MARK: forward

// Few filters leave lanes empty: neighbouring places fill them. `together` places of `filters` filters
// are one place of 16 filters whose windows are longer and further apart.
static size_t places_together(const vz_conv1d *c) {
    return c->filters < 16 && 16 % c->filters == 0 && c->dilation == 1 ? 16 / c->filters : 1;
}

static vz_conv1d widened(const vz_conv1d *c) {
    vz_conv1d w = *c;
    size_t together = places_together(c);
    if (together == 1) return w;
    w.filters = w.out_block = 16;
    w.size = c->size + (together - 1) * c->stride;
    w.stride = c->stride * together;
    w.out_length = divided_up(c->out_length, together);
    return w;
}

size_t vz_conv1d_packed_count(const vz_conv1d *c) {
    vz_conv1d w = widened(c);
    return divided_up(w.filters, 16) * w.channels * w.size * 16;
}

static void pack(const vz_conv1d *c, const float *kernel, float *packed, int transposed) {
    size_t together = places_together(c), width = c->in_block;
    size_t lanes_used = together > 1 ? 16 : c->out_block, rows = widened(c).size * width;
    memset(packed, 0, vz_conv1d_packed_count(c) * sizeof(float));
    for (size_t f = 0; f < c->filters; f++)
        for (size_t ch = 0; ch < c->channels; ch++)
            for (size_t t = 0; t < c->size; t++)
                for (size_t q = 0; q < together; q++) {
                    size_t block = ch / width, at = (t + q * c->stride) * width + ch % width;
                    float *to = packed + ((f / lanes_used * (c->channels / width) + block) * rows + at) * 16;
                    to[(q * c->filters + f) % lanes_used] = transposed
                        ? kernel[((c->size - 1 - t) * c->filters + f) * c->channels + ch]
                        : kernel[(t * c->channels + ch) * c->filters + f];
                }
}

void vz_conv1d_pack(const vz_conv1d *c, const float *kernel, float *packed) { pack(c, kernel, packed, 0); }
void vz_conv1d_pack_transposed(const vz_conv1d *c, const float *kernel, float *packed) {
    pack(c, kernel, packed, 1);
}

typedef void (*forward_function)(
    const conv_job *, const float *, size_t, const float *, const float *, float *const *, size_t, int);

// One chunk of places of one image: inside ones straight from the map, edges from a padded copy.
static inline __attribute__((always_inline)) void forward_places(
    const conv_job *j, size_t part, size_t tile, size_t wide, forward_function run
) {
    const vz_conv1d *c = &j->c;
    size_t image = part / j->chunks, first = part % j->chunks * j->chunk;
    size_t last = first + j->chunk < c->out_length ? first + j->chunk : c->out_length;
    const float *x = j->x + image * c->channels * c->in_length;
    float *y = j->y + image * j->image_floats, spill[14 * 16];
    size_t length = (tile - 1) * c->stride + (c->size - 1) * c->dilation + 1;
    size_t panel = j->channel_blocks * c->size * j->width * 16;
    for (size_t f = 0; f < j->filter_blocks;) {
        size_t blocks = j->filter_blocks - f >= wide ? wide : 1;
        for (size_t p = first; p < last;) {
            size_t count = last - p < tile ? last - p : tile;
            int inside = p >= j->inside_first && p + tile <= j->inside_last;
            const float *rows;
            size_t block_stride;
            if (inside) {
                rows = x + (p * c->stride - c->pad) * j->width;
                block_stride = c->in_length * j->width;
            } else {
                float *copy = vz_own_memory(length * c->channels);
                if (!copy) {
                    ((conv_job *)j)->failed = 1;
                    return;
                }
                copy_windows(j, x, p, copy, length);
                rows = copy;
                block_stride = length * j->width;
            }
            float *to[2] = {0, 0};
            for (size_t n = 0; n < blocks; n++) to[n] = y + ((f + n) * c->out_length + p) * j->lanes;
            // The last place of several together may reach beyond the map.
            float *own = to[0];
            size_t room = j->image_floats - (size_t)(own - y);
            int over = j->filter_blocks == 1 && room < count * j->lanes;
            if (over) to[0] = spill;
            run(j, rows, block_stride, j->packed + f * panel, j->bias ? j->bias + f * j->lanes : NULL, to, count,
                (int)blocks);
            if (over) memcpy(own, spill, room * sizeof(float));
            p += count;
        }
        f += blocks;
    }
}

// MARK: kernel gradient

typedef void (*gradient_function)(
    const float *, ptrdiff_t, const float *, const float *, size_t, float *, float *, size_t);

// Sums of a part: [2][channel block][row][16], then the bias' [2][16].
static size_t part_floats(const conv_job *j) { return 2 * (j->c.size * j->c.channels + 1) * 16; }

// One chunk of places of one image: adds its products to the part's sums.
static inline __attribute__((always_inline)) void gradient_chunk(
    const conv_job *j, const float *x, const float *const d[2], size_t place, size_t count, int inside,
    float *copy, float *sums, size_t blocks, gradient_function run
) {
    const vz_conv1d *c = &j->c;
    size_t rows = c->size * j->width, held = rows * j->channel_blocks * 16;
    size_t length = (count - 1) * c->stride + (c->size - 1) * c->dilation + 1;
    conv_job one = *j; // a view of a single channel block
    one.channel_blocks = 1;
    for (size_t cb = 0; cb < j->channel_blocks; cb++) {
        const float *map = x + cb * c->in_length * j->width;
        const float *a = copy;
        if (inside) a = map + (place * c->stride - c->pad) * j->width;
        else copy_windows(&one, map, place, copy, length);
        for (size_t t = 0; t < j->runs; t++) {
            float *to = sums + (cb * rows + t * j->run_width) * 16;
            run(a + (ptrdiff_t)t * j->run_step, (ptrdiff_t)j->row_step, d[0], d[1], count, to,
                blocks > 1 ? to + held : NULL, j->run_width);
        }
    }
}

static inline __attribute__((always_inline)) void gradient_places(
    conv_job *j, size_t part, gradient_function run
) {
    const vz_conv1d *c = &j->c;
    size_t f0 = part % j->pairs * 2, group = part / j->pairs;
    size_t blocks = j->filter_blocks - f0 < 2 ? j->filter_blocks - f0 : 2;
    float *sums = j->partial + part * part_floats(j), *bias = sums + part_floats(j) - 32;
    memset(sums, 0, part_floats(j) * sizeof(float));
    size_t copied = ((CHUNK - 1) * c->stride + (c->size - 1) * c->dilation + 1) * j->width;
    copied = (copied + 15) / 16 * 16;
    float *copy = vz_own_memory(copied + CHUNK * 16);
    if (!copy) {
        j->failed = 1;
        return;
    }
    float *full = copy + copied; // cotangents of fewer than 16 filters, filled up
    if (j->lanes < 16) memset(full, 0, CHUNK * 16 * sizeof(float));
    double total[2][16] = {{0}};
    size_t first = c->batch * group / j->groups, last = c->batch * (group + 1) / j->groups;
    for (size_t image = first; image < last; image++) {
        const float *x = j->x + image * c->channels * c->in_length;
        const float *dy = j->dy + (image * j->filter_blocks + f0) * c->out_length * j->lanes;
        for (size_t p = 0, end; p < c->out_length; p = end) {
            end = p + CHUNK < c->out_length ? p + CHUNK : c->out_length;
            // A chunk is inside, or an edge.
            int inside = p >= j->inside_first && p < j->inside_last;
            if (inside && end > j->inside_last) end = j->inside_last;
            if (!inside && p < j->inside_first && end > j->inside_first) end = j->inside_first;
            const float *d[2] = {dy + p * j->lanes, blocks > 1 ? dy + (c->out_length + p) * j->lanes : NULL};
            if (j->lanes < 16) {
                for (size_t i = 0; i < end - p; i++)
                    memcpy(full + 16 * i, d[0] + j->lanes * i, j->lanes * sizeof(float));
                d[0] = full;
            }
            gradient_chunk(j, x, d, p, end - p, inside, copy, sums, blocks, run);
            for (size_t n = 0; n < blocks; n++) {
                lanes sum = {0};
                for (size_t i = 0; i < end - p; i++) sum += *(const lanes *)(d[n] + 16 * i);
                for (int i = 0; i < 16; i++) total[n][i] += sum[i];
            }
        }
    }
    for (size_t n = 0; n < 2; n++)
        for (int i = 0; i < 16; i++) bias[16 * n + i] = (float)total[n][i];
}

// Adds the groups' sums up in their order and lays them out as the caller wants them.
static void join_part(void *context, size_t part) {
    const conv_job *j = context;
    const vz_conv1d *c = &j->c;
    size_t rows = c->size * j->width, all = rows * j->channel_blocks, floats = part_floats(j);
    size_t pair = part / j->channel_blocks, cb = part % j->channel_blocks, f0 = pair * 2;
    size_t blocks = j->filter_blocks - f0 < 2 ? j->filter_blocks - f0 : 2;
    for (size_t n = 0; n < blocks; n++) {
        for (size_t row = 0; row < rows; row++) {
            lanes sum = {0};
            for (size_t g = 0; g < j->groups; g++)
                sum += *(const lanes *)(j->partial + (g * j->pairs + pair) * floats +
                                        (n * all + cb * rows + row) * 16);
            size_t tap = row / j->width, channel = cb * j->width + row % j->width;
            float *to = j->y + (tap * c->channels + channel) * c->filters + (f0 + n) * j->lanes;
            memcpy(to, &sum, j->lanes * sizeof(float));
        }
        if (cb > 0 || !j->bias) continue;
        lanes sum = {0};
        for (size_t g = 0; g < j->groups; g++)
            sum += *(const lanes *)(j->partial + (g * j->pairs + pair) * floats + (2 * all + n) * 16);
        memcpy((float *)j->bias + (f0 + n) * j->lanes, &sum, j->lanes * sizeof(float));
    }
}

#define VZ_NAME(name) portable_##name
#define TILE 3
#define WIDE 2
#include "microkernels_body.h"
#include "convolution1d_body.h"
#undef VZ_NAME
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define VZ_NAME(name) avx2_##name
#include "microkernels_body.h"
#include "convolution1d_body.h"
#undef VZ_NAME
#pragma clang attribute pop
#undef TILE
#define TILE 14
#pragma clang attribute push(                                                                            \
    __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,fma"))), apply_to = function)
#define VZ_NAME(name) avx512_##name
#include "microkernels_body.h"
#include "convolution1d_body.h"
#undef VZ_NAME
#pragma clang attribute pop
#endif

typedef struct {
    void (*forward)(void *, size_t);
    void (*gradient)(void *, size_t);
    size_t tile;
} variant;

static variant best_variant(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
        return (variant){avx512_forward_part, avx512_gradient_part, 14};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return (variant){avx2_forward_part, avx2_gradient_part, 3};
#endif
    return (variant){portable_forward_part, portable_gradient_part, 3};
}

int vz_conv1d_forward(
    const vz_conv1d *c, const float *x, const float *packed, const float *bias, int relu, float *y
) {
    variant v = best_variant();
    vz_conv1d w = widened(c);
    size_t image_floats = c->filters * c->out_length;
    conv_job j = described(&w);
    float biases[16];
    if (bias && w.filters != c->filters) {
        for (size_t i = 0; i < 16; i++) biases[i] = bias[i % c->filters];
        bias = biases;
    }
    c = &w;
    j.x = x;
    j.packed = packed;
    j.bias = bias;
    j.relu = relu;
    j.y = y;
    j.image_floats = image_floats;
    // Whole tiles of places; about 32 KiB of rows a part.
    j.chunk = divided_up(8192 / j.width / c->stride, v.tile) * v.tile;
    if (j.chunk < v.tile) j.chunk = v.tile;
    j.chunks = divided_up(c->out_length, j.chunk);
    vz_parallel(c->batch * j.chunks, v.forward, &j);
    return j.failed;
}

static conv_job gradient_job(const vz_conv1d *c) {
    conv_job j = described(c);
    j.pairs = divided_up(j.filter_blocks, 2);
    // Enough parts for the cores of any one machine, few enough that joining them costs nothing.
    j.groups = divided_up(64, j.pairs);
    if (j.groups > c->batch) j.groups = c->batch;
    return j;
}

size_t vz_conv1d_gradient_scratch(const vz_conv1d *c) {
    conv_job j = gradient_job(c);
    return j.groups * j.pairs * part_floats(&j);
}

int vz_conv1d_kernel_gradient(
    const vz_conv1d *c, const float *x, const float *dy, float *dkernel, float *dbias, float *scratch
) {
    variant v = best_variant();
    conv_job j = gradient_job(c);
    j.x = x;
    j.dy = dy;
    j.partial = scratch;
    j.y = dkernel;
    j.bias = dbias;
    vz_parallel(j.groups * j.pairs, v.gradient, &j);
    if (!j.failed) vz_parallel(j.pairs * j.channel_blocks, join_part, &j);
    return j.failed;
}
