#!/usr/bin/env python3
"""Inputs, results and gradients of every operation, by PyTorch in float64.

    python3 Tests/EngineTests/make_fixtures.py     # writes Tests/EngineTests/Fixtures/operations.safetensors

Needs PyTorch and NumPy. Each case has tensors NAME/in0, NAME/in1 … (float32 numbers), NAME/out, and
NAME/grad0 … : the gradients of sum(weights * out), where weights are cos(1), cos(2), … row by row.
Axes are the engine's: [batch, length, channels], [batch, height, width, channels], kernels
[window, channels / groups, filters]. OperationFixtureTests.swift names the same cases.
"""
import json
import math
import pathlib
import struct

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
random = np.random.default_rng(20)
tensors = {}


def case(name, function, *inputs, gradients=True):
    assert name + "/out" not in tensors, name
    given = []
    for i, x in enumerate(inputs):
        x = np.asarray(x)
        if x.dtype != np.int32:
            x = x.astype(np.float32)
        tensors[f"{name}/in{i}"] = x
        t = torch.from_numpy(x.astype(np.int64 if x.dtype == np.int32 else np.float64))
        given.append(t.requires_grad_(gradients) if t.is_floating_point() else t)
    out = function(*given)
    tensors[f"{name}/out"] = out.detach().numpy().astype(np.float32)
    if gradients:
        weights = torch.cos(torch.arange(1, out.numel() + 1, dtype=torch.float64)).reshape(out.shape)
        (out * weights).sum().backward()
        for i, t in enumerate(given):
            if t.is_floating_point():
                grad = torch.zeros_like(t) if t.grad is None else t.grad
                tensors[f"{name}/grad{i}"] = grad.numpy().astype(np.float32)


def normal(*shape):
    return random.standard_normal(shape)


def positive(*shape):
    return random.uniform(0.3, 2, shape)


def channels_first(x):
    return torch.movedim(x, -1, 1)


def channels_last(x):
    return torch.movedim(x, 1, -1)


def kernel_first(w):
    """[window, in, out] to [out, in, window]."""
    n = w.dim() - 2
    return w.permute(n + 1, n, *range(n))


def per_axis(x, n):
    return [x] * n if isinstance(x, int) else list(x)


def pads(lengths, sizes, strides, dilations, padding):
    """(before, after) of each axis, as TensorFlow rounds them."""
    if padding == "valid":
        return [(0, 0) for _ in lengths]
    if padding != "same":
        return padding
    result = []
    for length, k, s, d in zip(lengths, sizes, strides, dilations):
        total = max((math.ceil(length / s) - 1) * s + (k - 1) * d + 1 - length, 0)
        result.append((total // 2, total - total // 2))
    return result


def pad_spatial(x, pairs, value=0.0):
    flat = [v for pair in reversed(pairs) for v in pair]
    return F.pad(x, flat, value=value)


def conv(stride=1, padding="same", dilation=1, groups=1):
    def run(x, w):
        n = x.dim() - 2
        strides, dilations = per_axis(stride, n), per_axis(dilation, n)
        pairs = pads(x.shape[1:-1], w.shape[:n], strides, dilations, padding)
        x = pad_spatial(channels_first(x), pairs)
        function = F.conv1d if n == 1 else F.conv2d
        return channels_last(function(x, kernel_first(w), stride=strides, dilation=dilations, groups=groups))

    return run


def conv_transpose(lengths, **options):
    """The adjoint of conv from `lengths`: through autograd, so that any padding is the same."""

    def run(x, w):
        n = x.dim() - 2
        groups = options.get("groups", 1)
        base = torch.zeros(x.shape[0], *lengths, w.shape[n] * groups, requires_grad=True)
        y = conv(**options)(base, w)
        return torch.autograd.grad(y, base, grad_outputs=x, create_graph=True)[0]

    return run


def pool(kind, size, stride=None, padding="valid"):
    def run(x):
        n = x.dim() - 2
        sizes = per_axis(size, n)
        strides = per_axis(stride, n) if stride else sizes
        pairs = pads(x.shape[1:-1], sizes, strides, [1] * n, padding)
        x = channels_first(x)
        if kind == "max":
            function = F.max_pool1d if n == 1 else F.max_pool2d
            return channels_last(function(pad_spatial(x, pairs, -math.inf), sizes, strides))
        function = F.avg_pool1d if n == 1 else F.avg_pool2d
        total = function(pad_spatial(x, pairs), sizes, strides)
        counted = function(pad_spatial(torch.ones_like(x), pairs), sizes, strides)
        return channels_last(total / counted)

    return run


def elementwise():
    shapes = [(1,), (3, 5), (2, 1, 7)]
    smooth = {
        "exp": torch.exp, "sin": torch.sin, "cos": torch.cos, "tanh": torch.tanh, "sigmoid": torch.sigmoid,
        "erf": torch.erf, "square": torch.square, "abs": torch.abs, "relu": torch.relu,
        "leaky_relu": lambda x: F.leaky_relu(x, 0.2), "elu": lambda x: F.elu(x, 0.7), "selu": F.selu,
        "gelu": F.gelu, "softplus": F.softplus, "swish": F.silu, "clip": lambda x: torch.clamp(x, -0.5, 0.8),
    }
    for name, function in smooth.items():
        for i, shape in enumerate(shapes):
            case(f"{name}.{i}", function, normal(*shape) * 2)
    for name, function in {
        "log": torch.log, "sqrt": torch.sqrt, "rsqrt": torch.rsqrt, "reciprocal": torch.reciprocal,
    }.items():
        for i, shape in enumerate(shapes):
            case(f"{name}.{i}", function, positive(*shape))
    for name, function in {
        "floor": torch.floor, "ceil": torch.ceil, "round": torch.round, "sign": torch.sign,
    }.items():
        case(name, function, normal(4, 5) * 3, gradients=False)
    # Where float32 has to work for it: large and small arguments.
    wide = np.array([-87, -30, -9, -3, -1e-3, -1e-6, 0, 1e-6, 1e-3, 3, 9, 30, 87])
    for name in ["exp", "tanh", "sigmoid", "erf", "elu", "selu", "gelu", "softplus", "swish"]:
        case(f"{name}.wide", smooth[name], wide)
    for name, function in {
        "add": torch.add, "subtract": torch.sub, "multiply": torch.mul, "divide": torch.div,
        "power": torch.pow, "minimum": torch.minimum, "maximum": torch.maximum,
    }.items():
        case(f"{name}.same", function, positive(3, 4), positive(3, 4))
        case(f"{name}.row", function, positive(2, 3, 4), positive(4))
        case(f"{name}.cross", function, positive(2, 1, 4), positive(3, 1))
        case(f"{name}.number", function, positive(5), positive())
    case("remainder", torch.remainder, normal(3, 4) * 5, positive(4), gradients=False)
    case("where", lambda x, a, b: torch.where(x > 0, a, b), normal(3, 4), normal(3, 4), normal(4))


def reductions():
    x = normal(2, 3, 4)
    for name, function in {
        "sum": torch.sum, "mean": torch.mean, "max": torch.amax, "min": torch.amin,
        "var": lambda x, a: torch.var(x, a, correction=0),
        "logsumexp": torch.logsumexp,
        "norm1": lambda x, a: torch.linalg.vector_norm(x, 1, a),
        "norm2": lambda x, a: torch.linalg.vector_norm(x, 2, a),
        "norm3": lambda x, a: torch.linalg.vector_norm(x, 3, a),
        "norminf": lambda x, a: torch.linalg.vector_norm(x, math.inf, a),
    }.items():
        case(f"{name}.all", lambda x, f=function: f(x, (0, 1, 2)), x)
        case(f"{name}.1", lambda x, f=function: f(x, (1,)), x)
        case(f"{name}.02", lambda x, f=function: f(x, (0, 2)), x)
        case(f"{name}.ones", lambda x, f=function: f(x, (1,)), normal(3, 1, 2))
    case("argmax.0", lambda x: x.argmax(0), x, gradients=False)
    case("argmax.2", lambda x: x.argmax(2), x, gradients=False)
    for shape in [(3, 4), (1, 1), (2, 3, 5)]:
        case(f"softmax.{len(shape)}{shape[0]}", lambda x: F.softmax(x, -1), normal(*shape) * 3)
        case(f"log_softmax.{len(shape)}{shape[0]}", lambda x: F.log_softmax(x, -1), normal(*shape) * 3)
    case("log_softmax.wide", lambda x: F.log_softmax(x, -1), np.array([[1000, 0, -1000], [-5, -5, -5]]))


def products():
    case("matmul.plain", torch.matmul, normal(3, 4), normal(4, 2))
    case("matmul.one", torch.matmul, normal(1, 1), normal(1, 1))
    case("matmul.tall", torch.matmul, normal(17, 1), normal(1, 19))
    case("matmul.batched", torch.matmul, normal(2, 3, 4), normal(2, 4, 5))
    case("matmul.broadcast", torch.matmul, normal(2, 1, 3, 4), normal(5, 4, 2))
    case("matmul.rows", torch.matmul, normal(2, 3, 4), normal(4, 5))
    case("matmul.transposed", lambda a, b: a.mT @ b.mT, normal(4, 3), normal(2, 4))
    case("matmul.batched_transposed", lambda a, b: a.mT @ b.mT, normal(2, 4, 3), normal(2, 5, 4))


def arrangement():
    case("transpose", lambda x: x.permute(2, 0, 1), normal(2, 3, 4))
    case("reshape", lambda x: x.reshape(4, 6), normal(2, 3, 4))
    case("broadcast", lambda x: x.expand(3, 2, 4), normal(2, 1))
    case("concat.0", lambda a, b: torch.cat([a, b], 0), normal(2, 3), normal(1, 3))
    case("concat.1", lambda a, b, c: torch.cat([a, b, c], 1), normal(2, 3, 2), normal(2, 1, 2), normal(2, 4, 2))
    case("slice", lambda x: x[1:, ::2], normal(3, 5))
    case("slice.one", lambda x: x[:, 2:3, 1:], normal(2, 3, 4))
    case("flip", lambda x: torch.flip(x, [0, 2]), normal(2, 3, 4))
    case("roll", lambda x: torch.roll(x, (2, -1), (1, 2)), normal(2, 5, 3))
    case("pad.constant", lambda x: F.pad(x, (2, 1, 0, 3), value=1.5), normal(2, 3))
    case("pad.infinite", lambda x: F.pad(x, (1, 2), value=-math.inf).clamp(min=-9), normal(2, 3))
    case("pad.reflect", lambda x: channels_last(F.pad(channels_first(x), (3, 2), mode="reflect")), normal(2, 4, 3))
    case("pad.edge", lambda x: channels_last(F.pad(channels_first(x), (3, 2), mode="replicate")), normal(2, 1, 3))
    case("gather.0", lambda x, i: x[i], normal(4, 3), np.array([2, 0, 2, 3, 3], np.int32))
    case("gather.1", lambda x, i: x[:, i], normal(2, 5, 2), np.array([4, 4, 0], np.int32))


def convolutions():
    for name, x, w, options in [
        ("conv1d.same", (2, 9, 3), (3, 3, 4), {}),
        ("conv1d.valid", (2, 9, 3), (4, 3, 2), dict(padding="valid")),
        ("conv1d.stride", (1, 10, 2), (3, 2, 5), dict(stride=2)),
        ("conv1d.stride3", (2, 11, 1), (5, 1, 6), dict(stride=3)),
        ("conv1d.dilated", (1, 12, 2), (3, 2, 2), dict(dilation=3)),
        ("conv1d.explicit", (2, 7, 2), (3, 2, 3), dict(padding=[(4, 1)])),
        ("conv1d.grouped", (2, 8, 4), (3, 2, 6), dict(groups=2)),
        ("conv1d.depthwise", (2, 8, 3), (3, 1, 6), dict(groups=3)),
        ("conv1d.length1", (2, 1, 3), (3, 3, 2), {}),
        ("conv1d.channels1", (1, 6, 1), (2, 1, 1), {}),
        ("conv1d.longkernel", (1, 3, 2), (7, 2, 2), {}),
        ("conv1d.pointwise", (2, 5, 3), (1, 3, 4), {}),
        ("conv1d.wide", (2, 20, 16), (5, 16, 32), {}),
        ("conv2d.same", (2, 5, 6, 3), (3, 3, 3, 4), {}),
        ("conv2d.valid", (1, 6, 5, 2), (2, 3, 2, 3), dict(padding="valid")),
        ("conv2d.stride", (1, 7, 8, 2), (3, 3, 2, 3), dict(stride=(2, 3))),
        ("conv2d.dilated", (1, 9, 8, 2), (3, 2, 2, 2), dict(dilation=(2, 3), padding="valid")),
        ("conv2d.explicit", (1, 4, 5, 2), (3, 3, 2, 2), dict(padding=[(0, 2), (3, 1)])),
        ("conv2d.grouped", (1, 5, 4, 4), (3, 3, 2, 4), dict(groups=2)),
        ("conv2d.depthwise", (1, 5, 4, 3), (3, 2, 1, 3), dict(groups=3, stride=2)),
        ("conv2d.one", (1, 1, 1, 2), (3, 3, 2, 3), {}),
        ("conv2d.longkernel", (1, 2, 3, 1), (5, 5, 1, 2), {}),
        ("conv2d.wide", (1, 6, 7, 16), (3, 3, 16, 16), {}),
    ]:
        case(name, conv(**options), normal(*x), normal(*w) * 0.5)
    for name, x, w, lengths, options in [
        ("conv1d_transpose.same", (2, 5, 3), (3, 2, 3), [10], dict(stride=2)),
        ("conv1d_transpose.valid", (2, 5, 3), (4, 2, 3), [12], dict(stride=2, padding="valid")),
        ("conv1d_transpose.short", (1, 4, 2), (2, 3, 2), [12], dict(stride=3, padding="valid")),
        ("conv1d_transpose.grouped", (1, 4, 4), (3, 3, 4), [8], dict(stride=2, groups=2)),
        ("conv1d_transpose.dilated", (1, 4, 2), (3, 2, 2), [4], dict(dilation=2)),
        ("conv2d_transpose.same", (1, 3, 4, 2), (3, 3, 3, 2), [6, 8], dict(stride=2)),
        ("conv2d_transpose.explicit", (1, 3, 4, 2), (4, 3, 2, 2), [6, 8], dict(stride=2, padding=[(1, 1), (1, 0)])),
    ]:
        case(name, conv_transpose(lengths, **options), normal(*x), normal(*w) * 0.5)


def pooling():
    for kind in ["max", "avg"]:
        for name, x, options in [
            ("1d", (2, 9, 3), dict(size=3)),
            ("1d.remainder", (2, 8, 2), dict(size=3)),
            ("1d.same", (1, 8, 3), dict(size=3, stride=2, padding="same")),
            ("1d.same_stride1", (1, 5, 2), dict(size=4, stride=1, padding="same")),
            ("1d.overlap", (1, 9, 1), dict(size=4, stride=2)),
            ("1d.length1", (2, 1, 2), dict(size=3, padding="same")),
            ("2d", (2, 4, 6, 3), dict(size=2)),
            ("2d.same", (1, 5, 7, 2), dict(size=(3, 2), stride=(2, 2), padding="same")),
            ("2d.overlap", (1, 6, 5, 16), dict(size=3, stride=2)),
        ]:
            case(f"{kind}pool{name}", pool(kind, **options), normal(*x))
    case("global_avgpool1d", lambda x: x.mean(1), normal(2, 5, 3))
    case("global_maxpool2d", lambda x: x.amax((1, 2)), normal(2, 3, 4, 2))


def normalization():
    def batch_norm(x, gamma, beta):
        return channels_last(F.batch_norm(channels_first(x), None, None, gamma, beta, training=True, eps=1e-3))

    def with_moments(x, mean, var, gamma, beta):
        return channels_last(F.batch_norm(channels_first(x), mean.detach(), var.detach(), gamma, beta, eps=1e-3))

    for name, shape in [("1d", (3, 5, 4)), ("2d", (2, 3, 4, 3)), ("flat", (6, 4)), ("one", (4, 1, 1))]:
        c = shape[-1]
        case(f"batchnorm.{name}", batch_norm, normal(*shape) * 2 + 1, positive(c), normal(c))
    case("batchnorm.moving", with_moments, normal(2, 5, 3), normal(3), positive(3), positive(3), normal(3))
    for shape in [(3, 4), (2, 3, 5)]:
        c = shape[-1]
        case(
            f"layernorm.{len(shape)}", lambda x, g, b: F.layer_norm(x, x.shape[-1:], g, b, eps=1e-3),
            normal(*shape), positive(c), normal(c))

    def lrn(x, radius, bias, alpha, beta):
        # PyTorch divides alpha by the number of neighbours; TensorFlow and Krizhevsky do not.
        n = 2 * radius + 1
        return channels_last(F.local_response_norm(channels_first(x), n, alpha * n, beta, bias))

    case("lrn", lambda x: lrn(x, 2, 2, 0.5, 0.75), normal(2, 3, 7))
    case("lrn.wide", lambda x: lrn(x, 5, 1, 1, 0.5), normal(2, 2, 2, 3))


def sampling():
    def resize(size, mode, antialias=False):
        def run(x):
            x = channels_first(x)
            if x.dim() == 3 and mode == "linear":
                return channels_last(F.interpolate(x, size, mode="linear", align_corners=False))
            if mode == "nearest":
                return channels_last(F.interpolate(x, size, mode="nearest-exact"))
            return channels_last(
                F.interpolate(x, size, mode={"linear": "bilinear", "cubic": "bicubic"}[mode], align_corners=False,
                              antialias=antialias))

        return run

    case("upsample1d", resize([12], "nearest"), normal(2, 4, 3))
    case("upsample2d", resize([6, 4], "nearest"), normal(1, 2, 2, 3))
    case("resize.linear1d", resize([11], "linear"), normal(2, 4, 3))
    case("resize.linear1d_shrink", resize([4], "linear"), normal(1, 9, 2))
    case("resize.linear2d", resize([7, 9], "linear"), normal(1, 4, 3, 2))
    case("resize.antialias", resize([3, 4], "linear", True), normal(1, 8, 9, 2))
    case("resize.cubic", resize([9, 11], "cubic", True), normal(1, 4, 5, 2))
    case("resize.cubic_shrink", resize([3, 4], "cubic", True), normal(1, 8, 9, 2))
    case("resize.nearest", resize([5, 3], "nearest"), normal(1, 3, 7, 2))
    case("resize.one", resize([5, 4], "linear"), normal(1, 1, 1, 2))

    def sample(border):
        def run(x, positions):
            h, w = x.shape[1:3]
            row = positions[..., 0] * 2 / (h - 1) - 1
            column = positions[..., 1] * 2 / (w - 1) - 1
            grid = torch.stack([column, row], -1)
            return channels_last(
                F.grid_sample(channels_first(x), grid, "bilinear", border, align_corners=True))

        return run

    for border, mode in [("zeros", "zeros"), ("edge", "border"), ("reflect", "reflection")]:
        positions = random.uniform(-2, 6, (2, 3, 4, 2))
        case(f"resample.{border}", sample(mode), normal(2, 5, 4, 3), positions)


def spectra():
    def rfft(x):
        return torch.view_as_real(torch.fft.rfft(x))

    def irfft(n):
        return lambda x: torch.fft.irfft(torch.view_as_complex(x), n)

    for n in [1, 2, 3, 8, 15, 31]:
        case(f"rfft.{n}", rfft, normal(2, n))
    for n in [1, 2, 5, 8, 15]:
        case(f"irfft.{n}", irfft(n), normal(2, n // 2 + 1, 2))


def losses():
    labels = np.eye(4)[[1, 3, 0]]
    soft = np.exp(normal(3, 4))
    soft /= soft.sum(1, keepdims=True)
    probabilities = np.exp(normal(3, 4))
    probabilities /= probabilities.sum(1, keepdims=True)

    def cross_entropy(p, t):
        return -(t * torch.log(p)).sum(-1)

    def from_logits(x, t):
        return -(t * F.log_softmax(x, -1)).sum(-1)

    case("cross_entropy_logits", from_logits, normal(3, 4) * 3, labels)
    case("cross_entropy_logits.soft", from_logits, normal(3, 4), soft)
    case("cross_entropy", cross_entropy, probabilities, labels + 0.1)
    case("cross_entropy.softmax", lambda x, t: cross_entropy(F.softmax(x, -1), t), normal(3, 4), soft)
    case("mse", lambda p, t: F.mse_loss(p, t, reduction="none"), normal(3, 4), normal(3, 4))
    case("mae", lambda p, t: F.l1_loss(p, t, reduction="none"), normal(3, 4), normal(3, 4))
    case("huber", lambda p, t: F.huber_loss(p, t, reduction="none"), normal(3, 4), normal(3, 4))
    case("bce", lambda p, t: F.binary_cross_entropy(p, t, reduction="none"),
         random.uniform(0.05, 0.95, (3, 4)), random.uniform(0, 1, (3, 4)))
    case("bce.sigmoid", lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction="none"),
         normal(3, 4) * 4, random.uniform(0, 1, (3, 4)))
    sign = np.sign(normal(3, 4))
    case("hinge", lambda p, t: torch.relu(1 - t.detach() * p), normal(3, 4), sign)


def write(path):
    header, data = {}, b""
    for name, x in sorted(tensors.items()):
        raw = np.ascontiguousarray(x).tobytes()
        header[name] = {
            "dtype": "I32" if x.dtype == np.int32 else "F32", "shape": list(x.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    print(f"{path}: {len([n for n in tensors if n.endswith('/out')])} cases, {path.stat().st_size} bytes")


for make in [elementwise, reductions, products, arrangement, convolutions, pooling, normalization, sampling, spectra,
             losses]:
    make()
write(pathlib.Path(__file__).parent / "Fixtures" / "operations.safetensors")
