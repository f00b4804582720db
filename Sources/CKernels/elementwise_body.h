// Included once for each instruction set: the including file sets VZ_NAME and the target attribute.
#include "elementwise.h"

#define UNARY(CODE, EXPRESSION)                                                                          \
    case CODE: for (size_t i = 0; i < n; i++) { float x = a[i]; y[i] = (EXPRESSION); } break;
#define BINARY(CODE, EXPRESSION)                                                                         \
    case CODE: for (size_t i = 0; i < n; i++) { float x = a[i], z = b[i]; y[i] = (EXPRESSION); } break;

static void VZ_NAME(unary)(int opcode, float alpha, const float *a, float *y, size_t n) {
    switch (opcode) {
        UNARY(VZ_NEGATE, -x)
        UNARY(VZ_RECIPROCAL, 1.0f / x)
        UNARY(VZ_SQUARE, x * x)
        UNARY(VZ_SQRT, sqrtf(x))
        UNARY(VZ_RSQRT, 1.0f / sqrtf(x))
        UNARY(VZ_EXP, fast_exp(x))
        UNARY(VZ_LOG, fast_log(x))
        UNARY(VZ_ABS, fabsf(x))
        UNARY(VZ_SIGN, x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x)
        UNARY(VZ_SIN, sinf(x))
        UNARY(VZ_COS, cosf(x))
        UNARY(VZ_TANH, fast_tanh(x))
        UNARY(VZ_SIGMOID, fast_sigmoid(x))
        UNARY(VZ_ERF, fast_erf(x))
        UNARY(VZ_FLOOR, floorf(x))
        UNARY(VZ_CEIL, ceilf(x))
        UNARY(VZ_ROUND, rintf(x))
        UNARY(VZ_RELU, x > 0.0f ? x : (x != x ? x : 0.0f))
        UNARY(VZ_LEAKY_RELU, x > 0.0f ? x : alpha * x)
        UNARY(VZ_ELU, x > 0.0f ? x : alpha * fast_expm1(x))
        UNARY(VZ_SOFTPLUS, fast_softplus(x))
        UNARY(VZ_IS_NAN, x != x ? 1.0f : 0.0f)
        UNARY(VZ_NOT, x == 0.0f ? 1.0f : 0.0f)
        UNARY(VZ_IDENTITY, x)
        UNARY(VZ_TO_BOOL, x != 0.0f ? 1.0f : 0.0f)
    }
}

static void VZ_NAME(binary)(int opcode, const float *a, const float *b, float *y, size_t n) {
    switch (opcode) {
        BINARY(VZ_ADD, x + z)
        BINARY(VZ_SUBTRACT, x - z)
        BINARY(VZ_MULTIPLY, x * z)
        BINARY(VZ_DIVIDE, x / z)
        BINARY(VZ_POWER, powf(x, z))
        BINARY(VZ_REMAINDER, remainder_towards_divisor(x, z))
        BINARY(VZ_MINIMUM, x != x || z != z ? NAN : (x < z ? x : z))
        BINARY(VZ_MAXIMUM, x != x || z != z ? NAN : (x > z ? x : z))
        BINARY(VZ_EQUAL, x == z ? 1.0f : 0.0f)
        BINARY(VZ_NOT_EQUAL, x != z ? 1.0f : 0.0f)
        BINARY(VZ_LESS, x < z ? 1.0f : 0.0f)
        BINARY(VZ_LESS_EQUAL, x <= z ? 1.0f : 0.0f)
        BINARY(VZ_GREATER, x > z ? 1.0f : 0.0f)
        BINARY(VZ_GREATER_EQUAL, x >= z ? 1.0f : 0.0f)
        BINARY(VZ_AND, x != 0.0f && z != 0.0f ? 1.0f : 0.0f)
        BINARY(VZ_OR, x != 0.0f || z != 0.0f ? 1.0f : 0.0f)
        BINARY(VZ_RELU_GRADIENT, z > 0.0f ? x : 0.0f)
    }
}

static void VZ_NAME(choose)(const float *a, const float *b, const float *c, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = a[i] != 0.0f ? b[i] : c[i];
}

// Brings elements first ..< first + n of an operand into `tile`, or returns where they already lie.
// `held` says what a tile holds from before (0: nothing): most tiles of a pattern are alike.
static const float *VZ_NAME(load)(
    const vz_operand *o, const void *source, float *tile, size_t *held, size_t first, size_t n
) {
    const float *f = source;
    const uint8_t *u = source;
#define AT(INDEX) (o->is_bool ? (float)u[INDEX] : f[INDEX])
    switch (o->mode) {
    case VZ_DIRECT:
        if (!o->is_bool) return f + first;
        for (size_t i = 0; i < n; i++) tile[i] = (float)u[first + i];
        return tile;
    case VZ_SCALAR: {
        if (*held) return tile;
        float value = AT(0);
        for (size_t i = 0; i < n; i++) tile[i] = value; // later tiles are no longer
        *held = 1;
        return tile;
    }
    case VZ_PERIODIC: {
        size_t at = first % o->period;
        if (at == 0 && n == VZ_TILE && VZ_TILE % o->period == 0) {
            if (*held) return tile;
            *held = 1;
        } else {
            *held = 0;
        }
        for (size_t i = 0; i < n;) {
            size_t run = o->period - at < n - i ? o->period - at : n - i;
            for (size_t j = 0; j < run; j++) tile[i + j] = AT(at + j);
            i += run;
            at = 0;
        }
        return tile;
    }
    case VZ_REPEATED: {
        size_t row = first / o->period, left = o->period - first % o->period;
        for (size_t i = 0; i < n;) {
            size_t run = left < n - i ? left : n - i;
            float value = AT(row % o->count);
            for (size_t j = 0; j < run; j++) tile[i + j] = value;
            i += run;
            row++;
            left = o->period;
        }
        return tile;
    }
    case VZ_BLOCKED_CHANNEL: {
        size_t run_length = o->period * o->block, blocks = o->count / o->block;
        size_t plane = first / run_length % blocks;
        if (n == VZ_TILE && first % run_length + n <= run_length && VZ_TILE % o->block == 0) {
            // The tile lies within one plane and begins with its first lane.
            if (*held == plane + 1) return tile;
            *held = plane + 1;
            for (size_t i = 0; i < n; i += o->block)
                for (size_t j = 0; j < o->block; j++) tile[i + j] = f[plane * o->block + j];
            return tile;
        }
        *held = 0;
        for (size_t i = 0; i < n;) {
            size_t at = first + i, left = run_length - at % run_length;
            const float *channels = f + (at / run_length) % blocks * o->block;
            size_t run = left < n - i ? left : n - i, lane = at % o->block;
            for (size_t j = 0; j < run; j++) {
                tile[i + j] = channels[lane];
                lane = lane + 1 == o->block ? 0 : lane + 1;
            }
            i += run;
        }
        return tile;
    }
    default: {
        size_t index[VZ_MAX_RANK];
        size_t rest = first;
        ptrdiff_t at = 0;
        for (int axis = o->rank - 1; axis >= 0; axis--) {
            index[axis] = rest % o->shape[axis];
            rest /= o->shape[axis];
            at += (ptrdiff_t)index[axis] * o->strides[axis];
        }
        for (size_t i = 0; i < n; i++) {
            tile[i] = AT(at);
            for (int axis = o->rank - 1; axis >= 0; axis--) {
                at += o->strides[axis];
                if (++index[axis] < o->shape[axis]) break;
                at -= (ptrdiff_t)o->shape[axis] * o->strides[axis];
                index[axis] = 0;
            }
        }
        return tile;
    }
    }
#undef AT
}

static void VZ_NAME(tile)(
    const vz_program *p, const void *const *sources, void *const *targets, float *scratch, const float **values,
    size_t *held, size_t first, size_t n
) {
    for (size_t i = 0; i < p->operand_count; i++)
        values[i] = VZ_NAME(load)(&p->operands[i], sources[i], scratch + (p->tile_count + i) * VZ_TILE, held + i, first, n);
    for (size_t i = 0; i < p->code_count; i++) {
        const vz_instruction *k = &p->code[i];
        float *y = scratch + p->tiles[i] * VZ_TILE;
        if (k->opcode == VZ_SELECT)
            VZ_NAME(choose)(values[k->a], values[k->b], values[k->c], y, n);
        else if (k->opcode >= VZ_ADD && k->opcode <= VZ_RELU_GRADIENT)
            VZ_NAME(binary)(k->opcode, values[k->a], values[k->b], y, n);
        else
            VZ_NAME(unary)(k->opcode, k->alpha, values[k->a], y, n);
        values[p->operand_count + i] = y;
    }
    for (size_t i = 0; i < p->store_count; i++) {
        const float *v = values[p->stores[i].value];
        if (p->stores[i].is_bool) {
            uint8_t *out = (uint8_t *)targets[i] + first;
            for (size_t j = 0; j < n; j++) out[j] = v[j] != 0.0f;
        } else {
            float *out = (float *)targets[i] + first;
            for (size_t j = 0; j < n; j++) out[j] = v[j];
        }
    }
}
