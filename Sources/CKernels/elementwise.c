#include "elementwise.h"
#include "parallel.h"
#include "vectormath.h"

// Elements a tile: a few tiles of 2 KiB stay in the first-level cache.
enum { VZ_TILE = 512 };

// The remainder with the sign of the divisor, as in Python.
static inline float remainder_towards_divisor(float x, float z) {
    float r = fmodf(x, z);
    return r != 0.0f && (r < 0.0f) != (z < 0.0f) ? r + z : r;
}

#define VZ_NAME(name) portable_##name
#include "elementwise_body.h"
#undef VZ_NAME
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define VZ_NAME(name) avx2_##name
#include "elementwise_body.h"
#undef VZ_NAME
#pragma clang attribute pop
#pragma clang attribute push(                                                                            \
    __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,fma,prefer-256-bit"))), apply_to = function)
#define VZ_NAME(name) avx512_##name
#include "elementwise_body.h"
#undef VZ_NAME
#pragma clang attribute pop
#endif

typedef void (*tile_function)(
    const vz_program *, const void *const *, void *const *, float *, const float **, size_t *, size_t, size_t);

static tile_function best_tile(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
        return avx512_tile;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return avx2_tile;
#endif
    return portable_tile;
}

typedef struct {
    const vz_program *program;
    const void *const *sources;
    void *const *targets;
    size_t n, part_length;
    tile_function tile;
} job;

static void run(const job *j, size_t first, size_t last) {
    size_t tiles = j->program->tile_count + j->program->operand_count;
    size_t values = (size_t)j->program->operand_count + j->program->code_count;
    // Bounded by the planner: at most 64 operands and instructions of 2 KiB each.
    _Alignas(64) float scratch[tiles * VZ_TILE + 16];
    const float *pointers[values + 1];
    size_t held[j->program->operand_count + 1];
    for (size_t i = 0; i < j->program->operand_count; i++) held[i] = 0;
    for (size_t i = first; i < last; i += VZ_TILE)
        j->tile(j->program, j->sources, j->targets, scratch, pointers, held, i, last - i < VZ_TILE ? last - i : VZ_TILE);
}

static void part(void *context, size_t index) {
    const job *j = context;
    size_t first = index * j->part_length, last = first + j->part_length;
    run(j, first, last < j->n ? last : j->n);
}

void vz_elementwise(const vz_program *p, const void *const *sources, void *const *targets, size_t n) {
    job j = {p, sources, targets, n, n, best_tile()};
    // Below this it costs more to wake a thread than to do the work.
    if (n < 16384) {
        run(&j, 0, n);
        return;
    }
    j.part_length = 8 * VZ_TILE;
    vz_parallel((n + j.part_length - 1) / j.part_length, part, &j);
}
