"""Photographs with masks and generated scenes, all in memory in one square size, so that a batch of crops is a few operations on the device.

The rows of a store are VOC's pictures, then CamVid's, then the scenes. Every row is stretched to EDGE x EDGE; `aspect` is its true width by
height. Planes: red, green, blue and where an object is (0 or 255); `classes` has the class of each pixel.
"""
import mmap
import multiprocessing
import os
import random

import cv2
import numpy as np
from PIL import Image

from . import scenes, split, words

BACKGROUND, VOID = 254, 255
CLASS = {name: i for i, name in enumerate(words.CLASSES)}
SHAPE_BASE = len(words.CLASSES)
N_CLASSES = SHAPE_BASE + len(words.SHAPES)
EDGE = 288
SHORT_SIDE = 240  # larger originals show no more than this at training size
COLOURS = tuple(words.COLOURS)


def lookup(names):
    """Index of a mask -> index of CLASSES; what has no name is background at 0 of VOC's list and void elsewhere."""
    table = np.full(256, VOID, np.uint8)
    for i, name in enumerate(names):
        table[i] = CLASS.get(name, BACKGROUND)
    return table


def read_pair(images, masks, name, table):
    """(rgb, classes), shrunk to SHORT_SIDE where they are larger"""
    path = next(p for p in (os.path.join(images, name + e) for e in (".jpg", ".webp", ".png")) if os.path.exists(p))
    rgb = cv2.imread(path)[:, :, ::-1]
    mask = table[np.array(Image.open(os.path.join(masks, name + ".png")))]
    shrink = SHORT_SIDE / min(mask.shape)
    if shrink < 1:
        side = (round(mask.shape[1] * shrink), round(mask.shape[0] * shrink))
        rgb, mask = cv2.resize(rgb, side, interpolation=cv2.INTER_AREA), cv2.resize(mask, side, interpolation=cv2.INTER_NEAREST)
    return rgb, mask


def said_of(said):
    """[(colour, shape), ...] of a scene -> u8 [colours]: 1 said of a shape, 2 of the ground alone; bool [colours, shapes]"""
    colour, both = np.zeros(len(COLOURS), np.uint8), np.zeros((len(COLOURS), len(words.SHAPES)), bool)
    for name, shape in said:
        c = COLOURS.index(name)
        if shape is None:
            colour[c] = colour[c] or 2
        else:
            colour[c], both[c, words.SHAPES.index(shape)] = 1, True
    return colour, both


def shared(shape, dtype):
    """Memory that forked processes write to together."""
    return np.frombuffer(mmap.mmap(-1, int(np.prod(shape)) * np.dtype(dtype).itemsize), dtype).reshape(shape)


class Store:
    def __init__(self, photos, held_out, seed, scene_count=3000, processes=1, leave_out=()):
        voc = os.path.join(photos, "voc") if os.path.isdir(os.path.join(photos, "voc")) else photos
        camvid = os.path.join(photos, "camvid")
        names = [n for n in split.training(voc, held_out) if n not in set(leave_out)]
        streets = sorted(f[:-4] for f in os.listdir(os.path.join(camvid, "masks"))) if os.path.isdir(camvid) else []
        self.sources = [(os.path.join(voc, "JPEGImages"), os.path.join(voc, "SegmentationClass"), n, lookup(words.VOC)) for n in names]
        self.sources += [(os.path.join(camvid, "images"), os.path.join(camvid, "masks"), n, lookup(words.CAMVID)) for n in streets]
        self.photos, self.streets, self.scenes, self.seed = len(names), len(streets), scene_count, seed
        rows = len(self.sources) + scene_count
        self.planes, self.classes = shared((rows, 4, EDGE, EDGE), np.uint8), shared((rows, EDGE, EDGE), np.uint8)
        self.aspect = shared((rows,), np.float32)
        self.colour, self.both = shared((scene_count, len(COLOURS)), np.uint8), shared((scene_count, len(COLOURS), len(words.SHAPES)), bool)
        workers = [multiprocessing.get_context("fork").Process(target=self.fill, args=(range(i, rows, processes),)) for i in range(1, processes)]
        for w in workers:
            w.start()
        self.fill(range(0, rows, processes))
        for w in workers:
            w.join()
            if w.exitcode:
                raise RuntimeError(f"reading the pictures of {photos} failed")

    def fill(self, rows):
        cv2.setNumThreads(1)
        for row in rows:
            if row < len(self.sources):
                rgb, mask = read_pair(*self.sources[row])
            else:
                i = row - len(self.sources)
                rgb, mask, said = scenes.scene(random.Random(self.seed * 1_000_003 + i), 192, SHAPE_BASE, BACKGROUND)
                self.colour[i], self.both[i] = said_of(said)
            self.aspect[row] = rgb.shape[1] / rgb.shape[0]
            small = min(rgb.shape[:2]) < EDGE
            rgb = cv2.resize(rgb, (EDGE, EDGE), interpolation=cv2.INTER_LINEAR if small else cv2.INTER_AREA)
            self.planes[row, :3] = rgb.transpose(2, 0, 1)
            self.classes[row] = cv2.resize(mask, (EDGE, EDGE), interpolation=cv2.INTER_NEAREST)
            self.planes[row, 3] = np.where(self.classes[row] < SHAPE_BASE, 255, 0)
