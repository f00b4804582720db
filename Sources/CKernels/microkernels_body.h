// The innermost products. Included once for each instruction set, with VZ_NAME, TILE (places or rows held
// in registers) and WIDE (blocks of filters at once).

// Places × filters: sums[i][n] += Σ_w a[i · step + w] · k[n][w]. `step` and `blocks` are constants
// wherever this is inlined.
static inline __attribute__((always_inline)) void VZ_NAME(places)(
    const float *a, ptrdiff_t step, const float *k0, const float *k1, size_t width, lanes sums[][WIDE], int blocks
) {
    for (size_t w = 0; w < width; w++) {
        lanes b0 = *(const lanes *)(k0 + 16 * w);
        lanes b1 = blocks > 1 ? *(const lanes *)(k1 + 16 * w) : b0;
#pragma clang loop unroll(full)
        for (int i = 0; i < TILE; i++) {
            float x = a[i * step + (ptrdiff_t)w];
            sums[i][0] += x * b0;
            if (blocks > 1) sums[i][WIDE - 1] += x * b1;
        }
    }
}

// Rows × filters: sums[m][n] += Σ_p a[p · step + m] · dy[n][p], kept in `to` between calls.
static inline __attribute__((always_inline)) void VZ_NAME(rows)(
    const float *a, ptrdiff_t step, const float *d0, const float *d1, size_t count, float *t0, float *t1, int m,
    int blocks
) {
    lanes sums[TILE][WIDE];
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++) {
        sums[i][0] = *(const lanes *)(t0 + 16 * i);
        if (blocks > 1) sums[i][WIDE - 1] = *(const lanes *)(t1 + 16 * i);
    }
    for (size_t p = 0; p < count; p++, a += step) {
        lanes b0 = *(const lanes *)(d0 + 16 * p);
        lanes b1 = blocks > 1 ? *(const lanes *)(d1 + 16 * p) : b0;
#pragma clang loop unroll(full)
        for (int i = 0; i < m; i++) {
            float x = a[i];
            sums[i][0] += x * b0;
            if (blocks > 1) sums[i][WIDE - 1] += x * b1;
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++) {
        *(lanes *)(t0 + 16 * i) = sums[i][0];
        if (blocks > 1) *(lanes *)(t1 + 16 * i) = sums[i][WIDE - 1];
    }
}

static void VZ_NAME(gradient_rows)(
    const float *a, ptrdiff_t step, const float *d0, const float *d1, size_t count, float *t0, float *t1,
    size_t width
) {
#define VARIANT(M)                                                                                              \
    case M:                                                                                                     \
        if (d1) VZ_NAME(rows)(a, step, d0, d1, count, t0, t1, M, WIDE);                                         \
        else VZ_NAME(rows)(a, step, d0, d1, count, t0, t1, M, 1);                                               \
        break;
    while (width > 0) {
        // Equal shares: a last tile of two rows would cost as much as one of ten.
        size_t tiles = (width + TILE - 1) / TILE, m = (width + tiles - 1) / tiles;
        switch (m) {
            VARIANT(1) VARIANT(2) VARIANT(3)
#if TILE > 3
            VARIANT(4) VARIANT(5) VARIANT(6) VARIANT(7) VARIANT(8) VARIANT(9) VARIANT(10) VARIANT(11)
            VARIANT(12) VARIANT(13) VARIANT(14)
#endif
        }
        a += m;
        t0 += 16 * m;
        if (t1) t1 += 16 * m;
        width -= m;
    }
#undef VARIANT
}

