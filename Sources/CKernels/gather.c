#include "gather.h"
#include "parallel.h"
#include <string.h>

typedef struct {
    const float *from;
    const int32_t *positions;
    float *to;
    size_t outer, length, count, inner, columns;
} job;

// Rows are cut into so many columns where there is only one outer part to share out.
enum { COLUMNS = 1024, SMALL = 16384 };

static size_t place(int32_t position, size_t length) {
    int64_t i = position < 0 ? (int64_t)position + (int64_t)length : position;
    if (i < 0) return 0;
    return (size_t)i < length ? (size_t)i : length - 1;
}

static void gather_part(void *context, size_t o) {
    const job *j = context;
    const float *x = j->from + o * j->length * j->inner;
    float *y = j->to + o * j->count * j->inner;
    for (size_t i = 0; i < j->count; i++) {
        const float *row = x + place(j->positions[i], j->length) * j->inner;
        if (j->inner == 1)
            y[i] = *row;
        else
            memcpy(y + i * j->inner, row, j->inner * sizeof(float));
    }
}

static void scatter_part(void *context, size_t part) {
    const job *j = context;
    size_t o = part / j->columns, first = part % j->columns * COLUMNS;
    size_t n = j->inner - first < COLUMNS ? j->inner - first : COLUMNS;
    const float *dy = j->from + o * j->count * j->inner + first;
    float *dx = j->to + o * j->length * j->inner + first;
    for (size_t i = 0; i < j->length; i++) memset(dx + i * j->inner, 0, n * sizeof(float));
    for (size_t i = 0; i < j->count; i++) {
        float *row = dx + place(j->positions[i], j->length) * j->inner;
        const float *source = dy + i * j->inner;
        for (size_t c = 0; c < n; c++) row[c] += source[c];
    }
}

static void run(job *j, size_t parts, size_t work, void (*body)(void *, size_t)) {
    if (work < SMALL)
        for (size_t part = 0; part < parts; part++) body(j, part);
    else
        vz_parallel(parts, body, j);
}

void vz_gather(
    const float *x, const int32_t *positions, float *y, size_t outer, size_t length, size_t count, size_t inner) {
    job j = {x, positions, y, outer, length, count, inner, 1};
    run(&j, outer, outer * count * inner, gather_part);
}

void vz_scatter_sum(
    const float *dy, const int32_t *positions, float *dx, size_t outer, size_t length, size_t count, size_t inner) {
    job j = {dy, positions, dx, outer, length, count, inner, (inner + COLUMNS - 1) / COLUMNS};
    run(&j, outer * j.columns, outer * (length + count) * inner, scatter_part);
}
