// Included once for each instruction set, with VZ_NAME, TILE (places or rows held in registers) and
// WIDE (blocks of filters at once).

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

// One tile of places for `blocks` blocks of filters, over all channels. rows[cb] is where channel block
// cb's first window begins, `taps` windows' distance in floats where dilated.
static inline __attribute__((always_inline)) void VZ_NAME(forward_tile)(
    const conv_job *j, const float *rows, size_t block_stride, ptrdiff_t step, const float *packed,
    const float *bias, float *const y[], size_t count, int blocks
) {
    lanes sums[TILE][WIDE];
    lanes first[WIDE];
    for (int n = 0; n < blocks; n++) {
        first[n] = (lanes){0};
        if (bias) memcpy(&first[n], bias + 16 * n, j->lanes * sizeof(float));
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < TILE; i++)
#pragma clang loop unroll(full)
        for (int n = 0; n < blocks; n++) sums[i][n] = first[n];
    const float *k = packed;
    size_t panel = j->channel_blocks * j->c.size * j->width * 16;
    for (size_t cb = 0; cb < j->channel_blocks; cb++) {
        const float *a = rows + cb * block_stride;
        for (size_t t = 0; t < j->runs; t++) {
            VZ_NAME(places)(a, step, k, k + panel, j->run_width, sums, blocks);
            a += j->run_step;
            k += j->run_width * 16;
        }
    }
    if (j->relu) {
#pragma clang loop unroll(full)
        for (int i = 0; i < TILE; i++)
            // A NaN passes.
#pragma clang loop unroll(full)
            for (int n = 0; n < blocks; n++)
                sums[i][n] = (lanes)((lane_bits)sums[i][n] & ~(lane_bits)(sums[i][n] < 0.0f));
    }
    for (int n = 0; n < blocks; n++) {
        if (count == TILE && j->lanes == 16) {
#pragma clang loop unroll(full)
            for (int i = 0; i < TILE; i++) *(lanes *)(y[n] + 16 * i) = sums[i][n];
        } else {
            // By way of a copy: an address taken of the sums would keep them out of the registers.
            lanes kept[TILE];
#pragma clang loop unroll(full)
            for (int i = 0; i < TILE; i++) kept[i] = sums[i][n];
            for (size_t i = 0; i < count; i++) memcpy(y[n] + j->lanes * i, &kept[i], j->lanes * sizeof(float));
        }
    }
}

static void VZ_NAME(forward_some)(
    const conv_job *j, const float *rows, size_t block_stride, const float *packed, const float *bias,
    float *const y[], size_t count, int blocks
) {
#define VARIANT(STEP)                                                                                           \
    if (blocks == WIDE)                                                                                         \
        VZ_NAME(forward_tile)(j, rows, block_stride, STEP, packed, bias, y, count, WIDE);                      \
    else                                                                                                        \
        VZ_NAME(forward_tile)(j, rows, block_stride, STEP, packed, bias, y, count, 1)
    switch (j->row_step) {
    case 1: VARIANT(1); break;
    case 8: VARIANT(8); break;
    case 16: VARIANT(16); break;
    default: VARIANT((ptrdiff_t)j->row_step); break;
    }
#undef VARIANT
}

static void VZ_NAME(forward_part)(void *context, size_t part) {
    const conv_job *j = context;
    forward_places(j, part, TILE, WIDE, VZ_NAME(forward_some));
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

static void VZ_NAME(gradient_part)(void *context, size_t part) {
    gradient_places(context, part, WIDE, VZ_NAME(gradient_rows));
}
