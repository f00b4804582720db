#pragma once
#include <stddef.h>
#include <stdint.h>

typedef enum { VZ_BORDER_ZEROS, VZ_BORDER_EDGE, VZ_BORDER_REFLECT } vz_border;

// Maps [batch][height][width][channels] read at `places` positions (row, column) an image; sound has
// height 1 and `axes` 1: its positions are single columns. `shared`: one set of positions for all.
typedef struct {
    size_t batch, height, width, channels, places;
    int axes, shared, border;
} vz_resampling;

// y [batch][places][channels]: linear between neighbours; see Graph's Resample.
void vz_resample(const float *x, const float *positions, float *y, const vz_resampling *r);
// dx [batch][height][width][channels] = 0, and each dy laid down where it was read, in order.
void vz_resample_gradient(const float *dy, const float *positions, float *dx, const vz_resampling *r);

// One axis mapped by a banded matrix: y [outer][out][inner], y_i = sum over t < count[i] of
// weights[first_weight[i] + t] x_(start[i] + t).
typedef struct {
    size_t outer, length, out, inner;
    const uint32_t *start, *count, *first_weight;
    const float *weights;
} vz_band;
void vz_apply_band(const float *x, float *y, const vz_band *band);
