// Sums over batch and places, channel by channel: what batch normalization and biases need.
#include "clones.h"
#include "featuremap.h"
#include "parallel.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

// A part sums some rows of places of one plane in float, a few hundred at a time, and adds those up
// in double. Parts are fixed by the shape alone; their sums are added in order.
enum { ROWS = 4096, SHORT = 128, MAX_LANES = 512 };

typedef enum { PLAIN, MOMENTS, NORMALIZED } kind;

typedef struct {
    kind what;
    const float *x, *dy, *moments;
    float epsilon;
    double *partial; // [parts][2][lanes]
    vz_map map;
    size_t parts_per_plane, lane_groups, lanes;
} sums_job;

static inline __attribute__((always_inline)) void add_rows(
    const sums_job *j, const float *x, const float *dy, const float *shift, const float *scale, size_t rows,
    size_t stride, size_t lanes, double *a, double *b
) {
    float s[MAX_LANES], t[MAX_LANES];
    for (size_t first = 0; first < rows; first += SHORT) {
        size_t last = first + SHORT < rows ? first + SHORT : rows;
        memset(s, 0, lanes * sizeof(float));
        memset(t, 0, lanes * sizeof(float));
        for (size_t r = first; r < last; r++) {
            const float *restrict xr = x + r * stride;
            if (j->what == PLAIN) {
                for (size_t i = 0; i < lanes; i++) s[i] += xr[i];
            } else if (j->what == MOMENTS) {
                for (size_t i = 0; i < lanes; i++) {
                    float d = xr[i] - shift[i];
                    s[i] += d;
                    t[i] += d * d;
                }
            } else {
                const float *restrict g = dy + r * stride;
                for (size_t i = 0; i < lanes; i++) {
                    s[i] += g[i] * ((xr[i] - shift[i]) * scale[i]);
                    t[i] += g[i];
                }
            }
        }
        for (size_t i = 0; i < lanes; i++) {
            a[i] += s[i];
            b[i] += t[i];
        }
    }
}

// Deviations are taken from the map's first place of each channel, so that the variance does not
// drown in the mean.
static void lane_constants(const sums_job *j, size_t channel, size_t lanes, float *shift, float *scale) {
    const vz_map *m = &j->map;
    for (size_t i = 0; i < lanes; i++) {
        size_t c = channel + i;
        if (j->what == MOMENTS) {
            shift[i] = j->x[c / m->block * m->block * m->height * m->width + c % m->block];
        } else if (j->what == NORMALIZED) {
            shift[i] = j->moments[c];
            scale[i] = 1.0f / sqrtf(j->moments[m->channels + c] + j->epsilon);
        }
    }
}

VZ_CLONES static void sums_part(void *context, size_t part) {
    const sums_job *j = context;
    const vz_map *m = &j->map;
    size_t places = m->height * m->width, blocks = m->channels / m->block;
    size_t group = part % j->lane_groups, rest = part / j->lane_groups;
    size_t plane = rest / j->parts_per_plane, first = rest % j->parts_per_plane * ROWS;
    size_t rows = places - first < ROWS ? places - first : ROWS;
    size_t lane = group * j->lanes, lanes = m->block - lane < j->lanes ? m->block - lane : j->lanes;
    float shift[MAX_LANES], scale[MAX_LANES];
    lane_constants(j, plane % blocks * m->block + lane, lanes, shift, scale);
    double *a = j->partial + part * 2 * j->lanes, *b = a + j->lanes;
    memset(a, 0, 2 * j->lanes * sizeof(double));
    size_t offset = (plane * places + first) * m->block + lane;
    const float *dy = j->dy ? j->dy + offset : NULL;
    if (m->block == 16)
        add_rows(j, j->x + offset, dy, shift, scale, rows, 16, 16, a, b);
    else
        add_rows(j, j->x + offset, dy, shift, scale, rows, m->block, lanes, a, b);
}

// Returns [2][channels] sums to be freed, or NULL.
static double *run(sums_job *j) {
    const vz_map *m = &j->map;
    size_t places = m->height * m->width, blocks = m->channels / m->block;
    j->lanes = m->block < MAX_LANES ? m->block : MAX_LANES;
    j->lane_groups = (m->block + j->lanes - 1) / j->lanes;
    j->parts_per_plane = (places + ROWS - 1) / ROWS;
    size_t parts = m->batch * blocks * j->parts_per_plane * j->lane_groups;
    j->partial = malloc((parts * 2 * j->lanes + 1) * sizeof(double));
    double *total = calloc(2 * m->channels + 1, sizeof(double));
    if (!j->partial || !total) {
        free(j->partial);
        free(total);
        return NULL;
    }
    vz_parallel(parts, sums_part, j);
    for (size_t part = 0; part < parts; part++) {
        size_t group = part % j->lane_groups, plane = part / j->lane_groups / j->parts_per_plane;
        size_t lane = group * j->lanes, lanes = m->block - lane < j->lanes ? m->block - lane : j->lanes;
        size_t channel = plane % blocks * m->block + lane;
        const double *a = j->partial + part * 2 * j->lanes;
        for (size_t i = 0; i < lanes; i++) {
            total[channel + i] += a[i];
            total[m->channels + channel + i] += a[j->lanes + i];
        }
    }
    free(j->partial);
    return total;
}

void vz_channel_sums(const float *x, float *sums, const vz_map *map) {
    sums_job j = {.what = PLAIN, .x = x, .map = *map};
    double *total = run(&j);
    for (size_t c = 0; c < map->channels; c++) sums[c] = total ? (float)total[c] : NAN;
    free(total);
}

void vz_moments(const float *x, float *moments, const vz_map *map) {
    sums_job j = {.what = MOMENTS, .x = x, .map = *map};
    double *total = run(&j);
    double n = (double)map->batch * (double)map->height * (double)map->width;
    for (size_t c = 0; c < map->channels; c++) {
        size_t first = c / map->block * map->block * map->height * map->width + c % map->block;
        double d = total ? total[c] / n : NAN, square = total ? total[map->channels + c] / n : NAN;
        double variance = square - d * d;
        moments[c] = (float)(x[first] + d);
        moments[map->channels + c] = (float)(variance > 0 || variance != variance ? variance : 0);
    }
    free(total);
}

void vz_normalize_sums(
    const float *x, const float *moments, const float *dy, float *sums, float epsilon, const vz_map *map
) {
    sums_job j = {.what = NORMALIZED, .x = x, .dy = dy, .moments = moments, .epsilon = epsilon, .map = *map};
    double *total = run(&j);
    for (size_t i = 0; i < 2 * map->channels; i++) sums[i] = total ? (float)total[i] : NAN;
    free(total);
}

void vz_take_channels(const float *x, float *y, const vz_map *map, size_t first, size_t step, size_t count) {
    size_t places = map->height * map->width, b = map->block;
    for (size_t image = 0; image < map->batch; image++)
        for (size_t i = 0; i < count; i++) {
            size_t c = first + i * step;
            const float *from = x + image * map->channels * places + c / b * b * places + c % b;
            float *to = y + image * places * count + i;
            for (size_t p = 0; p < places; p++) to[p * count] = from[p * b];
        }
}

void vz_put_channels(const float *dy, float *dx, const vz_map *map, size_t first, size_t step, size_t count) {
    size_t places = map->height * map->width, b = map->block;
    memset(dx, 0, map->batch * map->channels * places * sizeof(float));
    for (size_t image = 0; image < map->batch; image++)
        for (size_t i = 0; i < count; i++) {
            size_t c = first + i * step;
            float *to = dx + image * map->channels * places + c / b * b * places + c % b;
            const float *from = dy + image * places * count + i;
            for (size_t p = 0; p < places; p++) to[p * b] = from[p * count];
        }
}
