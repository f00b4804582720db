#!/usr/bin/env python3
"""Writes MaximizationFixtures.swift: activation maximization rendered in PyTorch.

    make_maximizations.py DATA > MaximizationFixtures.swift

x <- x + eta * g / (rms(g) + 1e-8), 50 steps, on a small network whose numbers follow a rule, and on the
real SqueezeNet and VGG16 whose weights lie in DATA/weights. Axes are turned to those of vzsh.

The real networks are climbed in float64; beside each path stands its float32 noise, how far three
renderings of PyTorch itself in float32 (two threads, one thread, without oneDNN) stray from it at most up
to each step. A unit on the edge of a ReLU, or two equals in a pooling, move a patch of the gradient, and
every step makes more of them: on SqueezeNet PyTorch does not agree with itself better than that.
"""
import sys

import h5py
import numpy as np
import onnx
import onnx.numpy_helper
import torch
import torch.nn.functional as F


def ruled(shape, scale):
    n = int(np.prod(shape))
    return torch.tensor(((np.arange(n) * 37 % 101) / 50 - 1) * scale, dtype=torch.float32).reshape(shape)


def climb(x, score, eta, steps=50, rule="rms", penalty=lambda x: 0.0):
    """The scores before each step and after the last, and the last input."""
    losses = []
    x = x.clone().requires_grad_(True)
    m = v = torch.zeros_like(x)
    for t in range(1, steps + 1):
        s = score(x)
        losses.append(s.item())
        g, = torch.autograd.grad(s - penalty(x), x)
        if rule == "adam":
            # Keras' form: epsilon stands beside the root of the uncorrected second moment.
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g.pow(2)
            rate = eta * (1 - 0.999**t) ** 0.5 / (1 - 0.9**t)
            x = (x + rate * m / (v.sqrt() + 1e-7)).detach().requires_grad_(True)
            continue
        size = {"rms": g.pow(2).mean().sqrt(), "l2": g.pow(2).sum().sqrt(), "none": None}[rule]
        step = g if size is None else g / (size + 1e-8)
        x = (x + eta * step).detach().requires_grad_(True)
    losses.append(score(x).item())
    return losses, x.detach()


def small():
    """conv1d(6, 5) relu maxpool1d(2) conv1d(4, 3) relu, [40, 1]: kernels [k, in, out]."""
    k1, b1 = ruled([5, 1, 6], 0.3).permute(2, 1, 0), ruled([6], 0.1)
    k2, b2 = ruled([3, 6, 4], 0.3).permute(2, 1, 0), ruled([4], 0.1)

    def score(x):
        h = F.max_pool1d(F.relu(F.conv1d(x[None], k1, b1, padding=2)), 2)
        return F.relu(F.conv1d(h, k2, b2, padding=1))[0, 2].mean()

    start = ruled([1, 40], 0.1)
    tv = lambda x: 0.01 * (x[:, 1:] - x[:, :-1]).abs().sum() + 0.02 * x.pow(2).sum()
    yield "plain", climb(start, score, 0.05)
    yield "l2", climb(start, score, 0.5, rule="l2")
    yield "regularized", climb(start, score, 0.05, penalty=tv)
    yield "adam", climb(start, score, 0.02, rule="adam")


def picture(side):
    """128 and waves around it: the start of the real networks, [3, side, side]."""
    y, x, c = np.meshgrid(np.arange(side), np.arange(side), np.arange(3), indexing="ij")
    t = 10 * np.sin(0.37 * y + 1.3 * x + 2.1 * c)
    return torch.tensor(t, dtype=torch.float32).permute(2, 0, 1)


def vgg(data, dtype):
    file = h5py.File(data + "/weights/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5")
    arrays = {}
    file.visititems(lambda n, d: arrays.update({n: np.array(d)}) if hasattr(d, "shape") and d.shape else None)
    layers, size = [], [2, 2, 3]
    for block, count in enumerate(size, 1):
        for i in range(1, count + 1):
            own = {n.split("/")[-1]: v for n, v in arrays.items() if f"block{block}_conv{i}" in n}
            kernel = next(v for v in own.values() if v.ndim == 4)
            bias = next(v for v in own.values() if v.ndim == 1)
            layers.append((torch.tensor(kernel, dtype=dtype).permute(3, 2, 0, 1), torch.tensor(bias, dtype=dtype)))
        layers.append(None)

    def score(x):
        h = x[None]
        for layer in layers[:-1]:
            h = F.max_pool2d(h, 2) if layer is None else F.relu(F.conv2d(h, *layer, padding=1))
        return h[0, 7].mean()

    return {"vgg16": climb(picture(64).to(dtype), score, 2)[0]}


def squeezenet(data, dtype):
    graph = onnx.load(data + "/weights/squeezenet_v1.0.onnx").graph
    weights = {t.name: torch.tensor(onnx.numpy_helper.to_array(t).copy()) for t in graph.initializer}
    weights = {n: w.to(dtype) if w.is_floating_point() else w for n, w in weights.items()}
    feed = [i.name for i in graph.input if i.name not in weights][0]

    def attribute(node, name, default):
        return next((onnx.helper.get_attribute_value(a) for a in node.attribute if a.name == name), default)

    def logits(x):
        values = dict(weights)
        values[feed] = x[None]
        for node in graph.node:
            v = [values[n] for n in node.input]
            if node.op_type == "Conv":
                out = F.conv2d(F.pad(v[0], pads(node)), *v[1:], stride=attribute(node, "strides", [1, 1]))
            elif node.op_type == "Relu":
                out = F.relu(v[0])
            elif node.op_type == "MaxPool":
                out = F.max_pool2d(
                    F.pad(v[0], pads(node), value=-1e30), attribute(node, "kernel_shape", None),
                    attribute(node, "strides", None), ceil_mode=bool(attribute(node, "ceil_mode", 0)))
            elif node.op_type == "Concat":
                out = torch.cat(v, attribute(node, "axis", 1))
            elif node.op_type in ("Dropout", "Identity"):
                out = v[0]
            elif node.op_type == "GlobalAveragePool":
                out = v[0].mean((2, 3), keepdim=True)
            elif node.op_type == "Softmax":
                return v[0].flatten()
            elif node.op_type in ("Reshape", "Flatten"):
                out = v[0].flatten(1)
            else:
                raise SystemExit("no rule for " + node.op_type)
            values[node.output[0]] = out
        return out.flatten()

    def pads(node):
        t, l, b, r = attribute(node, "pads", [0, 0, 0, 0])
        return l, r, t, b

    start = picture(224).to(dtype)
    return {"squeezenetLinear": climb(start, lambda x: logits(x)[386], 1)[0],
            "squeezenetSoftmax": climb(start, lambda x: F.softmax(logits(x), 0)[386], 1)[0]}


def with_noise(render):
    """Each path in float64, and how far float32 strays from it up to each step, as a part of its highest."""
    torch.set_num_threads(2)
    exact = render(torch.float64)
    noise = {name: np.zeros(len(path)) for name, path in exact.items()}
    for threads, library in ((2, True), (1, True), (1, False)):
        torch.set_num_threads(threads)
        with torch.backends.mkldnn.flags(enabled=library):
            for name, path in render(torch.float32).items():
                off = np.abs(np.array(path) - exact[name]) / np.abs(exact[name]).max()
                noise[name] = np.maximum(noise[name], np.maximum.accumulate(off))
    for name, path in exact.items():
        yield name, path
        yield name + "Noise", noise[name]


def numbers(values, width=7):
    rows = [", ".join(f"{v:.7g}" for v in values[i:i + width]) for i in range(0, len(values), width)]
    return ",\n        ".join(rows)


def main():
    data = sys.argv[1]
    print("/// Activation maximization rendered in PyTorch; written by make_maximizations.py.")
    print("enum MaximizationFixtures {")
    for name, (losses, x) in small():
        print(f"    static let {name}: [Double] = [\n        {numbers(losses)},\n    ]")
        print(f"    static let {name}Input: [Double] = [\n        {numbers(x.flatten().tolist())},\n    ]")
    for render in (vgg, squeezenet):
        for name, values in with_noise(lambda dtype: render(data, dtype)):
            print(f"    static let {name}: [Double] = [\n        {numbers(values)},\n    ]")
    print("}")


main()
