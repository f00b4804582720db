#include "clones.h"
#include "featuremap.h"
#include "parallel.h"
#include "windows.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

// Work is cut into (image, block) planes; where those are few, as with channels last, also into rows.

typedef struct {
    const float *x;
    float *y;
    size_t block_in, block_out;
    vz_map map;
} relayout_job;

static void relayout_part(void *context, size_t part) {
    const relayout_job *j = context;
    const vz_map *m = &j->map;
    size_t places = m->height * m->width, chunk = 256;
    size_t chunks = (places + chunk - 1) / chunk;
    size_t image = part / chunks, first = part % chunks * chunk;
    size_t last = first + chunk < places ? first + chunk : places;
    const float *x = j->x + image * m->channels * places;
    float *y = j->y + image * m->channels * places;
    size_t bi = j->block_in, bo = j->block_out;
    // The finer of the two blocks can be copied whole wherever both agree.
    size_t run = bi % bo == 0 ? bo : bo % bi == 0 ? bi : 1;
    for (size_t c = 0; c < m->channels; c += run) {
        const float *from = x + c / bi * bi * places + c % bi;
        float *to = y + c / bo * bo * places + c % bo;
        if (run == 16) {
            for (size_t p = first; p < last; p++) memcpy(to + p * bo, from + p * bi, 64);
        } else {
            for (size_t p = first; p < last; p++)
                for (size_t i = 0; i < run; i++) to[p * bo + i] = from[p * bi + i];
        }
    }
}

void vz_relayout(const float *x, size_t block_in, float *y, size_t block_out, const vz_map *map) {
    relayout_job j = {x, y, block_in, block_out, *map};
    size_t places = map->height * map->width;
    vz_parallel(map->batch * ((places + 255) / 256), relayout_part, &j);
}

// MARK: pooling

typedef struct {
    const float *x, *extra;
    const uint8_t *winner_in;
    float *y;
    uint8_t *winner_out;
    vz_map map;
    vz_pool pool;
} pool_job;

// Rows of windows are the parts: (image, block, row).
static size_t pool_parts(const vz_map *m, const vz_pool *p) {
    return m->batch * (m->channels / m->block) * p->out[0];
}

VZ_CLONES static void maxpool_part(void *context, size_t part) {
    const pool_job *j = context;
    const vz_map *m = &j->map;
    const vz_pool *p = &j->pool;
    size_t plane = part / p->out[0], row = part % p->out[0], b = m->block;
    const float *x = j->x + plane * m->height * m->width * b;
    size_t at = (plane * p->out[0] + row) * p->out[1] * b;
    span sh = window_span(row, p, 0, m->height);
    for (size_t column = 0; column < p->out[1]; column++, at += b) {
        span sw = window_span(column, p, 1, m->width);
        float *y = j->y + at;
        uint8_t *winner = j->winner_out ? j->winner_out + at : NULL;
        int fresh = 1;
        for (size_t kh = sh.first; kh < sh.last; kh++) {
            size_t h = (size_t)(sh.start + (ptrdiff_t)(kh * p->dilation[0]));
            for (size_t kw = sw.first; kw < sw.last; kw++) {
                size_t w = (size_t)(sw.start + (ptrdiff_t)(kw * p->dilation[1]));
                const float *from = x + (h * m->width + w) * b;
                uint8_t tap = (uint8_t)(kh * p->size[1] + kw);
                if (fresh) {
                    memcpy(y, from, b * sizeof(float));
                    if (winner) memset(winner, tap, b);
                    fresh = 0;
                } else if (b == 16) {
                    take_greater(from, y, winner, tap, 16);
                } else {
                    take_greater(from, y, winner, tap, b);
                }
            }
        }
    }
}

void vz_maxpool(const float *x, float *y, uint8_t *winner, const vz_map *map, const vz_pool *pool) {
    pool_job j = {x, NULL, NULL, y, winner, *map, *pool};
    vz_parallel(pool_parts(map, pool), maxpool_part, &j);
}

// Windows side by side: every input lies under at most one, so dx can be written row by row.
static int windows_are_disjoint(const vz_pool *p) {
    for (int axis = 0; axis < 2; axis++)
        if (p->pad[axis] || p->dilation[axis] != 1 || p->stride[axis] < p->size[axis]) return 0;
    return 1;
}

static inline void give_back(
    const float *restrict dy, const uint8_t *restrict winner, const float *restrict pooled, uint8_t tap,
    float *restrict dx, size_t n
) {
    // Everything is read before it is chosen from, so that the loops become vector code.
    for (size_t i = 0; i < n; i++) {
        float g = dy[i];
        dx[i] = winner[i] == tap ? g : 0.0f;
    }
    if (!pooled) return;
    for (size_t i = 0; i < n; i++) {
        float g = dx[i], p = pooled[i];
        dx[i] = p > 0.0f ? g : 0.0f;
    }
}

VZ_CLONES static void disjoint_gradient_part(void *context, size_t part) {
    const pool_job *j = context;
    const vz_map *m = &j->map;
    const vz_pool *p = &j->pool;
    size_t plane = part / m->height, h = part % m->height, b = m->block;
    float *dx = j->y + (plane * m->height + h) * m->width * b;
    size_t row = h / p->stride[0], kh = h % p->stride[0];
    if (row >= p->out[0] || kh >= p->size[0]) {
        memset(dx, 0, m->width * b * sizeof(float));
        return;
    }
    size_t base = (plane * p->out[0] + row) * p->out[1] * b, w = 0;
    for (size_t column = 0; column < p->out[1]; column++) {
        size_t at = base + column * b;
        const float *pooled = j->extra ? j->extra + at : NULL;
        size_t next = column + 1 < p->out[1] ? (column + 1) * p->stride[1] : m->width;
        for (size_t kw = 0; w < next; kw++, w++) {
            float *to = dx + w * b;
            if (kw >= p->size[1])
                memset(to, 0, b * sizeof(float));
            else if (b == 16)
                give_back(j->x + at, j->winner_in + at, pooled, (uint8_t)(kh * p->size[1] + kw), to, 16);
            else
                give_back(j->x + at, j->winner_in + at, pooled, (uint8_t)(kh * p->size[1] + kw), to, b);
        }
    }
}

static void overlapping_gradient_part(void *context, size_t plane) {
    const pool_job *j = context;
    const vz_map *m = &j->map;
    const vz_pool *p = &j->pool;
    size_t b = m->block;
    float *dx = j->y + plane * m->height * m->width * b;
    memset(dx, 0, m->height * m->width * b * sizeof(float));
    for (size_t place = 0; place < p->out[0] * p->out[1]; place++) {
        size_t at = (plane * p->out[0] * p->out[1] + place) * b;
        ptrdiff_t h0 = (ptrdiff_t)(place / p->out[1] * p->stride[0]) - (ptrdiff_t)p->pad[0];
        ptrdiff_t w0 = (ptrdiff_t)(place % p->out[1] * p->stride[1]) - (ptrdiff_t)p->pad[1];
        for (size_t i = 0; i < b; i++) {
            if (j->extra && !(j->extra[at + i] > 0.0f)) continue;
            size_t tap = j->winner_in[at + i];
            ptrdiff_t h = h0 + (ptrdiff_t)(tap / p->size[1] * p->dilation[0]);
            ptrdiff_t w = w0 + (ptrdiff_t)(tap % p->size[1] * p->dilation[1]);
            dx[((size_t)h * m->width + (size_t)w) * b + i] += j->x[at + i];
        }
    }
}

void vz_maxpool_gradient(
    const float *dy, const uint8_t *winner, const float *pooled, float *dx, const vz_map *map, const vz_pool *pool
) {
    pool_job j = {dy, pooled, winner, dx, NULL, *map, *pool};
    size_t planes = map->batch * (map->channels / map->block);
    if (windows_are_disjoint(pool))
        vz_parallel(planes * map->height, disjoint_gradient_part, &j);
    else
        vz_parallel(planes, overlapping_gradient_part, &j);
}

static void select_part(void *context, size_t part) {
    const pool_job *j = context;
    const vz_map *m = &j->map;
    const vz_pool *p = &j->pool;
    size_t plane = part / p->out[0], row = part % p->out[0], b = m->block;
    const float *v = j->x + plane * m->height * m->width * b;
    for (size_t column = 0; column < p->out[1]; column++) {
        size_t at = (part * p->out[1] + column) * b;
        for (size_t i = 0; i < b; i++) {
            size_t tap = j->winner_in[at + i];
            size_t h = row * p->stride[0] + tap / p->size[1] * p->dilation[0] - p->pad[0];
            size_t w = column * p->stride[1] + tap % p->size[1] * p->dilation[1] - p->pad[1];
            j->y[at + i] = v[(h * m->width + w) * b + i];
        }
    }
}

void vz_maxpool_select(const float *v, const uint8_t *winner, float *y, const vz_map *map, const vz_pool *pool) {
    pool_job j = {v, NULL, winner, y, NULL, *map, *pool};
    vz_parallel(pool_parts(map, pool), select_part, &j);
}

VZ_CLONES static void avgpool_part(void *context, size_t part) {
    const pool_job *j = context;
    const vz_map *m = &j->map;
    const vz_pool *p = &j->pool;
    size_t plane = part / p->out[0], row = part % p->out[0], b = m->block;
    const float *x = j->x + plane * m->height * m->width * b;
    span sh = window_span(row, p, 0, m->height);
    for (size_t column = 0; column < p->out[1]; column++) {
        span sw = window_span(column, p, 1, m->width);
        float *restrict y = j->y + (part * p->out[1] + column) * b;
        float scale = 1.0f / (float)((sh.last - sh.first) * (sw.last - sw.first));
        memset(y, 0, b * sizeof(float));
        for (size_t kh = sh.first; kh < sh.last; kh++)
            for (size_t kw = sw.first; kw < sw.last; kw++) {
                size_t h = (size_t)(sh.start + (ptrdiff_t)(kh * p->dilation[0]));
                size_t w = (size_t)(sw.start + (ptrdiff_t)(kw * p->dilation[1]));
                const float *restrict from = x + (h * m->width + w) * b;
                for (size_t i = 0; i < b; i++) y[i] += from[i];
            }
        for (size_t i = 0; i < b; i++) y[i] *= scale;
    }
}

void vz_avgpool(const float *x, float *y, const vz_map *map, const vz_pool *pool) {
    pool_job j = {x, NULL, NULL, y, NULL, *map, *pool};
    vz_parallel(pool_parts(map, pool), avgpool_part, &j);
}

VZ_CLONES static void avgpool_gradient_part(void *context, size_t plane) {
    const pool_job *j = context;
    const vz_map *m = &j->map;
    const vz_pool *p = &j->pool;
    size_t b = m->block;
    float *dx = j->y + plane * m->height * m->width * b;
    memset(dx, 0, m->height * m->width * b * sizeof(float));
    for (size_t row = 0; row < p->out[0]; row++) {
        span sh = window_span(row, p, 0, m->height);
        for (size_t column = 0; column < p->out[1]; column++) {
            span sw = window_span(column, p, 1, m->width);
            const float *restrict dy = j->x + ((plane * p->out[0] + row) * p->out[1] + column) * b;
            float scale = 1.0f / (float)((sh.last - sh.first) * (sw.last - sw.first));
            for (size_t kh = sh.first; kh < sh.last; kh++)
                for (size_t kw = sw.first; kw < sw.last; kw++) {
                    size_t h = (size_t)(sh.start + (ptrdiff_t)(kh * p->dilation[0]));
                    size_t w = (size_t)(sw.start + (ptrdiff_t)(kw * p->dilation[1]));
                    float *restrict to = dx + (h * m->width + w) * b;
                    for (size_t i = 0; i < b; i++) to[i] += dy[i] * scale;
                }
        }
    }
}

void vz_avgpool_gradient(const float *dy, float *dx, const vz_map *map, const vz_pool *pool) {
    pool_job j = {dy, NULL, NULL, dx, NULL, *map, *pool};
    vz_parallel(map->batch * (map->channels / map->block), avgpool_gradient_part, &j);
}

typedef struct {
    const float *x;
    float *rows;
    size_t length, channels, size, stride, dilation, pad, places;
} unfold_job;

static void unfold_part(void *context, size_t part) {
    const unfold_job *j = context;
    size_t first = part * 256, last = first + 256 < j->places ? first + 256 : j->places, c = j->channels;
    for (size_t p = first; p < last; p++) {
        float *row = j->rows + p * j->size * c;
        for (size_t k = 0; k < j->size; k++) {
            ptrdiff_t at = (ptrdiff_t)(p * j->stride + k * j->dilation) - (ptrdiff_t)j->pad;
            if (at < 0 || at >= (ptrdiff_t)j->length)
                memset(row + k * c, 0, c * sizeof(float));
            else
                memcpy(row + k * c, j->x + (size_t)at * c, c * sizeof(float));
        }
    }
}

void vz_unfold(
    const float *x, float *rows, size_t length, size_t channels, size_t size, size_t stride, size_t dilation,
    size_t pad, size_t places
) {
    unfold_job j = {x, rows, length, channels, size, stride, dilation, pad, places};
    vz_parallel((places + 255) / 256, unfold_part, &j);
}

void vz_fold_windows(
    const float *rows, float *y, size_t length, size_t channels, size_t size, size_t stride, size_t dilation,
    size_t pad, size_t places
) {
    memset(y, 0, length * channels * sizeof(float));
    for (size_t p = 0; p < places; p++)
        for (size_t k = 0; k < size; k++) {
            ptrdiff_t at = (ptrdiff_t)(p * stride + k * dilation) - (ptrdiff_t)pad;
            if (at < 0 || at >= (ptrdiff_t)length) continue;
            const float *from = rows + (p * size + k) * channels;
            float *to = y + (size_t)at * channels;
            for (size_t c = 0; c < channels; c++) to[c] += from[c];
        }
}

void vz_add(const float *x, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] += x[i];
}
