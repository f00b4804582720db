#include "matmul.h"
#include "parallel.h"

#if defined(__x86_64__)
#define VZ_CLONES __attribute__((target_clones("default", "avx2", "avx512bw")))
#else
#define VZ_CLONES
#endif

typedef struct {
    int transpose_a, transpose_b;
    size_t m, n, k;
    const float *a, *b;
    const ptrdiff_t *a_at, *b_at;
    float *c;
} job;

VZ_CLONES static void rows_by_columns(const job *j, const float *a, const float *b, float *c) {
    for (size_t i = 0; i < j->m; i++, c += j->n) {
        for (size_t x = 0; x < j->n; x++) c[x] = 0;
        for (size_t l = 0; l < j->k; l++) {
            float v = j->transpose_a ? a[l * j->m + i] : a[i * j->k + l];
            const float *row = b + l * j->n;
            for (size_t x = 0; x < j->n; x++) c[x] += v * row[x];
        }
    }
}

static void rows_by_rows(const job *j, const float *a, const float *b, float *c) {
    size_t step = j->transpose_a ? j->m : 1;
    for (size_t i = 0; i < j->m; i++) {
        const float *left = j->transpose_a ? a + i : a + i * j->k;
        for (size_t x = 0; x < j->n; x++) {
            const float *right = b + x * j->k;
            float total = 0;
            for (size_t l = 0; l < j->k; l++) total += left[l * step] * right[l];
            c[i * j->n + x] = total;
        }
    }
}

static void part(void *context, size_t i) {
    const job *j = context;
    const float *a = j->a + j->a_at[i], *b = j->b + j->b_at[i];
    float *c = j->c + i * j->m * j->n;
    if (j->transpose_b)
        rows_by_rows(j, a, b, c);
    else
        rows_by_columns(j, a, b, c);
}

void vz_small_matmul(
    int transpose_a, int transpose_b, size_t m, size_t n, size_t k, const float *a, const ptrdiff_t *a_at,
    const float *b, const ptrdiff_t *b_at, float *c, size_t batches) {
    job j = {transpose_a, transpose_b, m, n, k, a, b, a_at, b_at, c};
    if (batches * m * n * k < 65536)
        for (size_t i = 0; i < batches; i++) part(&j, i);
    else
        vz_parallel(batches, part, &j);
}
