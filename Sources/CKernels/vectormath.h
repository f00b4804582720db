// Branch-free single-precision functions that compilers turn into vector code; errors of a few
// units in the last place, checked against the C library by the tests.
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float from_bits(uint32_t b) { float f; memcpy(&f, &b, 4); return f; }
static inline uint32_t to_bits(float f) { uint32_t b; memcpy(&b, &f, 4); return b; }

// exp by Cody and Waite: x = n ln 2 + r, a polynomial in r, then 2^n in two halves so that the
// result may be subnormal.
static inline float fast_exp(float x) {
    float c = x > 89.0f ? 89.0f : x;
    c = c < -104.0f ? -104.0f : c;
    float n = rintf(c * 1.44269504f);
    float r = fmaf(n, -0.693145752f, c);
    r = fmaf(n, -1.42860677e-6f, r);
    float p = 1.37805939e-3f;
    p = fmaf(p, r, 8.37312452e-3f);
    p = fmaf(p, r, 4.16695364e-2f);
    p = fmaf(p, r, 1.66664720e-1f);
    p = fmaf(p, r, 4.99999851e-1f);
    p = fmaf(p, r, 1.0f);
    p = fmaf(p, r, 1.0f);
    int k = (int)n, half = k >> 1;
    float y = p * from_bits((uint32_t)(half + 127) << 23) * from_bits((uint32_t)(k - half + 127) << 23);
    return x == x ? y : x;
}

// log: mantissa in [√½, √2), then an odd series in s = (m − 1) / (m + 1).
static inline float fast_log(float x) {
    float scaled = x < 1.17549435e-38f ? x * 8388608.0f : x;
    float extra = x < 1.17549435e-38f ? -23.0f : 0.0f;
    uint32_t bits = to_bits(scaled);
    uint32_t shifted = bits - 0x3f3504f3u;
    float e = (float)((int32_t)shifted >> 23) + extra;
    float m = from_bits((shifted & 0x007fffffu) + 0x3f3504f3u);
    float f = m - 1.0f, s = f / (2.0f + f), z = s * s;
    float p = fmaf(z, fmaf(z, fmaf(z, 0.24279078841f, 0.28498786688f), 0.40000972152f), 0.66666662693f) * z;
    float half = 0.5f * f * f;
    float y = fmaf(e, 0.69313812256f, (f - (half - s * (half + p))) + e * 9.0580006145e-6f);
    y = x == INFINITY ? INFINITY : y;
    y = x == 0.0f ? -INFINITY : y;
    return x >= 0.0f ? y : NAN;
}

static inline float fast_expm1(float x) {
    float small = x * fmaf(x, fmaf(x, fmaf(x, fmaf(x, fmaf(x, fmaf(x, 1.98412698e-4f, 1.38888889e-3f),
                  8.33333333e-3f), 4.16666667e-2f), 1.66666667e-1f), 0.5f), 1.0f);
    return fabsf(x) < 0.5f ? small : fast_exp(x) - 1.0f;
}

static inline float fast_tanh(float x) {
    float a = fabsf(x), z = x * x;
    float p = -5.70498872745e-3f;
    p = fmaf(p, z, 2.06390887954e-2f);
    p = fmaf(p, z, -5.37397155531e-2f);
    p = fmaf(p, z, 1.33314422036e-1f);
    p = fmaf(p, z, -3.33332819422e-1f);
    float small = fmaf(p * z, x, x);
    float big = 1.0f - 2.0f / (fast_exp(2.0f * a) + 1.0f);
    return a < 0.625f ? small : copysignf(big, x) + (x - x);
}

static inline float fast_sigmoid(float x) {
    float e = fast_exp(-fabsf(x)), r = 1.0f / (1.0f + e);
    return x >= 0.0f ? r : e * r + (x - x);
}

static inline float fast_softplus(float x) {
    float e = fast_exp(-fabsf(x)), u = 1.0f + e;
    float l = u == 1.0f ? e : fast_log(u) * e / (u - 1.0f);
    return (x > 0.0f ? x : x - x) + l;
}

// erf by two minimax polynomials, split at 475/512.
static inline float fast_erf(float x) {
    float t = fabsf(x), s = x * x;
    float r = fmaf(-1.72853470e-5f, t, 3.83197126e-4f);
    float u = fmaf(-3.88396438e-3f, t, 2.42546219e-2f);
    r = fmaf(r, s, u);
    r = fmaf(r, t, -1.06777877e-1f);
    r = fmaf(r, t, -6.34846687e-1f);
    r = fmaf(r, t, -1.28717512e-1f);
    r = fmaf(r, t, -t);
    float big = copysignf(1.0f - fast_exp(r), x);
    float q = -5.96761703e-4f;
    q = fmaf(q, s, 4.99119423e-3f);
    q = fmaf(q, s, -2.67681349e-2f);
    q = fmaf(q, s, 1.12819925e-1f);
    q = fmaf(q, s, -3.76125336e-1f);
    q = fmaf(q, s, 1.28379166e-1f);
    return t > 0.927734375f ? big : fmaf(q, x, x);
}
