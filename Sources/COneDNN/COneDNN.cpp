#include "COneDNN.h"

#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <unordered_map>

using namespace dnnl;
using tag = memory::format_tag;
using type = memory::data_type;

namespace {

// One engine for the process; a primitive is run by one thread at a time, each with a stream of its own.
engine &cpu() {
    static engine e(engine::kind::cpu, 0);
    return e;
}
stream &line() {
    thread_local stream s(cpu());
    return s;
}

memory::dims spatial(const vz_conv_spec &s, const int64_t *values) {
    return memory::dims(values, values + s.rank);
}

// A feature map of `channels` with `block` of them together.
memory::desc map_desc(const vz_conv_spec &s, int64_t channels, const int64_t *lengths, int64_t block) {
    memory::dims dims = {s.batch, channels};
    for (int i = 0; i < s.rank; i++) dims.push_back(lengths[i]);
    bool two = s.rank == 2;
    tag t = two ? tag::nhwc : tag::nwc;
    if (block == 16) t = two ? tag::nChw16c : tag::nCw16c;
    else if (block == 8) t = two ? tag::nChw8c : tag::nCw8c;
    else if (block == 1) t = two ? tag::nchw : tag::ncw;
    return memory::desc(dims, type::f32, t);
}

memory::dims kernel_dims(const vz_conv_spec &s) {
    memory::dims dims;
    if (s.groups > 1) dims = {s.groups, s.filters / s.groups, s.channels / s.groups};
    else dims = {s.filters, s.channels};
    for (int i = 0; i < s.rank; i++) dims.push_back(s.kernel[i]);
    return dims;
}

// [window…, channels / groups, filters] in the library's order of axes, by strides.
memory::desc plain_kernel_desc(const vz_conv_spec &s) {
    int64_t inner = s.channels / s.groups;
    memory::dims strides;
    if (s.groups > 1) strides = {s.filters / s.groups, 1, s.filters};
    else strides = {1, s.filters};
    int64_t step = inner * s.filters;
    memory::dims window(s.rank);
    for (int i = s.rank - 1; i >= 0; i--) {
        window[i] = step;
        step *= s.kernel[i];
    }
    strides.insert(strides.end(), window.begin(), window.end());
    return memory::desc(kernel_dims(s), type::f32, strides);
}

struct described {
    primitive p;
    memory::desc kernel, scratch;
    std::string implementation;
};

template <class D> described describe(const D &d, memory::desc kernel) {
    return {primitive(d), kernel, d.scratchpad_desc(), d.impl_info_str()};
}

described make(vz_conv_direction direction, const vz_conv_spec &s, algorithm alg) {
    memory::desc in = map_desc(s, s.channels, s.in, s.in_block);
    memory::desc out = map_desc(s, s.filters, s.out, s.out_block);
    memory::desc kernel(kernel_dims(s), type::f32, tag::any);
    memory::desc bias = s.has_bias ? memory::desc({s.filters}, type::f32, tag::x) : memory::desc();
    memory::dims stride = spatial(s, s.stride), before = spatial(s, s.pad_before), after = spatial(s, s.pad_after);
    memory::dims dilation = spatial(s, s.dilation);
    for (auto &d : dilation) d -= 1;

    primitive_attr attributes;
    attributes.set_scratchpad_mode(scratchpad_mode::user);
    prop_kind training = prop_kind::forward_training;
#if DNNL_VERSION_MAJOR >= 3
    if (direction == VZ_CONV_FORWARD && s.has_relu) {
        post_ops ops;
        ops.append_eltwise(algorithm::eltwise_relu, 0, 0);
        attributes.set_post_ops(ops);
    }
    if (direction == VZ_CONV_FORWARD) {
        convolution_forward::primitive_desc d(
            cpu(), training, alg, in, kernel, bias, out, stride, dilation, before, after, attributes);
        return describe(d, d.weights_desc());
    }
    convolution_forward::primitive_desc hint(
        cpu(), training, alg, in, kernel, out, stride, dilation, before, after);
    if (direction == VZ_CONV_INPUT_GRADIENT) {
        convolution_backward_data::primitive_desc d(
            cpu(), alg, in, kernel, out, stride, dilation, before, after, hint, attributes);
        return describe(d, d.weights_desc());
    }
    convolution_backward_weights::primitive_desc d(
        cpu(), alg, in, kernel, bias, out, stride, dilation, before, after, hint, attributes);
    return describe(d, d.diff_weights_desc());
#else
    if (direction == VZ_CONV_FORWARD && s.has_relu) {
        post_ops ops;
        ops.append_eltwise(1.f, algorithm::eltwise_relu, 0, 0);
        attributes.set_post_ops(ops);
    }
    if (direction == VZ_CONV_FORWARD) {
        convolution_forward::primitive_desc d(
            {training, alg, in, kernel, bias, out, stride, dilation, before, after}, attributes, cpu());
        return describe(d, d.weights_desc());
    }
    convolution_forward::primitive_desc hint(
        {training, alg, in, kernel, out, stride, dilation, before, after}, cpu());
    if (direction == VZ_CONV_INPUT_GRADIENT) {
        convolution_backward_data::primitive_desc d(
            {alg, in, kernel, out, stride, dilation, before, after}, attributes, cpu(), hint);
        return describe(d, d.weights_desc());
    }
    convolution_backward_weights::primitive_desc d(
        {alg, in, kernel, bias, out, stride, dilation, before, after}, attributes, cpu(), hint);
    return describe(d, d.diff_weights_desc());
#endif
}

}  // namespace

struct vz_conv {
    vz_conv_direction direction;
    described d;
    memory in, kernel, bias, out, scratch, plain, packed;
    reorder pack, unpack;
    bool packs;
    std::unordered_map<int, memory> arguments;
};

vz_conv *vz_conv_create(vz_conv_direction direction, const vz_conv_spec *spec, char *why) {
    try {
        described d;
        bool found = false;
        if (spec->winograd) {
            try {
                d = make(direction, *spec, algorithm::convolution_winograd);
                found = true;
            } catch (const error &) {
                // The library has none for this shape or machine: the direct one serves.
            }
        }
        if (!found) d = make(direction, *spec, algorithm::convolution_direct);
        vz_conv *c = new vz_conv{direction, d, {}, {}, {}, {}, {}, {}, {}, {}, {}, false, {}};
        const vz_conv_spec &s = *spec;
        c->in = memory(map_desc(s, s.channels, s.in, s.in_block), cpu(), nullptr);
        c->out = memory(map_desc(s, s.filters, s.out, s.out_block), cpu(), nullptr);
        c->kernel = memory(d.kernel, cpu(), nullptr);
        c->scratch = memory(d.scratch, cpu(), nullptr);
        memory::desc plain = plain_kernel_desc(s);
        c->plain = memory(plain, cpu(), nullptr);
        c->packed = memory(d.kernel, cpu(), nullptr);
        c->packs = !(plain == d.kernel);
        c->pack = reorder(c->plain, c->packed);
        c->unpack = reorder(c->packed, c->plain);
        switch (direction) {
        case VZ_CONV_FORWARD:
            c->arguments = {{DNNL_ARG_SRC, c->in}, {DNNL_ARG_WEIGHTS, c->kernel}, {DNNL_ARG_DST, c->out}};
            break;
        case VZ_CONV_INPUT_GRADIENT:
            c->arguments = {{DNNL_ARG_DIFF_SRC, c->in}, {DNNL_ARG_WEIGHTS, c->kernel}, {DNNL_ARG_DIFF_DST, c->out}};
            break;
        case VZ_CONV_KERNEL_GRADIENT:
            c->arguments = {{DNNL_ARG_SRC, c->in}, {DNNL_ARG_DIFF_WEIGHTS, c->kernel}, {DNNL_ARG_DIFF_DST, c->out}};
            break;
        }
        if (s.has_bias) {
            c->bias = memory(memory::desc({s.filters}, type::f32, tag::x), cpu(), nullptr);
            if (direction != VZ_CONV_INPUT_GRADIENT)
                c->arguments.insert(
                    {direction == VZ_CONV_FORWARD ? DNNL_ARG_BIAS : DNNL_ARG_DIFF_BIAS, c->bias});
        }
        c->arguments.insert({DNNL_ARG_SCRATCHPAD, c->scratch});
        return c;
    } catch (const std::exception &e) {
        snprintf(why, 256, "%s", e.what());
        return nullptr;
    }
}

void vz_conv_destroy(vz_conv *c) { delete c; }
const char *vz_conv_implementation(const vz_conv *c) { return c->d.implementation.c_str(); }
size_t vz_conv_kernel_bytes(const vz_conv *c) { return c->d.kernel.get_size(); }
size_t vz_conv_scratch_bytes(const vz_conv *c) { return c->d.scratch.get_size(); }
int vz_conv_packs_kernel(const vz_conv *c) { return c->packs; }

int vz_conv_pack_kernel(vz_conv *c, const float *plain, void *packed) {
    try {
        c->plain.set_data_handle(const_cast<float *>(plain));
        c->packed.set_data_handle(packed);
        c->pack.execute(line(), c->plain, c->packed);
        line().wait();
        return 0;
    } catch (const std::exception &) {
        return 1;
    }
}

int vz_conv_unpack_kernel(vz_conv *c, const void *packed, float *plain) {
    try {
        c->plain.set_data_handle(plain);
        c->packed.set_data_handle(const_cast<void *>(packed));
        c->unpack.execute(line(), c->packed, c->plain);
        line().wait();
        return 0;
    } catch (const std::exception &) {
        return 1;
    }
}

int vz_conv_run(vz_conv *c, void *in, void *kernel, float *bias, void *out, void *scratch) {
    try {
        c->in.set_data_handle(in);
        c->kernel.set_data_handle(kernel);
        c->out.set_data_handle(out);
        if (bias) c->bias.set_data_handle(bias);
        if (scratch) c->scratch.set_data_handle(scratch);
        c->d.p.execute(line(), c->arguments);
        line().wait();
        return 0;
    } catch (const std::exception &) {
        return 1;
    }
}

// Products that may round their inputs to bfloat16 are primitives of their own: the library's plain
// product of matrices knows float32 alone. Each shape is made once and kept.
namespace {

std::atomic<bool> rounds{false};

struct product {
    matmul p;
    memory::desc a, b, c;
};

memory::desc matrix(int64_t rows, int64_t columns, bool transposed) {
    return memory::desc({rows, columns}, type::f32, transposed ? memory::dims{1, rows} : memory::dims{columns, 1});
}

const product &product_of(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k) {
    static std::mutex lock;
    static std::map<std::array<int64_t, 5>, product> made;
    std::lock_guard<std::mutex> guard(lock);
    std::array<int64_t, 5> key = {transpose_a, transpose_b, m, n, k};
    auto found = made.find(key);
    if (found != made.end()) return found->second;
    memory::desc a = matrix(m, k, transpose_a), b = matrix(k, n, transpose_b), c = matrix(m, n, false);
    primitive_attr attributes;
    attributes.set_fpmath_mode(fpmath_mode::bf16);
    matmul p(matmul::primitive_desc(matmul::desc(a, b, c), attributes, cpu()));
    return made.emplace(key, product{p, a, b, c}).first->second;
}

}  // namespace

int vz_bf16_gemm(
    int transpose_a, int transpose_b, int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *c
) {
    if (m == 0 || n == 0) return 0;
    try {
        const product &own = product_of(transpose_a, transpose_b, m, n, k);
        matmul p = own.p;
        p.execute(
            line(), {{DNNL_ARG_SRC, memory(own.a, cpu(), const_cast<float *>(a))},
                     {DNNL_ARG_WEIGHTS, memory(own.b, cpu(), const_cast<float *>(b))},
                     {DNNL_ARG_DST, memory(own.c, cpu(), c)}});
        line().wait();
        return 0;
    } catch (const std::exception &) {
        return 1;
    }
}

int vz_sgemm(
    int transpose_a, int transpose_b, int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *c
) {
    if (rounds) return vz_bf16_gemm(transpose_a, transpose_b, m, n, k, a, b, c);
    int64_t lda = transpose_a ? m : k, ldb = transpose_b ? k : n;
    return dnnl_sgemm(
               transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, 1.f, a, lda < 1 ? 1 : lda, b,
               ldb < 1 ? 1 : ldb, 0.f, c, n < 1 ? 1 : n) == dnnl_success
               ? 0
               : 1;
}

int vz_allow_bfloat16(int allow) {
    auto mode = allow ? dnnl_fpmath_mode_bf16 : dnnl_fpmath_mode_strict;
    if (dnnl_set_default_fpmath_mode(mode) != dnnl_success) return 1;
    rounds = allow != 0;
    return 0;
}

const char *vz_onednn_version(void) {
    static char text[32];
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
    return text;
}
