#include "reduce.h"
#include "clones.h"
#include "parallel.h"
#include "vectormath.h"
#include <stdint.h>
#include <stdlib.h>

// Long sums are cut into pieces of a fixed length, so that the result does not depend on threads.
enum { PIECE = 16384 };

typedef struct {
    vz_fold fold;
    const float *x;
    float *y;
    double *partial;
    size_t outer, length, inner, pieces;
} job;

static double sum_piece(const float *x, size_t n) {
    double total = 0;
    for (size_t i = 0; i < n;) {
        float lanes[16] = {0};
        size_t end = i + 512 <= n ? i + 512 : i;
        for (; i < end; i += 16)
            for (size_t l = 0; l < 16; l++) lanes[l] += x[i + l];
        double part = 0;
        for (size_t l = 0; l < 16; l++) part += lanes[l];
        total += part;
        if (n - i < 512)
            for (; i < n; i++) total += x[i];
    }
    return total;
}

static double extreme_piece(const float *x, size_t n, size_t step, int greatest) {
    float best = x[0];
    for (size_t i = 1; i < n; i++) {
        float v = x[i * step];
        if (v != v) return v;
        best = greatest ? (v > best || best != best ? (best != best ? best : v) : best)
                        : (v < best || best != best ? (best != best ? best : v) : best);
    }
    return best;
}

static void row_part(void *context, size_t part) {
    const job *j = context;
    size_t o = part / j->pieces, first = part % j->pieces * PIECE;
    size_t n = j->length - first < PIECE ? j->length - first : PIECE;
    const float *x = j->x + o * j->length + first;
    j->partial[part] = j->fold <= VZ_FOLD_MEAN ? sum_piece(x, n) : extreme_piece(x, n, 1, j->fold == VZ_FOLD_MAX);
}

// Columns are taken some at a time, row after row, each with its own sum.
enum { COLUMNS = 256 };

VZ_CLONES static void column_part(void *context, size_t part) {
    const job *j = context;
    size_t groups = (j->inner + COLUMNS - 1) / COLUMNS;
    size_t o = part / groups, first = part % groups * COLUMNS;
    size_t n = j->inner - first < COLUMNS ? j->inner - first : COLUMNS;
    const float *x = j->x + o * j->length * j->inner + first;
    float *y = j->y + o * j->inner + first;
    if (j->fold > VZ_FOLD_MEAN && j->length) {
        for (size_t i = 0; i < n; i++)
            y[i] = (float)extreme_piece(x + i, j->length, j->inner, j->fold == VZ_FOLD_MAX);
        return;
    }
    double total[COLUMNS] = {0};
    for (size_t k = 0; k < j->length; k++)
        for (size_t i = 0; i < n; i++) total[i] += x[k * j->inner + i];
    double share = j->fold == VZ_FOLD_MEAN ? (double)j->length : 1;
    for (size_t i = 0; i < n; i++) y[i] = (float)(total[i] / share);
}

void vz_reduce(vz_fold fold, const float *x, float *y, size_t outer, size_t length, size_t inner) {
    job j = {fold, x, y, NULL, outer, length, inner, 1};
    if (inner != 1 || length == 0) {
        size_t groups = outer * ((inner + COLUMNS - 1) / COLUMNS);
        if (outer * length * inner < 8192)
            for (size_t part = 0; part < groups; part++) column_part(&j, part);
        else
            vz_parallel(groups, column_part, &j);
        return;
    }
    j.pieces = (length + PIECE - 1) / PIECE;
    size_t parts = outer * j.pieces;
    double small[64];
    j.partial = parts <= 64 ? small : malloc(parts * sizeof(double));
    if (!j.partial) {
        for (size_t o = 0; o < outer; o++) y[o] = NAN;
        return;
    }
    if (outer * length < 8192)
        for (size_t part = 0; part < parts; part++) row_part(&j, part);
    else
        vz_parallel(parts, row_part, &j);
    for (size_t o = 0; o < outer; o++) {
        const double *p = j.partial + o * j.pieces;
        double total = p[0];
        for (size_t i = 1; i < j.pieces; i++) {
            if (fold <= VZ_FOLD_MEAN)
                total += p[i];
            else if (p[i] != p[i] || total != total)
                total = NAN;
            else if (fold == VZ_FOLD_MAX ? p[i] > total : p[i] < total)
                total = p[i];
        }
        y[o] = (float)(fold == VZ_FOLD_MEAN ? total / (double)length : total);
    }
    if (j.partial != small) free(j.partial);
}

void vz_argmax(const float *x, int *y, size_t outer, size_t length, size_t inner) {
    for (size_t o = 0; o < outer; o++)
        for (size_t i = 0; i < inner; i++) {
            const float *row = x + o * length * inner + i;
            size_t best = 0;
            for (size_t k = 1; k < length; k++) {
                float v = row[k * inner], top = row[best * inner];
                if (v > top || (v != v && top == top)) best = k;
            }
            y[o * inner + i] = (int)best;
        }
}

void vz_softmax(const float *x, float *y, size_t rows, size_t length) {
    for (size_t r = 0; r < rows; r++, x += length, y += length) {
        float top = x[0];
        for (size_t i = 1; i < length; i++) top = x[i] > top ? x[i] : top;
        double total = 0;
        for (size_t i = 0; i < length; i++) {
            y[i] = fast_exp(x[i] - top);
            total += y[i];
        }
        float scale = (float)(1.0 / total);
        for (size_t i = 0; i < length; i++) y[i] *= scale;
    }
}

void vz_log_softmax(const float *x, float *y, size_t rows, size_t length) {
    for (size_t r = 0; r < rows; r++, x += length, y += length) {
        float top = x[0];
        for (size_t i = 1; i < length; i++) top = x[i] > top ? x[i] : top;
        double total = 0;
        for (size_t i = 0; i < length; i++) total += fast_exp(x[i] - top);
        float shift = (float)log(total);
        for (size_t i = 0; i < length; i++) y[i] = x[i] - top - shift;
    }
}

static void walk(
    const float *x, float *y, size_t rank, const size_t *shape, const ptrdiff_t *strides, int scatter
) {
    size_t index[16] = {0}, n = 1;
    for (size_t a = 0; a < rank; a++) n *= shape[a];
    if (n == 0) return;
    size_t length = rank ? shape[rank - 1] : 1;
    ptrdiff_t step = rank ? strides[rank - 1] : 0, at = 0;
    for (size_t done = 0; done < n; done += length) {
        if (scatter)
            for (size_t i = 0; i < length; i++) y[at + (ptrdiff_t)i * step] = x[done + i];
        else
            for (size_t i = 0; i < length; i++) y[done + i] = x[at + (ptrdiff_t)i * step];
        for (ptrdiff_t a = (ptrdiff_t)rank - 2; a >= 0; a--) {
            at += strides[a];
            if (++index[a] < shape[a]) break;
            at -= (ptrdiff_t)shape[a] * strides[a];
            index[a] = 0;
        }
    }
}

void vz_gather_strided(const float *x, float *y, size_t rank, const size_t *shape, const ptrdiff_t *strides) {
    walk(x, y, rank, shape, strides, 0);
}

void vz_scatter_strided(const float *x, float *y, size_t rank, const size_t *shape, const ptrdiff_t *strides) {
    walk(x, y, rank, shape, strides, 1);
}

void vz_fill(float *y, float value, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = value;
}
