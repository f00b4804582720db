// Included once for each instruction set, after the micro-kernels.

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

static void VZ_NAME(gradient_part)(void *context, size_t part) {
    gradient_places(context, part, VZ_NAME(gradient_rows));
}
