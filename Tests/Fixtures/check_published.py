#!/usr/bin/env python3
"""Compares what `fetch` knows with what the makers of the files publish: names, addresses and checksums.

    check_published.py

Needs keras and torchvision installed: their own sources name the files and their checksums. What neither names
must be among the known ones below. Ends with status 1 where something differs.
"""
import importlib.util, os, re, sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
# Speech Commands: its SHA-256 as TensorFlow Datasets and torchaudio publish it.
KNOWN = {"af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58"}


def sources(package, *files):
    folder = os.path.dirname(importlib.util.find_spec(package).origin)
    return "\n".join(open(os.path.join(folder, f)).read() for f in files)


keras = sources("keras", *[f"src/applications/{f}.py" for f in ("vgg16", "vgg19", "imagenet_utils")])
torch = sources("torchvision", *[f"models/{f}.py" for f in ("vgg", "alexnet", "squeezenet", "resnet", "mobilenetv2")])
ours = open(f"{ROOT}/Sources/Formats/Published.swift").read()
wrong = 0


def check(what, good):
    global wrong
    print(f"{what}: {'ok' if good else 'NOT SO PUBLISHED'}")
    wrong += not good


digits = set(re.findall(r'"([0-9a-f]{32}|[0-9a-f]{64})"', ours))
for sum in sorted(digits):
    check(f"checksum {sum}", sum in KNOWN or f'"{sum}"' in keras)
for name, end in re.findall(r'torchvision\("([a-z0-9_]+)", "([a-z0-9-]+)"', ours):
    check(f"{name}-{end}.pth", f"https://download.pytorch.org/models/{name}-{end}.pth" in torch)
folder = re.search(r'keras = "([^"]+)"', ours).group(1)
for depth, top, sum in re.findall(r'kerasVGG\((\d+), top: (\w+), "([0-9a-f]+)"', ours):
    name = f"vgg{depth}_weights_tf_dim_ordering_tf_kernels{'' if top == 'true' else '_notop'}.h5"
    near = re.search(rf'get_file\(\s*"{name}".*?file_hash="([0-9a-f]+)"', keras, re.S)
    check(f"{name} {sum}", f"{folder}vgg{depth}/{name}" in re.sub(r'"\s*"', "", keras) and near and near.group(1) == sum)
classes = re.search(r'"(https://[^"]+imagenet_class_index.json)"', ours).group(1)
check(classes, classes in re.sub(r'"\s*"', "", keras))
sys.exit(wrong > 0)
