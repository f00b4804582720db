// Included once for each instruction set, after the micro-kernels.

// Eight neighbouring places of a channel block at the points: v[p · stride].
static inline __attribute__((always_inline)) void VZ_NAME(input_transform)(
    const float *x, float *v, size_t stride
) {
    const lanes *d = (const lanes *)x;
    lanes d0 = d[0], d1 = d[1], d2 = d[2], d3 = d[3], d4 = d[4], d5 = d[5], d6 = d[6], d7 = d[7];
    lanes even = d2 + d6 - 4.25f * d4, odd = d1 + d5 - 4.25f * d3;
    *(lanes *)v = d0 - d6 + 5.25f * (d4 - d2);
    *(lanes *)(v + stride) = even + odd;
    *(lanes *)(v + 2 * stride) = even - odd;
    even = d6 + 0.25f * d2 - 1.25f * d4;
    odd = 0.5f * d1 - 2.5f * d3 + 2.0f * d5;
    *(lanes *)(v + 3 * stride) = even + odd;
    *(lanes *)(v + 4 * stride) = even - odd;
    even = d6 + 4.0f * d2 - 5.0f * d4;
    odd = 2.0f * d1 - 2.5f * d3 + 0.5f * d5;
    *(lanes *)(v + 5 * stride) = even + odd;
    *(lanes *)(v + 6 * stride) = even - odd;
    *(lanes *)(v + 7 * stride) = d7 - d1 + 5.25f * (d3 - d5);
}

// `made` places of a tile from its products at the points.
static inline __attribute__((always_inline)) void VZ_NAME(output_transform)(
    const float *m, size_t stride, const lanes *first, int relu, int made, float *y
) {
#define M(P) (*(const lanes *)(m + (P) * stride))
    lanes s1 = M(1) + M(2), e1 = M(1) - M(2), s2 = M(3) + M(4), e2 = M(3) - M(4), s3 = M(5) + M(6), e3 = M(5) - M(6);
    float up = 1, down = 1;
#pragma clang loop unroll(full)
    for (int i = 0; i < made; i++, up *= 2.0f, down *= 0.5f) {
        lanes v = i % 2 ? e1 + up * e2 + down * e3 : s1 + up * s2 + down * s3;
        if (i == 0) v += M(0);
        if (i == made - 1) v += M(7);
        v += *first;
        // A NaN passes.
        if (relu) v = (lanes)((lane_bits)v & ~(lane_bits)(v < 0.0f));
        *(lanes *)(y + 16 * i) = v;
    }
#undef M
}

// TOGETHER tiles: products at each point for up to two filter blocks → m[point][block][tile][16].
static void VZ_NAME(products)(const toom_job *j, const float *v, const float *k0, const float *k1, float *m) {
    size_t channels = j->c.channels, row = TOGETHER * 16;
    for (size_t p = 0; p < POINTS; p++) {
        for (size_t t = 0; t < TOGETHER; t += TILE) {
            // The last tile of registers may overlap the one before.
            size_t first = t + TILE <= TOGETHER ? t : TOGETHER - TILE;
            lanes sums[TILE][WIDE];
#pragma clang loop unroll(full)
            for (int i = 0; i < TILE; i++)
                for (int n = 0; n < WIDE; n++) sums[i][n] = (lanes){0};
            for (size_t cb = 0; cb < j->channel_blocks; cb++) {
                const float *a = v + (p * j->channel_blocks + cb) * row + first * 16;
                size_t at = (p * channels + cb * 16) * 16;
                VZ_NAME(places)(a, 16, k0 + at, k1 + at, 16, sums, WIDE);
            }
            float *to = m + p * 2 * row + first * 16;
#pragma clang loop unroll(full)
            for (int i = 0; i < TILE; i++) {
                *(lanes *)(to + 16 * i) = sums[i][0];
                *(lanes *)(to + row + 16 * i) = sums[i][WIDE - 1];
            }
        }
    }
}

static void VZ_NAME(forward_part)(void *context, size_t part) {
    toom_job *j = context;
    const vz_conv1d *c = &j->c;
    size_t first = part * TOGETHER, count = j->tiles - first < TOGETHER ? j->tiles - first : TOGETHER;
    size_t row = TOGETHER * 16, plane = j->channel_blocks * row;
    float *v = vz_own_memory(POINTS * plane + 2 * POINTS * row), *m = v + POINTS * plane;
    if (v == NULL) {
        j->failed = 1;
        return;
    }
    float edge[POINTS * 16];
    for (size_t i = 0; i < count; i++) {
        size_t image = (first + i) / j->tiles_per_image, tile = (first + i) % j->tiles_per_image;
        ptrdiff_t start = (ptrdiff_t)(tile * j->made) - (ptrdiff_t)c->pad;
        for (size_t cb = 0; cb < j->channel_blocks; cb++) {
            const float *map = j->x + (image * j->channel_blocks + cb) * c->in_length * 16;
            const float *d = tile_places(map, c->in_length, start, POINTS, edge);
            VZ_NAME(input_transform)(d, v + cb * row + 16 * i, plane);
        }
    }
    for (size_t f = 0; f < j->filter_blocks; f += 2) {
        size_t blocks = j->filter_blocks - f < 2 ? 1 : 2, panel = POINTS * c->channels * 16;
        const float *k = j->packed + f * panel;
        VZ_NAME(products)(j, v, k, blocks > 1 ? k + panel : k, m);
        for (size_t n = 0; n < blocks; n++) {
            lanes bias = {0};
            if (j->bias) bias = *(const lanes *)(j->bias + (f + n) * 16);
            for (size_t i = 0; i < count; i++) {
                size_t image = (first + i) / j->tiles_per_image, tile = (first + i) % j->tiles_per_image;
                size_t place = tile * j->made;
                float *y = j->y + ((image * j->filter_blocks + f + n) * c->out_length + place) * 16;
                const float *from = m + n * row + 16 * i;
                float *to = place + j->made <= c->out_length ? y : edge;
                if (j->made == 4)
                    VZ_NAME(output_transform)(from, 2 * row, &bias, j->relu, 4, to);
                else
                    VZ_NAME(output_transform)(from, 2 * row, &bias, j->relu, 6, to);
                if (to == edge) memcpy(y, edge, (c->out_length - place) * 64);
            }
        }
    }
}

// `made` cotangents of a tile as the kernel that slides over the inputs: w[p · stride]; their sum is
// added to `sum`.
static inline __attribute__((always_inline)) void VZ_NAME(cotangent_transform)(
    const float *dy, int made, float *w, size_t stride, lanes *sum
) {
    const lanes *d = (const lanes *)dy;
    *(lanes *)w = d[0];
    *(lanes *)(w + 7 * stride) = d[made - 1];
#pragma clang loop unroll(full)
    for (int q = 0; q < 3; q++) {
        lanes even = {0}, odd = {0};
        float power = 1;
#pragma clang loop unroll(full)
        for (int i = 0; i < made; i++, power *= point[q]) {
            if (i % 2) odd += power * d[i];
            else even += power * d[i];
        }
        if (q == 0) *sum += even + odd;
        *(lanes *)(w + (1 + 2 * q) * stride) = share[q] * (even + odd);
        *(lanes *)(w + (2 + 2 * q) * stride) = share[q] * (even - odd);
    }
}

static void VZ_NAME(gradient_part)(void *context, size_t part) {
    toom_job *j = context;
    const vz_conv1d *c = &j->c;
    size_t pair = part % j->pairs, group = part / j->pairs, f = pair * 2;
    size_t blocks = j->filter_blocks - f < 2 ? 1 : 2;
    size_t row = DEEP * 16, held = POINTS * c->channels * 16;
    float *sums = j->partial + part * part_floats(j), *bias = sums + 2 * held;
    memset(sums, 0, part_floats(j) * sizeof(float));
    float *v = vz_own_memory(POINTS * row + 2 * POINTS * row), *w = v + POINTS * row;
    if (v == NULL) {
        j->failed = 1;
        return;
    }
    size_t chunks = divided_up(j->tiles, DEEP);
    size_t begin = chunks * group / j->groups * DEEP, end = chunks * (group + 1) / j->groups * DEEP;
    if (end > j->tiles) end = j->tiles;
    float edge[POINTS * 16];
    double total[2][16] = {{0}};
    for (size_t first = begin; first < end; first += DEEP) {
        size_t count = end - first < DEEP ? end - first : DEEP;
        for (size_t n = 0; n < blocks; n++) {
            lanes sum = {0};
            for (size_t i = 0; i < count; i++) {
                size_t image = (first + i) / j->tiles_per_image, tile = (first + i) % j->tiles_per_image;
                const float *map = j->dy + (image * j->filter_blocks + f + n) * c->out_length * 16;
                const float *d =
                    tile_places(map, c->out_length, (ptrdiff_t)(tile * j->made), j->made, edge);
                if (j->made == 4)
                    VZ_NAME(cotangent_transform)(d, 4, w + n * row + 16 * i, 2 * row, &sum);
                else
                    VZ_NAME(cotangent_transform)(d, 6, w + n * row + 16 * i, 2 * row, &sum);
            }
            for (int i = 0; i < 16; i++) total[n][i] += sum[i];
        }
        for (size_t cb = 0; cb < j->channel_blocks; cb++) {
            for (size_t i = 0; i < count; i++) {
                size_t image = (first + i) / j->tiles_per_image, tile = (first + i) % j->tiles_per_image;
                ptrdiff_t start = (ptrdiff_t)(tile * j->made) - (ptrdiff_t)c->pad;
                const float *map = j->x + (image * j->channel_blocks + cb) * c->in_length * 16;
                VZ_NAME(input_transform)(
                    tile_places(map, c->in_length, start, POINTS, edge), v + 16 * i, row);
            }
            for (size_t p = 0; p < POINTS; p++) {
                float *t0 = sums + (p * c->channels + cb * 16) * 16;
                VZ_NAME(gradient_rows)(
                    v + p * row, 16, w + p * 2 * row, blocks > 1 ? w + p * 2 * row + row : NULL, count, t0,
                    blocks > 1 ? t0 + held : NULL, 16);
            }
        }
    }
    for (size_t n = 0; n < blocks; n++)
        for (int i = 0; i < 16; i++) bias[16 * n + i] = (float)total[n][i];
}
