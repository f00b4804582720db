"""Reference attributions by pytorch-grad-cam, Captum and Zennit for Tests/LensTests/AttributionTests.swift.

    pip install torch numpy opencv-python-headless scikit-learn matplotlib pillow tqdm
    pip install --no-deps captum grad-cam ttach zennit
    python make_attributions.py            # writes attributions.safetensors beside it

Two networks with seeded weights. "p": a small picture network, convolutions with batch normalization,
global average and dense. "s": a small waveform network, as pictures of height 1, flattened, dense.
Everything is written with vzsh's axes: channels last, kernels [window..., in, out].
"""

import json
import os
import struct
import sys
import types

# Both packages ask for parts of torchvision that are not used here; any torch will do without it.
for name in ("torchvision", "torchvision.transforms", "torchvision.transforms.functional", "torchvision.models",
             "torchvision.models.resnet", "torchvision.models.vgg"):
    module = types.ModuleType(name)
    module.__path__ = []
    sys.modules[name] = module
for name in ("Compose", "Normalize", "ToTensor", "Resize"):
    setattr(sys.modules["torchvision.transforms"], name, object)
sys.modules["torchvision.transforms.functional"].resize = None
for name in ("Bottleneck", "BasicBlock", "ResNet"):
    setattr(sys.modules["torchvision.models.resnet"], name, type(name, (), {}))
sys.modules["torchvision.models.vgg"].VGG = type("VGG", (), {})

import numpy as np
import torch
from torch import nn
from captum.attr import (Deconvolution, GradientShap, GuidedBackprop, GuidedGradCam, InputXGradient, IntegratedGradients,
                         LRP, Occlusion, Saliency)
from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule, GammaRule
from pytorch_grad_cam import (AblationCAM, EigenCAM, EigenGradCAM, GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM, ScoreCAM,
                              XGradCAM)
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from pytorch_grad_cam.utils.svd_on_activations import get_2d_projection
from zennit.composites import EpsilonGammaBox, LayerMapComposite
from zennit.attribution import Gradient
from zennit.canonizers import SequentialMergeBatchNorm
from zennit.rules import Epsilon, Flat, Gamma, WSquare, Pass
from zennit.types import Convolution, Linear, Activation, AvgPool

torch.manual_seed(7)
out = {}


class Picture(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 12, 3, padding=1),
            nn.BatchNorm2d(12, eps=1e-3), nn.ReLU())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dense = nn.Linear(12, 5)

    def forward(self, x):
        return self.dense(torch.flatten(self.pool(self.features(x)), 1))


class Wave(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, (1, 9), stride=(1, 2)), nn.ReLU(), nn.MaxPool2d((1, 2)),
            nn.Conv2d(6, 8, (1, 5), padding=(0, 2)), nn.ReLU())
        self.tail = nn.MaxPool2d((1, 2))
        self.dense = nn.Linear(8 * 29, 4)

    def forward(self, x):
        return self.dense(torch.flatten(self.tail(self.features(x)), 1))


def last(t):
    """[1, C, ...] to [..., C]; waveforms lose their height of 1."""
    a = t.detach().numpy()[0]
    a = np.moveaxis(a, 0, -1)
    return a[0] if a.shape[0] == 1 and a.ndim == 3 else a


def kernel(conv, wave):
    a = conv.weight.detach().numpy().transpose(2, 3, 1, 0)
    return a[0] if wave else a


class SignedEigenCAM(EigenCAM):
    """A principal component has no sign of its own: here it is that of the mean activation."""

    def get_cam_image(self, input_tensor, target_layer, target_category, activations, grads, eigen_smooth):
        projection = get_2d_projection(activations)
        mean = activations.mean(axis=1)
        along = (projection * (mean - mean.mean())).sum()
        return projection if along >= 0 else -projection


class SignedEigenGradCAM(EigenGradCAM):
    def get_cam_image(self, input_tensor, target_layer, target_category, activations, grads, eigen_smooth):
        weighed = grads * activations
        projection = get_2d_projection(weighed)
        mean = weighed.mean(axis=1)
        along = (projection * (mean - mean.mean())).sum()
        return projection if along >= 0 else -projection


def cams(key, model, x, c, layer):
    for name, cls in (("gradcam", GradCAM), ("gradcampp", GradCAMPlusPlus), ("layercam", LayerCAM),
                      ("hirescam", HiResCAM), ("scorecam", ScoreCAM), ("eigencam", SignedEigenCAM),
                      ("xgradcam", XGradCAM), ("eigengradcam", SignedEigenGradCAM), ("ablationcam", AblationCAM)):
        with cls(model=model, target_layers=[layer]) as cam:
            result = cam(input_tensor=x, targets=[ClassifierOutputTarget(c)])[0]
        out[f"{key}.{name}"] = result[0] if key == "s" else result
    out[f"{key}.guided_gradcam"] = last(
        GuidedGradCam(model, layer).attribute(x, target=c, interpolate_mode="bilinear"))


def gradients(key, model, x, c, window, stride):
    out[f"{key}.saliency"] = last(Saliency(model).attribute(x, target=c))
    out[f"{key}.grad_times_input"] = last(InputXGradient(model).attribute(x, target=c))
    out[f"{key}.integrated_gradients"] = last(IntegratedGradients(model).attribute(x, target=c, n_steps=50))
    out[f"{key}.guided_backprop"] = last(GuidedBackprop(model).attribute(x, target=c))
    out[f"{key}.deconvnet"] = last(Deconvolution(model).attribute(x, target=c))
    out[f"{key}.occlusion"] = last(
        Occlusion(model).attribute(x, target=c, sliding_window_shapes=window, strides=stride))[..., 0]


def folded(model):
    """A copy whose batch normalization is part of the convolution before it."""
    import copy
    m = copy.deepcopy(model)
    layers = list(m.features)
    for i, l in enumerate(layers):
        if isinstance(l, nn.BatchNorm2d):
            layers[i - 1] = nn.utils.fusion.fuse_conv_bn_eval(layers[i - 1], l)
    m.features = nn.Sequential(*[l for l in layers if not isinstance(l, nn.BatchNorm2d)])
    return m.eval()


def captum_lrp(model, x, c, rule):
    import copy
    m = copy.deepcopy(model)
    for l in m.modules():
        if isinstance(l, (nn.Conv2d, nn.Linear)):
            l.rule = rule()
    return last(LRP(m).attribute(x.clone(), target=c))


def zennit_lrp(model, x, c, composite):
    with Gradient(model=model, composite=composite) as attributor:
        seed = torch.zeros(1, model(x).shape[1])
        seed[0, c] = model(x)[0, c].detach()
        return last(attributor(x.clone(), seed)[1])


picture = Picture().eval()
with torch.no_grad():
    bn = picture.features[4]
    bn.running_mean.normal_(0, 0.2)
    bn.running_var.uniform_(0.3, 1.5)
    bn.weight.uniform_(0.5, 1.5)
    bn.bias.normal_(0, 0.2)
    picture.dense.weight.mul_(3)
    for conv in (picture.features[0], picture.features[3]):
        conv.weight.mul_(2)
rng = np.random.default_rng(3)
# Blobs rather than noise, so that maps have shape.
yy, xx = np.mgrid[0:24, 0:20]
blob = lambda y, x, s: np.exp(-((yy - y) ** 2 + (xx - x) ** 2) / s)
pixels = np.stack([blob(6, 5, 20), blob(15, 12, 30), blob(10, 15, 10)]) * 0.8 + rng.random((3, 24, 20)) * 0.2
x = torch.tensor(pixels[None], dtype=torch.float32)
c = int(picture(x).argmax())
out["p.class"] = np.array([c])
out["p.input"], out["p.scores"] = last(x), picture(x).detach().numpy()[0]
conv1, conv2 = picture.features[0], picture.features[3]
out["p.conv2d_1.kernel"], out["p.conv2d_1.bias"] = kernel(conv1, False), conv1.bias.detach().numpy()
out["p.conv2d_2.kernel"], out["p.conv2d_2.bias"] = kernel(conv2, False), conv2.bias.detach().numpy()
out["p.batchnorm.gamma"], out["p.batchnorm.beta"] = bn.weight.detach().numpy(), bn.bias.detach().numpy()
out["p.batchnorm.moving_moments"] = torch.stack([bn.running_mean, bn.running_var]).numpy()
out["p.dense.kernel"], out["p.dense.bias"] = picture.dense.weight.detach().numpy().T, picture.dense.bias.detach().numpy()
cams("p", picture, x, c, picture.features[5])
gradients("p", picture, x, c, (3, 6, 6), (3, 2, 2))
flat = folded(picture)
out["p.lrp.epsilon"] = captum_lrp(flat, x, c, lambda: EpsilonRule(1e-6))
out["p.lrp.gamma"] = captum_lrp(flat, x, c, lambda: GammaRule(0.25, set_bias_to_zero=True))
out["p.lrp.plus"] = captum_lrp(flat, x, c, lambda: Alpha1_Beta0_Rule(set_bias_to_zero=True))
low, high = torch.zeros_like(x), torch.ones_like(x)
out["p.lrp.box"] = zennit_lrp(picture, x, c, EpsilonGammaBox(
    low=low, high=high, gamma=0.25, epsilon=1e-6, canonizers=[SequentialMergeBatchNorm()]))

wave = Wave().eval()
with torch.no_grad():
    wave.dense.weight.mul_(3)
t = np.arange(240) / 240
sound = np.sin(2 * np.pi * 30 * t) * np.exp(-((t - 0.35) / 0.1) ** 2) + rng.normal(0, 0.05, 240)
x = torch.tensor(sound[None, None, None], dtype=torch.float32)
c = int(wave(x).argmax())
out["s.class"] = np.array([c])
out["s.input"], out["s.scores"] = last(x), wave(x).detach().numpy()[0]
conv1, conv2 = wave.features[0], wave.features[3]
out["s.conv1d_1.kernel"], out["s.conv1d_1.bias"] = kernel(conv1, True), conv1.bias.detach().numpy()
out["s.conv1d_2.kernel"], out["s.conv1d_2.bias"] = kernel(conv2, True), conv2.bias.detach().numpy()
dense = wave.dense.weight.detach().numpy().reshape(4, 8, 29).transpose(2, 1, 0).reshape(29 * 8, 4)
out["s.dense.kernel"], out["s.dense.bias"] = dense, wave.dense.bias.detach().numpy()
cams("s", wave, x, c, wave.features[4])
gradients("s", wave, x, c, (1, 1, 24), (1, 1, 12))
out["s.lrp.epsilon"] = captum_lrp(wave, x, c, lambda: EpsilonRule(1e-6))


class First(LayerMapComposite):
    """Dense by epsilon, convolutions by gamma, the first one by a rule of its own."""

    def __init__(self, first):
        super().__init__([(Activation, Pass()), (AvgPool, Epsilon(1e-6)), (Convolution, Gamma(0.25, 1e-6)),
                          (Linear, Epsilon(1e-6))])
        self.first = first

    def mapping(self, ctx, name, module):
        hook = super().mapping(ctx, name, module)
        if isinstance(module, nn.Conv2d) and not ctx.get("seen"):
            ctx["seen"] = True
            return self.first
        return hook


composite = First(WSquare(1e-6, zero_params='bias'))
composite.module_map = composite.mapping
out["s.lrp.w2"] = zennit_lrp(wave, x, c, composite)
composite = First(Flat(1e-6))
composite.module_map = composite.mapping
out["s.lrp.flat"] = zennit_lrp(wave, x, c, composite)
composite = First(Gamma(0.25, 1e-6))
composite.module_map = composite.mapping
out["s.lrp.signed"] = zennit_lrp(wave, x, c, composite)


def expected_gradients(key, model, samples):
    """Captum's GradientShap from four baselines, long enough that chance has averaged out."""
    x, c = torch.tensor(channels_first(key)), int(out[f"{key}.class"][0])
    baselines = torch.tensor(rng.normal(0, 0.3, (4,) + tuple(x.shape[1:])), dtype=torch.float32)
    out[f"{key}.baselines"] = np.stack([last(b[None]) for b in baselines])
    rounds = [GradientShap(model).attribute(x, baselines, n_samples=500, target=c) for _ in range(samples // 500)]
    out[f"{key}.gradient_shap"] = last(torch.stack(rounds).mean(0))


def channels_first(key):
    a = np.asarray(out[f"{key}.input"], dtype=np.float32)
    return (a if a.ndim == 3 else a[None]).transpose(2, 0, 1)[None]


def rise(key, model, masks, cells):
    """RISE as its paper has it (section 3.2): cells kept with probability 1/2, stretched to one cell more than the
    input, moved by less than a cell; the mean probability where a place is seen."""
    x, c = torch.tensor(channels_first(key)), int(out[f"{key}.class"][0])
    lengths = x.shape[2:]
    size = [n // k for n, k in zip(lengths, cells)]
    total, count = torch.zeros(lengths), torch.zeros(lengths)
    with torch.no_grad():
        for _ in range(masks // 500):
            grid = torch.tensor(rng.random((500, 1, *cells)) < 0.5, dtype=torch.float32)
            wide = nn.functional.interpolate(
                grid, [s * (k + 1) for s, k in zip(size, cells)], mode="bilinear", align_corners=False)
            at = [rng.integers(0, s, 500) for s in size]
            mask = torch.stack([w[:, i:i + lengths[0], j:j + lengths[1]] for w, i, j in zip(wide, *at)])
            p = torch.softmax(model(x * mask), 1)[:, c]
            total += (p[:, None, None] * mask[:, 0]).sum(0)
            count += mask[:, 0].sum(0)
    found = (total / count).numpy()
    out[f"{key}.rise"] = found[0] if key == "s" else found


for key, model, cells in (("p", picture, (6, 5)), ("s", wave, (1, 16))):
    expected_gradients(key, model, 40000)
    rise(key, model, 100000, cells)

# A network whose only layer is dense: every point of every path has the same gradient.
dense = nn.Linear(24, 3)
linear = nn.Sequential(nn.Flatten(), dense)
x, baseline = torch.randn(1, 12, 2), torch.randn(1, 12, 2)
out["l.input"], out["l.baselines"] = x[0].numpy(), baseline.numpy()
out["l.dense.kernel"], out["l.dense.bias"] = dense.weight.detach().numpy().T, dense.bias.detach().numpy()
out["l.gradient_shap"] = GradientShap(linear).attribute(x, baseline, n_samples=8, target=1)[0].detach().numpy()

header, blob, offset = {}, b"", 0
for name, value in out.items():
    data = np.ascontiguousarray(value, dtype="<f4").tobytes()
    header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [offset, offset + len(data)]}
    blob += data
    offset += len(data)
text = json.dumps(header).encode()
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "attributions.safetensors")
with open(path, "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text + blob)
print(path, len(text) + len(blob) + 8, "bytes")
for name, value in out.items():
    print(name, value.shape, float(np.abs(value).max()))
