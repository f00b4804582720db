#!/usr/bin/env python3
"""Makes the small network files beside it, and expected.json with what their own framework computes.

Needs torch, onnx, onnxruntime and keras (KERAS_BACKEND=jax or another). The input of every network is
(i * 37 % 101) / 50 - 1 in the framework's own order of axes.
"""
import json, os, struct, zipfile
os.environ.setdefault("KERAS_BACKEND", "jax")
import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

here = os.path.dirname(os.path.abspath(__file__))
expected = {}


def numbers(shape):
    n = int(np.prod(shape))
    return ((np.arange(n) * 37 % 101) / 50 - 1).astype(np.float32).reshape(shape)


def scrambled(model, seed=0):
    torch.manual_seed(seed)
    for m in model.modules():
        if isinstance(m, nn.modules.batchnorm._BatchNorm):
            m.running_mean.normal_(0, 0.1)
            m.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(m.weight, 0.7, 1.3)
            nn.init.normal_(m.bias, 0, 0.1)
    return model.eval()


def cbr(i, o, k, **more):
    return nn.Sequential(nn.Conv2d(i, o, k, bias=False, **more), nn.BatchNorm2d(o), nn.ReLU())


class Alex(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 6, 5, 2, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
                                      nn.Conv2d(6, 8, 3, padding=1, groups=2), nn.ReLU())
        self.pool = nn.AdaptiveAvgPool2d(3)
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(72, 12), nn.ReLU(), nn.Linear(12, 5))

    def forward(self, x):
        return F.softmax(self.classifier(torch.flatten(self.pool(self.features(x)), 1)), 1)


class Squeeze(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Conv2d(3, 8, 3, 2)
        self.squeeze, self.e1, self.e3 = nn.Conv2d(8, 3, 1), nn.Conv2d(3, 6, 1), nn.Conv2d(3, 6, 3, padding=1)
        self.last = nn.Conv2d(12, 5, 1)

    def forward(self, x):
        x = F.max_pool2d(torch.relu(self.one(x)), 3, 2, ceil_mode=True)
        x = torch.relu(self.squeeze(x))
        x = torch.cat([torch.relu(self.e1(x)), torch.relu(self.e3(x))], 1)
        return torch.flatten(F.adaptive_avg_pool2d(torch.relu(self.last(x)), 1), 1)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = cbr(3, 4, 3, padding=1)
        self.body = nn.Sequential(cbr(4, 8, 3, stride=2, padding=1), nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8))
        self.way = nn.Sequential(nn.Conv2d(4, 8, 1, 2, bias=False), nn.BatchNorm2d(8))
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = F.max_pool2d(self.stem(x), 3, 2, 1)
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(torch.relu(self.body(x) + self.way(x)), 1), 1))


class Mobile(nn.Module):
    """Depthwise convolution, squeeze and excitation, hard swish, silu: MobileNet and EfficientNet."""
    def __init__(self):
        super().__init__()
        self.stem, self.deep = cbr(3, 6, 3, stride=2, padding=1), nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.a, self.b, self.out = nn.Conv2d(6, 3, 1), nn.Conv2d(3, 6, 1), nn.Conv2d(6, 6, 1)
        self.fc = nn.Linear(6, 5)

    def forward(self, x):
        x = F.relu6(self.stem(x))
        y = F.silu(self.deep(x))
        y = y * torch.sigmoid(self.b(torch.relu(self.a(F.adaptive_avg_pool2d(y, 1)))))
        y = F.hardswish(self.out(y * F.hardsigmoid(y)) + x)
        return self.fc(y.mean((2, 3)))


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.n1, self.c1 = nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3, padding=1)
        self.n2, self.c2 = nn.BatchNorm2d(7), nn.Conv2d(7, 4, 3, padding=1)
        self.fc = nn.Linear(11, 5)

    def forward(self, x):
        x = torch.cat([x, self.c1(torch.relu(self.n1(x)))], 1)
        x = torch.cat([x, self.c2(torch.relu(self.n2(x)))], 1)
        return self.fc(torch.flatten(F.avg_pool2d(x, 2)[:, :, :1, :1], 1))


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = cbr(3, 4, 1), nn.Sequential(cbr(3, 3, 1), cbr(3, 4, (1, 5), padding=(0, 2)), cbr(4, 4, (5, 1), padding=(2, 0)))
        self.c, self.fc = cbr(3, 4, 1), nn.Linear(12, 5)

    def forward(self, x):
        x = torch.cat([self.a(x), self.b(x), self.c(F.avg_pool2d(x, 3, 1, 1))], 1)
        return self.fc(torch.flatten(F.max_pool2d(x, 12), 1))


class UNet(nn.Module):
    def __init__(self, w=3):
        super().__init__()
        self.d1, self.d2 = cbr(3, w, 3, padding=1), cbr(w, 2 * w, 3, padding=1)
        self.up, self.up2 = nn.ConvTranspose2d(2 * w, w, 2, 2), nn.ConvTranspose2d(w, w, 3, 2, 1, output_padding=1)
        self.j, self.out = cbr(2 * w, w, 3, padding=1), nn.Conv2d(2 * w, 2, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.j(torch.cat([self.up(self.d2(F.max_pool2d(a, 2))), a], 1))
        c = self.up2(F.max_pool2d(b, 2))
        d = F.interpolate(F.avg_pool2d(b, 2), scale_factor=2, mode="bilinear", align_corners=False)
        return self.out(torch.cat([c, d], 1))


class Wave(nn.Module):
    """M5 and SampleCNN."""
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv1d(1, 4, 8, 4), nn.BatchNorm1d(4)
        self.conv2, self.bn2 = nn.Conv1d(4, 6, 3, padding=1), nn.BatchNorm1d(6)
        self.fc1 = nn.Linear(6, 5)

    def forward(self, x):
        x = F.max_pool1d(torch.relu(self.bn1(self.conv1(x))), 4)
        x = F.max_pool1d(torch.relu(self.bn2(self.conv2(x))), 3)
        return F.log_softmax(self.fc1(F.avg_pool1d(x, x.shape[-1]).permute(0, 2, 1)), dim=2)


class Pitch(nn.Module):
    """CREPE: a waveform as a picture one pixel wide."""
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1, self.fc = nn.Conv2d(1, 4, (16, 1), (4, 1)), nn.BatchNorm2d(4, eps=1e-3), nn.Linear(32, 5)

    def forward(self, x):
        x = F.pad(x.reshape(x.shape[0], 1, 64, 1), (0, 0, 6, 6))
        x = F.max_pool2d(self.bn1(torch.relu(self.conv1(x))), (2, 1), (2, 1))
        return torch.sigmoid(self.fc(x.permute(0, 2, 1, 3).reshape(x.shape[0], -1)))


def export(name, model, shape, opset):
    import onnxruntime
    model = scrambled(model)
    x = torch.from_numpy(numbers(shape))
    path = f"{here}/{name}.onnx"
    torch.onnx.export(model, (x,), path, opset_version=opset, dynamo=False, input_names=["input"])
    session = onnxruntime.InferenceSession(path)
    y = session.run(None, {"input": x.numpy()})[0]
    assert np.abs(y - model(x).detach().numpy()).max() < 1e-5, name
    expected[f"{name}.onnx"] = {"shape": list(y.shape), "values": [float(f"{v:.7g}") for v in y.ravel()]}
    return model


def normalized():
    """Local response normalization as the original AlexNet and GoogLeNet have it; PyTorch exports other operations."""
    import onnx, onnxruntime
    from onnx import helper
    rng = np.random.default_rng(1)
    w = helper.make_tensor("conv.w", 1, [7, 3, 3, 3], rng.normal(0, 0.5, (7, 3, 3, 3)).astype(np.float32).ravel())
    nodes = [helper.make_node("Conv", ["x", "conv.w"], ["a"], pads=[1, 1, 1, 1]),
             helper.make_node("LRN", ["a"], ["b"], size=5, alpha=0.3, beta=0.75, bias=2.0),
             helper.make_node("MaxPool", ["b"], ["y"], kernel_shape=[3, 3], strides=[3, 3])]
    graph = helper.make_graph(nodes, "lrn", [helper.make_tensor_value_info("x", 1, [1, 3, 9, 9])],
                              [helper.make_tensor_value_info("y", 1, [1, 7, 3, 3])], [w])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 8)], ir_version=4), f"{here}/lrn.onnx")
    y = onnxruntime.InferenceSession(f"{here}/lrn.onnx").run(None, {"x": numbers((1, 3, 9, 9))})[0]
    expected["lrn.onnx"] = {"shape": list(y.shape), "values": [float(f"{v:.7g}") for v in y.ravel()]}


def torch_files(wave):
    torch.save(wave.state_dict(), f"{here}/wave.pt")
    torch.save({"epoch": 3, "state_dict": {"module." + k: v for k, v in wave.state_dict().items()}, "lr": 1e-3},
               f"{here}/wave_legacy.pth", _use_new_zipfile_serialization=False)
    base = torch.arange(24, dtype=torch.float32)
    torch.save({"plain": base.reshape(4, 6), "turned": base.reshape(4, 6).t(), "part": base[6:18:3],
                "half": base.half()[:5], "bf16": base.bfloat16()[:5], "double": base.double()[:3] / 7,
                "long": torch.tensor([-1, 2**40, 7]), "byte": torch.tensor([0, 255], dtype=torch.uint8),
                "flag": torch.tensor([True, False]), "nested": {"list": [base[:2], base[2:4]]},
                "parameter": nn.Parameter(base[:3]), "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3)},
               f"{here}/kinds.pt")

    class Evil:
        def __reduce__(self):
            return os.system, ("touch /tmp/vzsh-was-here",)
    torch.save({"weight": base, "evil": Evil()}, f"{here}/evil.pt")
    torch.save({"weight": base, "evil": Evil()}, f"{here}/evil_legacy.pth", _use_new_zipfile_serialization=False)
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), f"{here}/script.pt")


def huge_files():
    """Files that claim what they do not hold."""
    with zipfile.ZipFile(f"{here}/dotdot.npz", "w") as z:
        z.writestr("../../evil.npy", b"\x93NUMPY\x01\x00")
    with zipfile.ZipFile(f"{here}/bomb.npz", "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("a.npy", bytes(1 << 20))
    with open(f"{here}/bomb.npz", "r+b") as f:
        data = bytearray(f.read())
        for at in (data.find(b"PK\x03\x04") + 22, data.find(b"PK\x01\x02") + 24):
            data[at:at + 4] = struct.pack("<I", 0xfffffff0)
        f.seek(0)
        f.write(data)
    header = json.dumps({"w": {"dtype": "F32", "shape": [1 << 30, 1 << 28], "data_offsets": [0, 1 << 60]}}).encode()
    with open(f"{here}/huge.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(header)) + header + bytes(16))
    import onnx
    from onnx import helper
    w = onnx.TensorProto(dims=[1 << 30, 1 << 30], data_type=1, name="w", raw_data=bytes(16))
    graph = helper.make_graph([helper.make_node("Gemm", ["x", "w"], ["y"])], "g",
                              [helper.make_tensor_value_info("x", 1, [1, 4])], [helper.make_tensor_value_info("y", 1, [1, 4])], [w])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), f"{here}/huge.onnx")


def outside():
    """A network whose weights lie in a file beside it."""
    import onnx
    model = onnx.load(f"{here}/wave.onnx")
    onnx.save_model(model, f"{here}/outside.onnx", save_as_external_data=True, all_tensors_to_one_file=True,
                    location="outside.bin", size_threshold=0)
    expected["outside.onnx"] = expected["wave.onnx"]


def keras_files():
    import keras
    from keras import layers as L
    keras.utils.set_random_seed(1)
    x = keras.Input((12, 12, 3), name="picture")
    y = L.ZeroPadding2D(((1, 0), (0, 1)), name="pad")(L.Rescaling(0.5, offset=0.1, name="scale")(x))
    y = L.Conv2D(6, 3, strides=2, padding="same", use_bias=False, name="first")(y)
    y = L.BatchNormalization(name="norm", scale=False)(y)
    a = L.SeparableConv2D(6, 3, padding="same", activation="swish", name="sep")(y)
    b = L.DepthwiseConv2D(3, padding="same", depth_multiplier=1, activation="relu", name="deep")(y)
    gate = L.Conv2D(6, 1, activation="sigmoid", name="gate")(L.GlobalAveragePooling2D(keepdims=True, name="mean")(a))
    y = L.Concatenate(name="both")([L.Multiply(name="times")([a, gate]), L.Add(name="sum")([a, b])])
    inner_in = keras.Input((7, 7, 12), name="inner_input")
    inner = keras.Model(inner_in, L.LeakyReLU(name="leaky")(L.Conv2DTranspose(4, 3, strides=2, padding="same", name="up")(inner_in)), name="inner")
    y = L.AveragePooling2D(2, name="pool")(inner(y))
    y = L.LayerNormalization(name="layer_norm")(L.UpSampling2D(2, name="twice")(y))
    shared = L.Dense(5, activation="tanh", name="shared")
    y = L.Dense(5, activation="softmax", name="out")(L.Dropout(0.5, name="drop")(L.Flatten(name="flat")(L.Add(name="again")([shared(y), shared(L.Activation("elu", name="act")(y))]))))
    model = keras.Model(x, y, name="small")
    for i, w in enumerate(model.weights):
        value = numbers(w.shape) * (0.1 if len(w.shape) > 1 else 0.05)
        w.assign(np.abs(value) + 0.5 if "variance" in w.path or "gamma" in w.path else value)
    y = model.predict(numbers((1, 12, 12, 3)), verbose=0)
    sequential = keras.Sequential([keras.Input((20, 2)), L.Conv1D(4, 5, padding="causal", dilation_rate=2, activation="relu"), L.MaxPooling1D(2), L.BatchNormalization(),
                                   L.GlobalMaxPooling1D(), L.Dense(3)], name="wave")
    for w in sequential.weights:
        value = numbers(w.shape)
        w.assign(np.abs(value) + 0.5 if "variance" in w.path or "gamma" in w.path else value)
    z = sequential.predict(numbers((1, 20, 2)), verbose=0)
    for ending in ("keras", "h5"):
        model.save(f"{here}/small.{ending}")
        sequential.save(f"{here}/wave1d.{ending}")
        expected[f"small.{ending}"] = {"shape": list(y.shape), "values": [float(f"{v:.7g}") for v in y.ravel()]}
        expected[f"wave1d.{ending}"] = {"shape": list(z.shape), "values": [float(f"{v:.7g}") for v in z.ravel()]}
    sequential.save_weights(f"{here}/wave1d.weights.h5")


def main():
    export("alex", Alex(), (1, 3, 16, 16), 9)
    export("squeeze", Squeeze(), (1, 3, 14, 14), 11)
    export("residual", Residual(), (1, 3, 16, 16), 13)
    export("mobile", Mobile(), (1, 3, 12, 12), 14)
    export("dense", Dense(), (1, 3, 8, 8), 12)
    export("inception", Inception(), (1, 3, 12, 12), 10)
    export("unet", UNet(), (1, 3, 8, 8), 16)
    export("pitch", Pitch(), (1, 1, 64), 17)
    wave = export("wave", Wave(), (1, 1, 200), 18)
    export("wave7", Wave(), (1, 1, 200), 7)
    normalized()
    torch_files(wave)
    huge_files()
    outside()
    keras_files()
    with open(f"{here}/expected.json", "w") as f:
        json.dump(expected, f)


if __name__ == "__main__":
    main()
