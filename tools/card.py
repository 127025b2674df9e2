#!/usr/bin/env python3
"""Measure the figures of the demo model's card on the pictures that are held out of its training. Needs numpy, Pillow and the built clip-surgeon.

    card.py PHOTOS [-m MODEL] [--size N] [--method LIST] [--speed] [--json]

PHOTOS is a folder in PASCAL VOC's layout, or one that holds voc/. The pictures are those of tools/demo/held_out.txt. Explainability comes from
`clip-surgeon eval`; recognition from the cosines of `clip-surgeon embed`, softmax(100 x) over VOC's 20 classes as `classify --plain` has it:

  top-1           the best class of 20 is in the picture
  mAP of six      cat, dog, horse, cow, sheep, person: mean over the six of the average precision over the pictures
  animal of five  pictures with one kind of these animals: the best of cat, dog, horse, cow, sheep is it
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

from demo import split

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
LABELS = split.read_lines(os.path.join(ROOT, "assets", "labels", "voc20.txt"))
SIX = ("cat", "dog", "horse", "cow", "sheep", "person")
FIVE = SIX[:5]
METHODS = "raw,single,arch,surgery,feature,rclip,maskclip,sclip,clearclip,naclip,gem,gradcam,bimodal,gradeclip"


def run(binary, *words):
    done = subprocess.run([binary, *words], stdout=subprocess.PIPE)
    if done.returncode:
        sys.exit(f"{binary} {words[0]} ended with {done.returncode}")
    return done.stdout


def average_precision(scores, positive):
    ranked = positive[np.argsort(-scores, kind="stable")]
    return float((np.cumsum(ranked) / np.arange(1, len(ranked) + 1))[ranked].mean())


def recognition(features, texts, there):
    """features [N, D] and texts [20, D] of length one, there bool [N, 20] -> figures in parts of 1"""
    logits = 100.0 * features.astype(np.float64) @ texts.T.astype(np.float64)
    scores = np.exp(logits - logits.max(1, keepdims=True))
    scores /= scores.sum(1, keepdims=True)
    known = there.any(1)
    five = [LABELS.index(a) for a in FIVE]
    one = there[:, five].sum(1) == 1
    hit = there[np.arange(len(there)), logits.argmax(1)]
    precision = {name: average_precision(scores[:, LABELS.index(name)], there[:, LABELS.index(name)]) for name in SIX}
    right = there[:, five][one, logits[one][:, five].argmax(1)]
    return {"top1": float(hit[known].mean()), "pictures": int(known.sum()), "ap": precision, "map_of_six": float(np.mean(list(precision.values()))),
            "animal_of_five": float(right.mean()), "animal_pictures": int(one.sum()),
            "animals": {a: float(right[there[one][:, five[i]]].mean()) for i, a in enumerate(FIVE)}}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("photos")
    p.add_argument("-m", "--model", default=os.path.join(ROOT, "assets", "demo-model"))
    p.add_argument("--size", default="192")
    p.add_argument("--first-block")
    p.add_argument("--method", default=METHODS)
    p.add_argument("--limit", type=int, help="the first N pictures of the list")
    p.add_argument("--speed", action="store_true", help="also how many pictures a second eval maps with surgery")
    p.add_argument("--json", action="store_true")
    p.add_argument("--binary", default=os.path.join(ROOT, "build", "clip-surgeon"))
    args = p.parse_args()
    voc = os.path.abspath(os.path.join(args.photos, "voc") if os.path.isdir(os.path.join(args.photos, "voc")) else args.photos)
    names = split.read_list(os.path.join(HERE, "demo", "held_out.txt"))[:args.limit]
    with tempfile.TemporaryDirectory() as work:
        view = os.path.join(work, "held-out")
        os.makedirs(os.path.join(view, "ImageSets", "Segmentation"))
        for folder in ("JPEGImages", "SegmentationClass"):
            os.symlink(os.path.join(voc, folder), os.path.join(view, folder))
        with open(os.path.join(view, "ImageSets", "Segmentation", "held_out.txt"), "w", encoding="utf-8") as f:
            f.write("".join(n + "\n" for n in names))
        common = ["-m", args.model]
        mapping = common + ["--size", args.size] + (["--first-block", args.first_block] if args.first_block else [])
        explain = json.loads(run(args.binary, "eval", view, "--method", args.method, "--json", *mapping))
        paths = [os.path.join(voc, "JPEGImages", n + ".jpg") for n in names]
        features = []
        for i in range(0, len(paths), 64):
            run(args.binary, "embed", "--image", *paths[i:i + 64], "--npy", os.path.join(work, "i.npy"), "-y", "-q", *common)
            features.append(np.load(os.path.join(work, "i.npy")))
        run(args.binary, "embed", "--text", *LABELS, "--npy", os.path.join(work, "t.npy"), "-y", "-q", *common)
        there = np.zeros((len(names), len(LABELS)), bool)
        for i, name in enumerate(names):
            seen = np.unique(Image.open(os.path.join(voc, "SegmentationClass", name + ".png")))
            there[i, [c - 1 for c in seen if 1 <= c <= len(LABELS)]] = True
        figures = {"model": explain["model"], "device": explain["device"], "size": int(args.size), "maps": explain["maps"], **recognition(np.concatenate(features),
                   np.load(os.path.join(work, "t.npy")), there), "methods": explain["methods"]}
        if args.speed:
            took = []
            for limit in ("1", "41"):
                begin = time.monotonic()
                run(args.binary, "eval", view, "--method", "surgery", "--limit", limit, "--json", "-q", *mapping)
                took.append(time.monotonic() - begin)
            figures["pictures_per_second"] = 40 / (took[1] - took[0])
    if args.json:
        print(json.dumps(figures, indent=1))
        return
    print(f"{figures['model']['name']} ({figures['model']['sha256']}) on {figures['device']}, {args.size} px, {len(names)} held-out pictures, "
          f"{figures['maps']} maps\n")
    print("| method | mIoU | mSC | seg mIoU | mAP |\n| --- | --- | --- | --- | --- |")
    for m in figures["methods"]:
        print(f"| {m['method']} | {m['miou']:.1f} | {m['msc']:.1f} | {m['segmentation_miou']:.1f} | {m['map']:.1f} |")
    print("\n| recognition | |\n| --- | --- |")
    print(f"| top-1 of 20 classes | {100 * figures['top1']:.0f} % of {figures['pictures']} |")
    print(f"| mAP of six | {figures['map_of_six']:.2f} (" + ", ".join(f"{k} {v:.2f}" for k, v in figures["ap"].items()) + ") |")
    print(f"| animal of five | {100 * figures['animal_of_five']:.0f} % of {figures['animal_pictures']} (" +
          ", ".join(f"{k} {100 * v:.0f}" for k, v in figures["animals"].items()) + ") |")
    if args.speed:
        print(f"| pictures a second | {figures['pictures_per_second']:.0f} |")


if __name__ == "__main__":
    main()
