"""Which pictures are trained on, and which never."""
import os


def read_list(path):
    with open(path, encoding="utf-8") as f:
        return [line.split()[0] for line in f if line.strip()]


def read_lines(path):
    """The lines of a label set, without comments."""
    with open(path, encoding="utf-8") as f:
        return [line.strip() for line in f if line.strip() and not line.startswith("#")]


def every_tenth(names):
    return sorted(names)[9::10]


def voc_names(folder):
    """Every picture of a folder in VOC's layout: those of its list `train` if there is one, else all that have a mask."""
    path = os.path.join(folder, "ImageSets", "Segmentation", "train.txt")
    if os.path.exists(path):
        return sorted(read_list(path))
    return sorted(f[:-4] for f in os.listdir(os.path.join(folder, "SegmentationClass")) if f.endswith(".png"))


def training(folder, held_out):
    held_out = set(held_out)
    return [name for name in voc_names(folder) if name not in held_out]
