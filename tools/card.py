#!/usr/bin/env python3
"""Measure the figures of the demo model's card on the pictures that are held out of its training. Needs numpy, Pillow and the built clip-surgeon.

    card.py PHOTOS [-m MODEL] [--card] [--size N] [--pyramid K] [--fit NAME] [--first-block D] [--method LIST] [--json]

PHOTOS is a folder in PASCAL VOC's layout, or one that holds voc/. The pictures are those of tools/demo/held_out.txt. --card prints all that
assets/demo-model/README.md states, in its words. Explainability comes from `clip-surgeon eval`, maps a second from `clip-surgeon bench`
(encoding and the map of one text); recognition from `clip-surgeon classify --plain`, the softmax over VOC's 20 classes at the model's own logit scale:

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

import numpy as np
from PIL import Image

from demo import split

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
LABELS = split.read_lines(os.path.join(ROOT, "assets", "labels", "voc20.txt"))
SIX = ("cat", "dog", "horse", "cow", "sheep", "person")
FIVE = SIX[:5]
# The rows of the card: size, sizes in all, shape, first block (None: the default), methods.
CARD = ((192, 1, "stretch", None, "raw,single,arch,surgery"), (240, 1, "stretch", None, "surgery"),
        (240, 1, "stretch", 2, "raw,single,arch,surgery,naclip,maskclip,clearclip"), (320, 1, "stretch", 2, "raw,surgery"),
        (352, 1, "stretch", 2, "surgery"), (352, 1, "aspect", 2, "raw,surgery"), (480, 5, "aspect", 2, "raw,surgery"))
RECOGNITION_PX = (192, 320)
BY_BLOCK = ("single", "arch", "surgery")  # which the first block changes
METHODS = "raw,single,arch,surgery,feature,rclip,maskclip,sclip,clearclip,naclip,gem,gradcam,bimodal,gradeclip"


def run(binary, *words):
    done = subprocess.run([binary, *words], stdout=subprocess.PIPE)
    if done.returncode:
        sys.exit(f"{binary} {words[0]} ended with {done.returncode}")
    return done.stdout


def average_precision(scores, positive):
    ranked = positive[np.argsort(-scores, kind="stable")]
    return float((np.cumsum(ranked) / np.arange(1, len(ranked) + 1))[ranked].mean())


def recognition(scores, there):
    """scores [N, 20], there bool [N, 20] -> figures in parts of 1"""
    known = there.any(1)
    five = [LABELS.index(a) for a in FIVE]
    one = there[:, five].sum(1) == 1
    hit = there[np.arange(len(there)), scores.argmax(1)]
    precision = {name: average_precision(scores[:, LABELS.index(name)], there[:, LABELS.index(name)]) for name in SIX}
    right = there[:, five][one, scores[one][:, five].argmax(1)]
    return {"top1": float(hit[known].mean()), "pictures": int(known.sum()), "ap": precision, "map_of_six": float(np.mean(list(precision.values()))),
            "animal_of_five": float(right.mean()), "animal_pictures": int(one.sum()),
            "animals": {a: float(right[there[one][:, five[i]]].mean()) for i, a in enumerate(FIVE)}}


def explain(args, view, size, sizes, fit, first_block, methods):
    block = ["--first-block", str(first_block)] if first_block else []
    return json.loads(run(args.binary, "eval", view, "--method", methods, "--size", str(size), "--pyramid", str(sizes), "--fit", fit, *block, "--json",
                          "-m", args.model))


def maps_per_second(args, size, first_block, work):
    with open(os.path.join(work, "one.txt"), "w", encoding="utf-8") as f:
        f.write("dog\n")
    words = ["--size", str(size), *(["--first-block", str(first_block)] if first_block else []), "--labels", f.name, "--no-reference"]
    bench = json.loads(run(args.binary, "bench", "-m", args.model, *words, "--json", "-q"))
    return 1e3 / (bench["encode_ms"]["median"] + bench["map_ms"])


def present(voc, names):
    """Which classes the masks have, bool [N, 20]."""
    there = np.zeros((len(names), len(LABELS)), bool)
    for i, name in enumerate(names):
        seen = np.unique(Image.open(os.path.join(voc, "SegmentationClass", name + ".png")))
        there[i, [c - 1 for c in seen if 1 <= c <= len(LABELS)]] = True
    return there


def recognise(args, voc, names, there, work, size):
    """Figures of `recognition` of the pictures at that size."""
    folder = os.path.join(work, f"pictures-{size}")
    os.makedirs(folder)
    for n in names:
        os.symlink(os.path.join(voc, "JPEGImages", n + ".jpg"), os.path.join(folder, n + ".jpg"))
    said = json.loads(run(args.binary, "classify", folder, *LABELS, "--top", str(len(LABELS)), "--plain", "--size", str(size), "--json", "-q", "-m", args.model))
    scores = np.zeros((len(names), len(LABELS)))
    for picture in said["pictures"]:
        row = names.index(os.path.splitext(os.path.basename(picture["picture"]))[0])
        for label in picture["labels"]:
            scores[row, label["index"]] = label["score"]
    return recognition(scores, there)


def print_recognition(figures, size):
    print(f"\n| recognition at {size} px | |\n| --- | --- |")
    print(f"| top-1 of 20 classes | {100 * figures['top1']:.0f} % of {figures['pictures']} |")
    print(f"| mAP of six | {figures['map_of_six']:.2f} (" + ", ".join(f"{k} {v:.2f}" for k, v in figures["ap"].items()) + ") |")
    print(f"| animal of five | {100 * figures['animal_of_five']:.0f} % of {figures['animal_pictures']} (" +
          ", ".join(f"{k} {100 * v:.0f} %" for k, v in figures["animals"].items()) + ") |")


def print_card(args, view, work):
    print("| method | size, first block | mIoU | mSC |\n| --- | --- | --- | --- |")
    for size, sizes, fit, first_block, methods in CARD:
        for m in explain(args, view, size, sizes, fit, first_block, methods)["methods"]:
            whole = f"{sizes} sizes up to " if sizes > 1 else ""
            shape = ", the picture's shape" if fit == "aspect" else ""
            block = (f", from block {first_block}" if first_block else ", last six") if m["method"] in BY_BLOCK else ""
            print(f"| {m['method']} | {whole}{size} px{shape}{block} | {m['miou']:.1f} | {m['msc']:.1f} |", flush=True)
    for size, first_block in ((192, None), (240, 2), (320, 2), (352, 2)):
        rate = maps_per_second(args, size, first_block, work)
        print(f"\nMaps a second at {size} px, {'from block %d' % first_block if first_block else 'last six'}: {rate:.0f}")


def print_one(args, explained, figures):
    print(f"{explained['model']['name']} ({explained['model']['sha256']}) on {explained['device']}, {args.size} px, "
          f"{explained['maps']} maps\n")
    print("| method | mIoU | mSC | seg mIoU | mAP |\n| --- | --- | --- | --- | --- |")
    for m in explained["methods"]:
        print(f"| {m['method']} | {m['miou']:.1f} | {m['msc']:.1f} | {m['segmentation_miou']:.1f} | {m['map']:.1f} |")
    print_recognition(figures, args.size)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("photos")
    p.add_argument("-m", "--model", default=os.path.join(ROOT, "assets", "demo-model"))
    p.add_argument("--card", action="store_true", help="all figures of the card; --size, --pyramid, --fit, --first-block and --method are the card's")
    p.add_argument("--size", type=int, default=192)
    p.add_argument("--pyramid", type=int, default=1)
    p.add_argument("--fit", default="stretch")
    p.add_argument("--first-block", type=int)
    p.add_argument("--method", default=METHODS)
    p.add_argument("--limit", type=int, help="the first N pictures of the list")
    p.add_argument("--json", action="store_true", help="without --card")
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
        there = present(voc, names)
        if args.card:
            print_card(args, view, work)
            for size in RECOGNITION_PX:
                print_recognition(recognise(args, voc, names, there, work, size), size)
            return
        figures = recognise(args, voc, names, there, work, args.size)
        explained = explain(args, view, args.size, args.pyramid, args.fit, args.first_block, args.method)
        if args.json:
            print(json.dumps({"model": explained["model"], "device": explained["device"], "size": args.size, "maps": explained["maps"],
                              **figures, "methods": explained["methods"]}, indent=1))
        else:
            print_one(args, explained, figures)


if __name__ == "__main__":
    main()
