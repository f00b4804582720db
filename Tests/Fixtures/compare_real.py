#!/usr/bin/env python3
"""Compares vzsh with PyTorch and ONNX Runtime on real weights, pictures and sounds.

    compare_real.py VZSH DATA FOLDER

DATA has weights/ (VGG16 without its dense layers of Keras, SqueezeNet 1.0 and M5 as ONNX, imagenet_classes.txt),
photos/ with labels.tsv, and speech_commands/WORD/CLIP.flac. Needs torch, h5py and onnxruntime. FOLDER takes the files.
"""
import csv, glob, os, subprocess, sys
import h5py
import numpy as np
import onnxruntime
import torch

vzsh, data, folder = sys.argv[1:4]
os.makedirs(folder, exist_ok=True)
failed = 0


def run(code, *args):
    with open(f"{folder}/run.vz", "w") as f:
        f.write(code)
    done = subprocess.run([vzsh, f"{folder}/run.vz", *args], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def verdict(what, good):
    global failed
    print(f"{what}: {'ok' if good else 'WRONG'}", flush=True)
    failed += not good


def vgg16():
    """Every layer's activations on three photos."""
    path = f"{data}/weights/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    for photo in sorted(glob.glob(f"{data}/photos/*.jpg"))[::13][:3]:
        run("""
net = load(args[0])
a = activations(net, args[1])
save(a.input, "{args[2]}/input.npy")
for i in 0..<len(net) { save(a[i], "{args[2]}/{i}.npy") }
""", path, photo, folder)
        x = torch.from_numpy(np.load(f"{folder}/input.npy").reshape(1, 224, 224, 3)).permute(0, 3, 1, 2)
        worst, i = 0.0, 0
        with h5py.File(path) as f:
            for block, count in enumerate([2, 2, 3, 3, 3], 1):
                for conv in [f"block{block}_conv{j}" for j in range(1, count + 1)] + [None]:
                    if conv:
                        kernel, bias = [torch.from_numpy(f[conv][n][()]) for n in f[conv].attrs["weight_names"]]
                        x = torch.relu(torch.nn.functional.conv2d(x, kernel.permute(3, 2, 0, 1), bias, padding=1))
                    else:
                        x = torch.nn.functional.max_pool2d(x, 2)
                    ours = torch.from_numpy(np.load(f"{folder}/{i}.npy")).reshape(x.permute(0, 2, 3, 1).shape)
                    theirs = x.permute(0, 2, 3, 1)
                    worst = max(worst, float((ours - theirs).abs().max() / theirs.abs().max()))
                    i += 1
        verdict(f"VGG16 {os.path.basename(photo)}: {i} layers differ by at most {worst:.1e}", worst < 1e-4)


def squeezenet():
    """The photos by predict, as a person would."""
    rows = list(csv.DictReader(open(f"{data}/photos/labels.tsv"), delimiter="\t"))
    out = run("""
net = load(args[0])
for file in args[1..] { print(join([str(p.index) for p in predict(net, file)], " ")) }
""", f"{data}/weights/squeezenet_v1.0.onnx", *[f"{data}/photos/{row['file']}" for row in rows])
    hits = [[int(i) for i in line.split()] for line in out.strip().splitlines()]
    first = sum(int(row["class"]) == h[0] for row, h in zip(rows, hits))
    five = sum(int(row["class"]) in h for row, h in zip(rows, hits))
    verdict(f"SqueezeNet: {first} of {len(rows)} first, {five} among five", five >= 34)


def m5():
    """Real clips at 4 kHz, the same numbers for both."""
    words = sorted(("backward bed bird cat dog down eight five follow forward four go happy house learn left marvin nine no "
                    "off on one right seven sheila six stop three tree two up visual wow yes zero").split())
    clips = [c for c in sorted(glob.glob(f"{data}/speech_commands/*/*.flac")) if c.split("/")[-2] in words][::11]
    with open(f"{folder}/clips.txt", "w") as f:
        f.write("\n".join(clips))
    out = run("""
net = load(args[0])
net.preprocessing = {kind: "audio", rate: 4000}
x = stack([activations(net, path, layers = []).input for path in lines(read_text(args[1]))])
x = reshape(x, [x.shape[0], 4000, 1])
save(x, args[2])
save(net(x), args[3])
""", f"{data}/weights/speech_commands_m5.onnx", f"{folder}/clips.txt", f"{folder}/x.npy", f"{folder}/y.npy")
    x, ours = np.load(f"{folder}/x.npy"), np.load(f"{folder}/y.npy")
    session = onnxruntime.InferenceSession(f"{data}/weights/speech_commands_m5.onnx")
    name = session.get_inputs()[0].name
    theirs = np.stack([session.run(None, {name: c.transpose(1, 0)[None].astype(np.float32)})[0].reshape(-1) for c in x])
    labels = np.array([words.index(c.split("/")[-2]) for c in clips])
    right = [float((y.reshape(len(clips), -1).argmax(1) == labels).mean()) for y in (ours, theirs)]
    worst = float(np.abs(ours.reshape(theirs.shape) - theirs).max() / np.abs(theirs).max())
    verdict(f"M5 on {len(clips)} clips: {right[0]:.4f} right, ONNX Runtime {right[1]:.4f}; outputs differ by at most {worst:.1e}",
            right[0] == right[1] and worst < 1e-4)


squeezenet()
m5()
vgg16()
sys.exit(failed > 0)
