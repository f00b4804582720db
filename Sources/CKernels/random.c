#include "random.h"
#include "parallel.h"
#include <math.h>

static void philox(uint32_t out[4], uint64_t block, const vz_key *key, uint32_t attempt) {
    // The counter's first word holds 32 bits of the block; what is beyond goes into the stream's
    // upper half, which no stream number reaches. `attempt` counts redraws.
    uint32_t c0 = (uint32_t)block, c1 = key->stream ^ ((uint32_t)(block >> 32) << 20);
    uint32_t c2 = key->step[0], c3 = key->step[1] ^ (attempt << 24);
    uint32_t k0 = key->seed[0], k1 = key->seed[1];
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53u * c0, b = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(b >> 32) ^ c1 ^ k0, n2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)b;
        c3 = (uint32_t)a;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

static float unit(uint32_t word) { return (float)(word >> 8) * 0x1p-24f; }

// Two normals from two words. u is kept above 0 so that the logarithm is finite.
static void box_muller(const uint32_t w[2], float out[2]) {
    double u = ((double)w[0] + 0.5) * 0x1p-32, v = (double)w[1] * 0x1p-32;
    double r = sqrt(-2.0 * log(u)), angle = 6.283185307179586 * v;
    out[0] = (float)(r * cos(angle));
    out[1] = (float)(r * sin(angle));
}

#define FOR_EACH_BLOCK(BODY)                                                                             \
    for (size_t i = 0; i < n;) {                                                                         \
        uint64_t at = first + i;                                                                         \
        uint32_t words[4];                                                                               \
        philox(words, at / 4, key, 0);                                                                   \
        for (unsigned lane = (unsigned)(at % 4); lane < 4 && i < n; lane++, i++) { BODY }                \
    }

typedef struct {
    void *out;
    size_t n;
    uint64_t first;
    const vz_key *key;
} draw;

enum { DRAW_PART = 16384 };

// The part of a draw that begins at element `from`.
#define PART_OF(DRAW, TYPE)                                                                              \
    size_t from = part * DRAW_PART, n = (DRAW)->n - from < DRAW_PART ? (DRAW)->n - from : DRAW_PART;     \
    TYPE *out = (TYPE *)(DRAW)->out + from;                                                              \
    const vz_key *key = (DRAW)->key;                                                                     \
    uint64_t first = (DRAW)->first + from;

static void words_part(void *context, size_t part) {
    const draw *d = context;
    PART_OF(d, uint32_t)
    FOR_EACH_BLOCK(out[i] = words[lane];)
}

static void uniform_part(void *context, size_t part) {
    const draw *d = context;
    PART_OF(d, float)
    FOR_EACH_BLOCK(out[i] = unit(words[lane]);)
}

static void normal_part(void *context, size_t part) {
    const draw *d = context;
    PART_OF(d, float)
    float pair[2];
    FOR_EACH_BLOCK({
        // Both elements of a pair come from the same two words.
        if (lane % 2 == 0 || i == 0) box_muller(words + (lane & 2), pair);
        out[i] = pair[lane & 1];
    })
}

static void truncated_normal_part(void *context, size_t part) {
    const draw *d = context;
    PART_OF(d, float)
    float pair[2];
    FOR_EACH_BLOCK({
        if (lane % 2 == 0 || i == 0) box_muller(words + (lane & 2), pair);
        float x = pair[lane & 1];
        for (uint32_t attempt = 1; fabsf(x) > 2.0f && attempt < 64; attempt++) {
            uint32_t again[4];
            float other[2];
            philox(again, (first + i) / 4, key, attempt);
            box_muller(again + (lane & 2), other);
            x = other[lane & 1];
        }
        out[i] = x;
    })
}

static void draw_all(void (*body)(void *, size_t), void *out, size_t n, uint64_t first, const vz_key *key) {
    draw d = {out, n, first, key};
    vz_parallel((n + DRAW_PART - 1) / DRAW_PART, body, &d);
}

void vz_random_words(uint32_t *out, size_t n, uint64_t first, const vz_key *key) {
    draw_all(words_part, out, n, first, key);
}

void vz_random_uniform(float *out, size_t n, uint64_t first, const vz_key *key) {
    draw_all(uniform_part, out, n, first, key);
}

void vz_random_normal(float *out, size_t n, uint64_t first, const vz_key *key) {
    draw_all(normal_part, out, n, first, key);
}

void vz_random_truncated_normal(float *out, size_t n, uint64_t first, const vz_key *key) {
    draw_all(truncated_normal_part, out, n, first, key);
}

typedef struct {
    draw draw;
    const float *x;
    float rate;
} dropout;

static void dropout_part(void *context, size_t part) {
    const dropout *d = context;
    PART_OF(&d->draw, float)
    const float *x = d->x + from;
    float scale = 1.0f / (1.0f - d->rate);
    FOR_EACH_BLOCK(out[i] = unit(words[lane]) >= d->rate ? x[i] * scale : 0.0f;)
}

void vz_dropout(const float *x, float *y, size_t n, float rate, const vz_key *key) {
    dropout d = {{y, n, 0, key}, x, rate};
    vz_parallel((n + DRAW_PART - 1) / DRAW_PART, dropout_part, &d);
}
