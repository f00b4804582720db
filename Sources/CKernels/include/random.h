#pragma once
#include <stddef.h>
#include <stdint.h>

// Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). Element i of a
// stream is word i % 4 of the block with counter (i / 4, stream, step low, step high) under the key
// (seed low, seed high), so any part can be made on its own.
typedef struct {
    uint32_t seed[2];
    uint32_t step[2];
    uint32_t stream;
} vz_key;

// Uniform in [0, 1): 24 bits, elements first ..< first + n of the stream.
void vz_random_uniform(float *out, size_t n, uint64_t first, const vz_key *key);
// Standard normal by Box and Muller on pairs of words.
void vz_random_normal(float *out, size_t n, uint64_t first, const vz_key *key);
// Standard normal cut at two standard deviations (values outside are drawn again, as in Keras).
void vz_random_truncated_normal(float *out, size_t n, uint64_t first, const vz_key *key);
// Raw words.
void vz_random_words(uint32_t *out, size_t n, uint64_t first, const vz_key *key);
// y = uniform >= rate ? x / (1 - rate) : 0, element by element of the stream.
void vz_dropout(const float *x, float *y, size_t n, float rate, const vz_key *key);
