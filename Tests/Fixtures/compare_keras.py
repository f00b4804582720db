#!/usr/bin/env python3
"""Compares vzsh with Keras on whole models with random weights, in both directions.

    compare_keras.py VZSH FOLDER [NAME …]

Needs keras 3 with a backend (KERAS_BACKEND). Keras writes a model as .keras, as .h5 and as .weights.h5; vzsh
must compute what Keras computes, to 1e-4 of the greatest output. Then vzsh writes the weights as .h5 and as
.weights.h5, and a new Keras model of the same structure that loads them must have every bit again.
FOLDER takes the files.
"""
import os, subprocess, sys
import keras
import numpy as np
from keras import layers as L


def pictures():
    x = keras.Input((24, 20, 3), name="picture")
    a = L.Conv2D(8, 3, padding="same", activation="relu", name="first")(x)
    a = L.BatchNormalization(name="norm")(a)
    b = L.SeparableConv2D(12, 3, padding="same", depth_multiplier=2, activation="swish", name="separable")(a)
    b = L.BatchNormalization(scale=False, name="unscaled")(b)
    c = L.DepthwiseConv2D(3, padding="same", depth_multiplier=2, name="depthwise")(a)
    y = L.Concatenate(name="join")([b, c])
    y = L.Conv2DTranspose(6, 3, strides=2, padding="same", activation="elu", name="up")(y)
    y = L.MaxPooling2D(3, 2, padding="same", name="pool")(y)
    y = L.Conv2D(6, 3, dilation_rate=2, groups=2, use_bias=False, name="dilated")(y)
    y = L.LeakyReLU(name="leaky")(y)
    y = L.LayerNormalization(name="layernorm")(y)
    y = L.Flatten(name="flat")(y)
    y = L.Dense(16, activation="tanh", name="hidden")(y)
    return keras.Model(x, L.Dense(5, activation="softmax", name="out")(y), name="pictures")


def sounds():
    return keras.Sequential([
        keras.Input((400, 1)), L.Conv1D(16, 9, strides=2, activation="relu", name="c1"), L.BatchNormalization(name="b1"),
        L.MaxPooling1D(2, name="p1"), L.Conv1D(16, 3, padding="causal", dilation_rate=4, activation="gelu", name="c2"),
        L.SeparableConv1D(24, 3, padding="same", name="s3"), L.Activation("relu", name="r3"),
        L.Conv1DTranspose(8, 4, strides=2, name="t4"), L.AveragePooling1D(2, name="p4"), L.SpatialDropout1D(0.2, name="d4"),
        L.GlobalAveragePooling1D(name="mean"), L.Dropout(0.5, name="drop"), L.Dense(10, activation="softmax", name="out")], name="sounds")


def application(name, size, **options):
    def make():
        return getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3), classes=20, **options)
    return make


MODELS = {
    "pictures": pictures, "sounds": sounds,
    "vgg16": application("VGG16", 64), "resnet50": application("ResNet50", 64),
    "mobilenet": application("MobileNet", 64), "mobilenet_v2": application("MobileNetV2", 64),
    "efficientnet_b0": application("EfficientNetB0", 64), "densenet121": application("DenseNet121", 64),
    "inception_v3": application("InceptionV3", 96), "xception": application("Xception", 96),
}

COMPUTE = """
net = load(args[0])
save(net(load(args[1])), args[2])
"""
GIVEN = """
net = load(args[0])
load_weights(net, args[1]);
save(net(load(args[2])), args[3])
"""
WRITE = """
net = load(args[0])
save(net, args[1])
"""


def run(vzsh, folder, code, *args):
    with open(f"{folder}/run.vz", "w") as f:
        f.write(code)
    done = subprocess.run([vzsh, f"{folder}/run.vz", *args], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())


def scramble(model, seed):
    """Weights and moments of a size that keeps outputs finite and far from constant."""
    random = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, (L.BatchNormalization, L.Normalization)):
            layer.set_weights([
                random.uniform(0.5, 1.5, w.shape) if "variance" in w.name or "gamma" in w.name
                else np.zeros((), np.int32) if w.name == "count" else random.normal(0, 0.1, w.shape) for w in layer.weights])
            if isinstance(layer, L.Normalization):
                layer.finalize_state()
        elif layer.get_weights():
            layer.set_weights([
                random.normal(0, 1 / np.sqrt(max(1, np.prod(w.shape[:-1]))) if w.ndim > 1 else 0.1, w.shape).astype(w.dtype)
                for w in layer.get_weights()])


def main():
    vzsh, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
    os.makedirs(folder, exist_ok=True)
    failed = 0

    def check(name, what, body):
        nonlocal failed
        try:
            value = body()
            good = value < 1e-4
            print(f"{name:16} {what:28} {value:.1e} {'ok' if good else 'TOO FAR'}", flush=True)
        except Exception as error:
            good = False
            print(f"{name:16} {what:28} {error}", flush=True)
        failed += not good

    for name in sys.argv[3:] or MODELS:
        keras.utils.clear_session()
        model = MODELS[name]()
        scramble(model, 1)
        x = np.random.default_rng(2).normal(0, 1, (2, *model.input_shape[1:])).astype(np.float32)
        np.save(f"{folder}/x.npy", x)
        expected = np.asarray(keras.ops.convert_to_numpy(model(x, training=False)))
        whole = f"{folder}/{name}.keras"
        paths = [whole, f"{folder}/{name}.h5"]
        for path in paths:
            model.save(path)
        model.save_weights(f"{folder}/{name}.weights.h5")

        def far():
            ours = np.load(f"{folder}/y.npy").reshape(expected.shape)
            return float(np.abs(ours - expected).max() / np.abs(expected).max())

        def computed(path):
            run(vzsh, folder, COMPUTE, path, f"{folder}/x.npy", f"{folder}/y.npy")
            return far()

        def given():
            run(vzsh, folder, GIVEN, whole, f"{folder}/{name}.weights.h5", f"{folder}/x.npy", f"{folder}/y.npy")
            return far()

        def back(ending):
            """Every bit of the weights that vzsh wrote, in a Keras model that had others."""
            path = f"{folder}/{name}_ours{ending}"
            run(vzsh, folder, WRITE, whole, path)
            other = keras.models.clone_model(model)
            scramble(other, 3)
            other.load_weights(path)
            pairs = list(zip(model.get_weights(), other.get_weights()))
            if not all(a.shape == b.shape and a.tobytes() == b.tobytes() for a, b in pairs):
                raise RuntimeError("other weights")
            again = np.asarray(keras.ops.convert_to_numpy(other(x, training=False)))
            return float(np.abs(again - expected).max() / np.abs(expected).max())

        for path in paths:
            check(name, f"Keras' {os.path.splitext(path)[1]}", lambda: computed(path))
        check(name, "Keras' .weights.h5", given)
        for ending in (".h5", ".weights.h5"):
            check(name, f"Keras loads vzsh's {ending}", lambda: back(ending))
        for file in os.listdir(folder):
            if file.startswith(name):
                os.remove(f"{folder}/{file}")
    sys.exit(failed > 0)


main()
