#include "resample.h"
#include "parallel.h"
#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#define VZ_CLONES __attribute__((target_clones("default", "avx2", "avx512bw")))
#else
#define VZ_CLONES
#endif

enum { PLACES = 512, CHANNELS = 16, SMALL = 16384 };

typedef struct {
    const float *from, *positions;
    float *to;
    const vz_resampling *r;
    size_t pieces;
} job;

static void run(job *j, size_t parts, size_t work, void (*body)(void *, size_t)) {
    if (work < SMALL)
        for (size_t part = 0; part < parts; part++) body(j, part);
    else
        vz_parallel(parts, body, j);
}

// The element that whole position i of an axis of n means; -1: none.
static ptrdiff_t place(ptrdiff_t i, ptrdiff_t n, int border) {
    if (i >= 0 && i < n) return i;
    if (border == VZ_BORDER_ZEROS) return -1;
    if (border == VZ_BORDER_EDGE) return i < 0 ? 0 : n - 1;
    if (n == 1) return 0;
    ptrdiff_t period = 2 * (n - 1), turned = ((i % period) + period) % period;
    return turned < n ? turned : period - turned;
}

// The two neighbours of a position and their weights; those without influence have weight 0.
typedef struct {
    ptrdiff_t at[2];
    float weight[2];
} taps;

static taps taps_of(float position, size_t n, int border) {
    if (position != position) return (taps){{0, 0}, {position, 0}};
    float x = position < -0x1p30f ? -0x1p30f : position > 0x1p30f ? 0x1p30f : position;
    float low = floorf(x), part = x - low;
    taps t = {{place((ptrdiff_t)low, (ptrdiff_t)n, border), place((ptrdiff_t)low + 1, (ptrdiff_t)n, border)},
              {1 - part, part}};
    for (int i = 0; i < 2; i++)
        if (t.at[i] < 0) t.at[i] = 0, t.weight[i] = 0;
    return t;
}

// Offsets (in elements) and weights of up to four neighbours of one place; returns how many.
static int neighbours(const vz_resampling *r, const float *position, size_t *at, float *weight) {
    taps rows = {{0, 0}, {1, 0}};
    if (r->axes == 2) rows = taps_of(position[0], r->height, r->border);
    taps columns = taps_of(position[r->axes - 1], r->width, r->border);
    int n = 0;
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 2; k++) {
            if (rows.weight[i] == 0 || columns.weight[k] == 0) continue;
            at[n] = ((size_t)rows.at[i] * r->width + (size_t)columns.at[k]) * r->channels;
            weight[n++] = rows.weight[i] * columns.weight[k];
        }
    return n;
}

static void resample_part(void *context, size_t part) {
    const job *j = context;
    const vz_resampling *r = j->r;
    size_t image = part / j->pieces, first = part % j->pieces * PLACES;
    size_t last = first + PLACES < r->places ? first + PLACES : r->places;
    const float *x = j->from + image * r->height * r->width * r->channels;
    const float *positions = j->positions + (r->shared ? 0 : image) * r->places * (size_t)r->axes;
    for (size_t p = first; p < last; p++) {
        size_t at[4];
        float weight[4];
        int n = neighbours(r, positions + p * (size_t)r->axes, at, weight);
        float *y = j->to + (image * r->places + p) * r->channels;
        for (size_t c = 0; c < r->channels; c++) {
            float total = 0;
            for (int i = 0; i < n; i++) total += weight[i] * x[at[i] + c];
            y[c] = total;
        }
    }
}

static void gradient_part(void *context, size_t part) {
    const job *j = context;
    const vz_resampling *r = j->r;
    size_t image = part / j->pieces, first = part % j->pieces * CHANNELS;
    size_t channels = r->channels - first < CHANNELS ? r->channels - first : CHANNELS;
    size_t elements = r->height * r->width;
    float *dx = j->to + image * elements * r->channels + first;
    const float *dy = j->from + image * r->places * r->channels + first;
    const float *positions = j->positions + (r->shared ? 0 : image) * r->places * (size_t)r->axes;
    for (size_t i = 0; i < elements; i++) memset(dx + i * r->channels, 0, channels * sizeof(float));
    for (size_t p = 0; p < r->places; p++) {
        size_t at[4];
        float weight[4];
        int n = neighbours(r, positions + p * (size_t)r->axes, at, weight);
        for (int i = 0; i < n; i++)
            for (size_t c = 0; c < channels; c++) dx[at[i] + c] += weight[i] * dy[p * r->channels + c];
    }
}

void vz_resample(const float *x, const float *positions, float *y, const vz_resampling *r) {
    job j = {x, positions, y, r, (r->places + PLACES - 1) / PLACES};
    run(&j, r->batch * j.pieces, r->batch * r->places * r->channels, resample_part);
}

void vz_resample_gradient(const float *dy, const float *positions, float *dx, const vz_resampling *r) {
    job j = {dy, positions, dx, r, (r->channels + CHANNELS - 1) / CHANNELS};
    run(&j, r->batch * j.pieces, r->batch * r->places * r->channels, gradient_part);
}

// MARK: bands

typedef struct {
    const float *x;
    float *y;
    const vz_band *band;
} band_job;

VZ_CLONES static void band_rows(const float *x, float *y, const float *weights, size_t count, size_t inner) {
    for (size_t c = 0; c < inner; c++) y[c] = count ? weights[0] * x[c] : 0;
    for (size_t t = 1; t < count; t++)
        for (size_t c = 0; c < inner; c++) y[c] += weights[t] * x[t * inner + c];
}

static void band_part(void *context, size_t part) {
    const band_job *j = context;
    const vz_band *b = j->band;
    size_t o = part / b->out, i = part % b->out;
    band_rows(
        j->x + (o * b->length + b->start[i]) * b->inner, j->y + (o * b->out + i) * b->inner,
        b->weights + b->first_weight[i], b->count[i], b->inner);
}

void vz_apply_band(const float *x, float *y, const vz_band *band) {
    band_job j = {x, y, band};
    size_t parts = band->outer * band->out;
    if (parts * band->inner < SMALL)
        for (size_t part = 0; part < parts; part++) band_part(&j, part);
    else
        vz_parallel(parts, band_part, &j);
}
