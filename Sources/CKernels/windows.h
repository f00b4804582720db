// What everything that pools has in common.
#pragma once
#include "featuremap.h"

// Where one window begins and how many of its taps lie inside, along one axis.
typedef struct {
    ptrdiff_t start;
    size_t first, last;
} span;

static inline span window_span(size_t place, const vz_pool *p, int axis, size_t length) {
    span s;
    s.start = (ptrdiff_t)(place * p->stride[axis]) - (ptrdiff_t)p->pad[axis];
    s.first = 0;
    s.last = p->size[axis];
    ptrdiff_t d = (ptrdiff_t)p->dilation[axis];
    while (s.first < s.last && s.start + (ptrdiff_t)s.first * d < 0) s.first++;
    while (s.last > s.first && s.start + (ptrdiff_t)(s.last - 1) * d >= (ptrdiff_t)length) s.last--;
    return s;
}

static inline void take_greater(
    const float *restrict from, float *restrict out, uint8_t *restrict winner, uint8_t tap, size_t n
) {
    if (winner) {
        for (size_t i = 0; i < n; i++) {
            // A NaN wins, so that it is seen.
            int wins = from[i] > out[i] || (from[i] != from[i] && out[i] == out[i]);
            out[i] = wins ? from[i] : out[i];
            winner[i] = wins ? tap : winner[i];
        }
    } else {
        for (size_t i = 0; i < n; i++) out[i] = from[i] > out[i] || from[i] != from[i] ? from[i] : out[i];
    }
}
