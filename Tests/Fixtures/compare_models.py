#!/usr/bin/env python3
"""Compares vzsh with PyTorch and ONNX Runtime on whole networks with random weights.

    compare_models.py VZSH FOLDER [NAME …]

Needs torch, torchvision, onnx, onnxscript and onnxruntime. Every network is made with a fixed seed and exported; vzsh reads
the file and computes the same input; the greatest difference, relative to the greatest output, must
stay below 1e-4. Networks that vzsh defines itself get their state dictionaries too. FOLDER takes the files.
"""
import os, subprocess, sys
import numpy as np
import torch
from torch import nn

# Its networks are wanted, not its compiled operators, which may not fit this torch.
library = torch.library.Library("torchvision", "FRAGMENT")
for schema in ("nms(Tensor a, Tensor b, float c) -> Tensor",
               "qnms(Tensor a, Tensor b, float c) -> Tensor"):
    try:
        library.define(schema)
    except RuntimeError:
        pass
import torchvision.models as tv


def scrambled(model, seed=0):
    """Random weights and moments of a size that keeps outputs finite and far from constant."""
    torch.manual_seed(seed)
    for m in model.modules():
        if isinstance(m, nn.modules.batchnorm._BatchNorm):
            m.running_mean.normal_(0, 0.1)
            m.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(m.weight, 0.7, 1.3)
            nn.init.normal_(m.bias, 0, 0.1)
    return model.eval()


class M5(nn.Module):
    """PyTorch's tutorial on Speech Commands."""
    def __init__(self, n_input=1, n_output=35, stride=16, n_channel=32):
        super().__init__()
        widths = [n_channel, n_channel, 2 * n_channel, 2 * n_channel]
        before = n_input
        for i, width in enumerate(widths, 1):
            setattr(self, f"conv{i}", nn.Conv1d(before, width, 80 if i == 1 else 3, stride=stride if i == 1 else 1))
            setattr(self, f"bn{i}", nn.BatchNorm1d(width))
            setattr(self, f"pool{i}", nn.MaxPool1d(4))
            before = width
        self.fc1 = nn.Linear(before, n_output)

    def forward(self, x):
        for i in range(1, 5):
            x = getattr(self, f"pool{i}")(torch.relu(getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x))))
        x = nn.functional.avg_pool1d(x, x.shape[-1]).permute(0, 2, 1)
        return nn.functional.log_softmax(self.fc1(x), dim=2)


class Crepe(nn.Module):
    """torchcrepe's network, capacity "tiny"."""
    def __init__(self, multiplier=4):
        super().__init__()
        before = 1
        for i, (filters, kernel, stride) in enumerate(
                zip([32, 4, 4, 4, 8, 16], [512] + [64] * 5, [4] + [1] * 5), 1):
            width = filters * multiplier
            setattr(self, f"conv{i}", nn.Conv2d(before, width, (kernel, 1), (stride, 1)))
            setattr(self, f"conv{i}_BN", nn.BatchNorm2d(width, eps=0.0010000000474974513))
            before = width
        self.classifier = nn.Linear(before * 4, 360)

    def forward(self, x):
        x = x.reshape(x.shape[0], 1, 1024, 1)
        for i in range(1, 7):
            pads = (0, 0, 254, 254) if i == 1 else (0, 0, 31, 32)
            x = torch.relu(getattr(self, f"conv{i}")(nn.functional.pad(x, pads)))
            x = nn.functional.max_pool2d(getattr(self, f"conv{i}_BN")(x), (2, 1), (2, 1))
        x = x.permute(0, 2, 1, 3).reshape(x.shape[0], -1)
        return torch.sigmoid(self.classifier(x))


class SampleCNN(nn.Module):
    """Strided first convolution, then convolutions with pools of 3 (Lee et al. 2017)."""
    def __init__(self):
        super().__init__()
        layers, before = [nn.Conv1d(1, 16, 3, 3), nn.BatchNorm1d(16), nn.ReLU()], 16
        for width in [16, 16, 32, 32, 32, 64]:
            layers += [nn.Conv1d(before, width, 3, 1, 1), nn.BatchNorm1d(width), nn.ReLU(), nn.MaxPool1d(3)]
            before = width
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return torch.sigmoid(self.head(self.body(x).mean(-1)))


class UNet(nn.Module):
    """Down, up by transposed convolution and by interpolation, joined."""
    def __init__(self, width=8):
        super().__init__()
        def block(i, o):
            return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(), nn.Conv2d(o, o, 3, padding=1), nn.ReLU())
        self.down1, self.down2, self.down3 = block(3, width), block(width, 2 * width), block(2 * width, 4 * width)
        self.up2 = nn.ConvTranspose2d(4 * width, 2 * width, 2, 2)
        self.join2, self.join1 = block(4 * width, 2 * width), block(3 * width, width)
        self.out = nn.Conv2d(width, 2, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(nn.functional.max_pool2d(a, 2))
        c = self.down3(nn.functional.max_pool2d(b, 2))
        b = self.join2(torch.cat([self.up2(c), b], 1))
        up = nn.functional.interpolate(b, scale_factor=2, mode="bilinear", align_corners=False)
        return self.out(self.join1(torch.cat([up, a], 1)))


class Convolutions(nn.Module):
    """Transposed convolutions and interpolations of all kinds."""
    def __init__(self):
        super().__init__()
        self.a = nn.ConvTranspose2d(3, 6, 3, 2, 1, output_padding=1)
        self.b = nn.ConvTranspose2d(6, 4, 4, 2, 1)
        self.c = nn.Conv2d(4, 8, 3, padding=2, dilation=2, groups=4)

    def forward(self, x):
        x = nn.functional.leaky_relu(self.b(nn.functional.elu(self.a(x))))
        x = nn.functional.hardswish(self.c(nn.functional.avg_pool2d(x, 3, 2, 1)))
        x = nn.functional.interpolate(x, size=(17, 23), mode="bilinear", align_corners=True)
        x = nn.functional.interpolate(x, scale_factor=2, mode="nearest")
        first, second = x.chunk(2, 1)
        return torch.softmax(first * torch.sigmoid(second) - second.mean((2, 3), keepdim=True), 1)


PICTURES = {
    "alexnet": (lambda: tv.alexnet(), 224), "vgg16": (lambda: tv.vgg16(), 224), "vgg19": (lambda: tv.vgg19(), 224),
    "squeezenet1_0": (lambda: tv.squeezenet1_0(), 224), "squeezenet1_1": (lambda: tv.squeezenet1_1(), 224),
    "resnet18": (lambda: tv.resnet18(), 224), "resnet50": (lambda: tv.resnet50(), 224),
    "mobilenet_v2": (lambda: tv.mobilenet_v2(), 224), "mobilenet_v3_small": (lambda: tv.mobilenet_v3_small(), 224),
    "efficientnet_b0": (lambda: tv.efficientnet_b0(), 224), "densenet121": (lambda: tv.densenet121(), 224),
    "inception_v3": (lambda: tv.inception_v3(aux_logits=False, init_weights=False), 299),
    "googlenet": (lambda: tv.googlenet(aux_logits=False, init_weights=False), 224),
    "shufflenet_v2": (lambda: tv.shufflenet_v2_x0_5(), 224), "unet": (UNet, 64), "convolutions": (Convolutions, 19),
}
SOUNDS = {"m5": (M5, 8000), "samplecnn": (SampleCNN, 2187), "crepe": (Crepe, 1024)}
# Networks that vzsh has definitions of: their state dictionaries are read too. Their softmax is vzsh's.
DEFINED = {"alexnet", "vgg16", "vgg19", "squeezenet1_0", "squeezenet1_1", "resnet18", "resnet50", "mobilenet_v2", "m5", "crepe"}

SCRIPT = """
net = load(args[0])
save(net(load(args[1])), args[2])
"""


def ours(vzsh, folder, file, x):
    """What vzsh makes of `x`, channels first, by the network in `file`."""
    last = np.moveaxis(x, 1, -1)
    np.save(f"{folder}/x.npy", np.ascontiguousarray(last, dtype=np.float32))
    with open(f"{folder}/run.vz", "w") as f:
        f.write(SCRIPT)
    if os.path.exists(f"{folder}/y.npy"):
        os.remove(f"{folder}/y.npy")
    done = subprocess.run([vzsh, f"{folder}/run.vz", file, f"{folder}/x.npy", f"{folder}/y.npy"], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return np.load(f"{folder}/y.npy")


def difference(a, b):
    """The greatest, relative to the greatest number; `b` may have its channels first."""
    b = np.asarray(b)
    if a.shape != b.shape and b.ndim > 2:
        b = np.moveaxis(b, 1, -1)
    b = b.reshape(a.shape)
    return float(np.abs(a - b).max() / np.abs(b).max())


def main():
    vzsh, folder, names = sys.argv[1], sys.argv[2], sys.argv[3:] or list(PICTURES) + list(SOUNDS)
    os.makedirs(folder, exist_ok=True)
    import onnxruntime
    failed = 0
    for name in names:
        make, size = PICTURES.get(name) or SOUNDS[name]
        torch.manual_seed(1)
        model = scrambled(make())
        shape = (1, 3, size, size) if name in PICTURES else (1, 1, size)
        x = torch.randn(shape)
        with torch.no_grad():
            if name in DEFINED and name in PICTURES:
                # Behind a softmax a difference of scores counts as such: let them be as large as real ones are.
                last = [m for m in model.modules() if isinstance(m, (nn.Linear, nn.Conv2d))][-1]
                scale = 10 / float(model(x).abs().max())
                last.weight.mul_(scale)
                last.bias.mul_(scale)
            y = model(x).numpy()
        results = []
        for opset in ([11, 17] if name not in ("convolutions",) else [17]):
            path = f"{folder}/{name}_{opset}.onnx"
            torch.onnx.export(model, (x,), path, opset_version=opset, dynamo=False, input_names=["input"])
            session = onnxruntime.InferenceSession(path)
            runtime = session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]
            results.append((f"onnx {opset}", path, runtime))
        if name in DEFINED:
            path = f"{folder}/{name}.pth"
            torch.save(model.state_dict(), path)
            expected = y if name == "crepe" else np.exp(y) if name == "m5" else torch.softmax(torch.tensor(y), -1).numpy()
            results.append(("state", path, expected))
        for what, path, expected in results:
            try:
                d = difference(ours(vzsh, folder, path, x.numpy()), expected)
                verdict = "ok" if d < 1e-4 else "TOO FAR"
                print(f"{name:20} {what:10} {d:.2e} {verdict}", flush=True)
                failed += d >= 1e-4
            except Exception as error:
                print(f"{name:20} {what:10} {error}", flush=True)
                failed += 1
        for file in os.listdir(folder):
            if file.startswith(name):
                os.remove(f"{folder}/{file}")
    sys.exit(failed > 0)


main()
