#pragma once
#include <stddef.h>
#include <stdint.h>

// A chain of elementwise operations run in one pass: the elements are taken in tiles that stay in
// the first-level cache, and each instruction works on a whole tile.

typedef enum {
    VZ_NEGATE, VZ_RECIPROCAL, VZ_SQUARE, VZ_SQRT, VZ_RSQRT, VZ_EXP, VZ_LOG, VZ_ABS, VZ_SIGN,
    VZ_SIN, VZ_COS, VZ_TANH, VZ_SIGMOID, VZ_ERF, VZ_FLOOR, VZ_CEIL, VZ_ROUND,
    VZ_RELU, VZ_LEAKY_RELU, VZ_ELU, VZ_SOFTPLUS, VZ_IS_NAN, VZ_NOT, VZ_IDENTITY,
    VZ_ADD, VZ_SUBTRACT, VZ_MULTIPLY, VZ_DIVIDE, VZ_POWER, VZ_REMAINDER, VZ_MINIMUM, VZ_MAXIMUM,
    VZ_EQUAL, VZ_NOT_EQUAL, VZ_LESS, VZ_LESS_EQUAL, VZ_GREATER, VZ_GREATER_EQUAL, VZ_AND, VZ_OR,
    VZ_RELU_GRADIENT, VZ_SELECT, VZ_TO_BOOL
} vz_opcode;

// Values are numbered: operands first, then one for each instruction.
typedef struct {
    uint16_t opcode;
    uint16_t a, b, c;
    float alpha;
} vz_instruction;

typedef enum {
    VZ_DIRECT,          // element i
    VZ_SCALAR,          // element 0
    VZ_PERIODIC,        // element i % period
    VZ_REPEATED,        // element (i / period) % count
    VZ_BLOCKED_CHANNEL, // channel of element i in a blocked feature map: period = places, count = channels
    VZ_STRIDED          // by shape and strides
} vz_load_mode;

#define VZ_MAX_RANK 16
typedef struct {
    uint8_t mode;    // vz_load_mode
    uint8_t is_bool; // bytes 0 and 1 instead of floats
    uint8_t rank;
    uint32_t block;
    size_t period, count;
    size_t shape[VZ_MAX_RANK];
    ptrdiff_t strides[VZ_MAX_RANK];
} vz_operand;

// value: which value to store; as bytes 0 and 1 where is_bool.
typedef struct {
    uint16_t value;
    uint8_t is_bool;
} vz_store;

typedef struct {
    const vz_operand *operands;
    const vz_instruction *code;
    const vz_store *stores;
    uint16_t operand_count, code_count, store_count;
    // For each instruction, the scratch tile it writes: worked out ahead so that tiles are reused.
    const uint16_t *tiles;
    uint16_t tile_count;
} vz_program;

// sources: one pointer an operand; targets: one pointer a store. A target may be a source that is
// read directly: each element is read before it is written.
void vz_elementwise(const vz_program *p, const void *const *sources, void *const *targets, size_t n);
