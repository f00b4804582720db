// Batch normalization and what follows it (ReLU, max pooling) in one pass over the map.
#include "clones.h"
#include "featuremap.h"
#include "parallel.h"
#include "windows.h"
#include <math.h>
#include <string.h>

typedef struct {
    const float *x;
    const float *scale, *shift; // of each channel
    float *y;
    uint8_t *winner;
    int relu;
    vz_map map;
    vz_pool pool;
} normalize_job;

// gamma (x - mean) / sqrt(variance + epsilon) + beta as x scale + shift.
static void scales(
    const float *moments, const float *gamma, const float *beta, float epsilon, float *out, size_t channels
) {
    for (size_t c = 0; c < channels; c++) {
        out[c] = gamma[c] / sqrtf(moments[channels + c] + epsilon);
        out[channels + c] = beta[c] - moments[c] * out[c];
    }
}

static inline __attribute__((always_inline)) void affine(
    const float *restrict x, const float *restrict scale, const float *restrict shift, int relu,
    float *restrict y, size_t n
) {
    if (relu)
        for (size_t i = 0; i < n; i++) {
            float v = x[i] * scale[i] + shift[i];
            y[i] = v > 0.0f || v != v ? v : 0.0f;
        }
    else
        for (size_t i = 0; i < n; i++) y[i] = x[i] * scale[i] + shift[i];
}

enum { PLACES = 1024 };

VZ_CLONES static void normalize_part(void *context, size_t part) {
    const normalize_job *j = context;
    const vz_map *m = &j->map;
    size_t places = m->height * m->width, blocks = m->channels / m->block, b = m->block;
    size_t chunks = (places + PLACES - 1) / PLACES;
    size_t plane = part / chunks, first = part % chunks * PLACES;
    size_t last = first + PLACES < places ? first + PLACES : places;
    const float *scale = j->scale + plane % blocks * b, *shift = j->shift + plane % blocks * b;
    for (size_t p = first; p < last; p++) {
        size_t at = (plane * places + p) * b;
        if (b == 16)
            affine(j->x + at, scale, shift, j->relu, j->y + at, 16);
        else
            affine(j->x + at, scale, shift, j->relu, j->y + at, b);
    }
}

void vz_normalize(
    const float *x, const float *moments, const float *gamma, const float *beta, float *y, float epsilon,
    int relu, float *scratch, const vz_map *map
) {
    scales(moments, gamma, beta, epsilon, scratch, map->channels);
    normalize_job j = {.x = x, .scale = scratch, .shift = scratch + map->channels, .y = y, .relu = relu, .map = *map};
    size_t chunks = (map->height * map->width + PLACES - 1) / PLACES;
    vz_parallel(map->batch * (map->channels / map->block) * chunks, normalize_part, &j);
}

enum { LANES = 64 };

// One row of windows, some lanes of the block.
static inline __attribute__((always_inline)) void pool_row(
    const normalize_job *j, const float *x, const float *scale, const float *shift, size_t row, size_t at,
    size_t n
) {
    const vz_map *m = &j->map;
    const vz_pool *p = &j->pool;
    size_t b = m->block;
    span sh = window_span(row, p, 0, m->height);
    for (size_t column = 0; column < p->out[1]; column++, at += b) {
        span sw = window_span(column, p, 1, m->width);
        float value[LANES], best[LANES];
        uint8_t won[LANES];
        int fresh = 1;
        for (size_t kh = sh.first; kh < sh.last; kh++) {
            size_t h = (size_t)(sh.start + (ptrdiff_t)(kh * p->dilation[0]));
            for (size_t kw = sw.first; kw < sw.last; kw++) {
                size_t w = (size_t)(sw.start + (ptrdiff_t)(kw * p->dilation[1]));
                uint8_t tap = (uint8_t)(kh * p->size[1] + kw);
                affine(x + (h * m->width + w) * b, scale, shift, j->relu, fresh ? best : value, n);
                if (fresh)
                    memset(won, tap, n);
                else
                    take_greater(value, best, won, tap, n);
                fresh = 0;
            }
        }
        if (fresh) { // a window of nothing but padding
            memset(best, 0, n * sizeof(float));
            memset(won, 0, n);
        }
        memcpy(j->y + at, best, n * sizeof(float));
        if (j->winner) memcpy(j->winner + at, won, n);
    }
}

VZ_CLONES static void normalize_pool_part(void *context, size_t part) {
    const normalize_job *j = context;
    const vz_map *m = &j->map;
    size_t rows = j->pool.out[0], plane = part / rows, row = part % rows, b = m->block;
    size_t channel = plane % (m->channels / b) * b;
    const float *x = j->x + plane * m->height * m->width * b;
    size_t at = (plane * rows + row) * j->pool.out[1] * b;
    if (b == 16) {
        pool_row(j, x, j->scale + channel, j->shift + channel, row, at, 16);
        return;
    }
    for (size_t lane = 0; lane < b; lane += LANES)
        pool_row(
            j, x + lane, j->scale + channel + lane, j->shift + channel + lane, row, at + lane,
            b - lane < LANES ? b - lane : LANES);
}

void vz_normalize_maxpool(
    const float *x, const float *moments, const float *gamma, const float *beta, float *y, uint8_t *winner,
    float epsilon, int relu, float *scratch, const vz_map *map, const vz_pool *pool
) {
    scales(moments, gamma, beta, epsilon, scratch, map->channels);
    normalize_job j = {
        x, scratch, scratch + map->channels, y, winner, relu, *map, *pool,
    };
    vz_parallel(map->batch * (map->channels / map->block) * pool->out[0], normalize_pool_part, &j);
}
