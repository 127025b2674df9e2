"""Photographs with masks in memory, and the crops and composites that training sees.

A sample is a picture u8 [R, R, 3] and class indices u8 [R/4, R/4] (a quarter of the side is enough for presence and patches).
"""
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


def lookup(names):
    """Index of a mask -> index of CLASSES; what has no name is background at 0 of VOC's list and void elsewhere."""
    table = np.full(256, VOID, np.uint8)
    for i, name in enumerate(names):
        table[i] = CLASS.get(name, BACKGROUND)
    return table


def read_pairs(images, masks, names, table, short_side):
    """[(rgb, classes)], shrunk to a short side so that large originals cost no more than they show at training size."""
    pairs = []
    for name in names:
        path = next(p for p in (os.path.join(images, name + e) for e in (".jpg", ".png")) if os.path.exists(p))
        rgb = cv2.imread(path)[:, :, ::-1]
        mask = table[np.array(Image.open(os.path.join(masks, name + ".png")))]
        shrink = short_side / min(mask.shape)
        if shrink < 1:
            side = (round(mask.shape[1] * shrink), round(mask.shape[0] * shrink))
            rgb, mask = cv2.resize(rgb, side, interpolation=cv2.INTER_AREA), cv2.resize(mask, side, interpolation=cv2.INTER_NEAREST)
        pairs.append((np.ascontiguousarray(rgb), mask))
    return pairs


def load(photos, held_out, short_side=240):
    """(VOC pairs without the held-out names, CamVid pairs if there are some). `photos` is a VOC folder or holds one as voc/."""
    voc = os.path.join(photos, "voc") if os.path.isdir(os.path.join(photos, "voc")) else photos
    names = split.training(voc, held_out)
    pairs = read_pairs(os.path.join(voc, "JPEGImages"), os.path.join(voc, "SegmentationClass"), names, lookup(words.VOC), short_side)
    streets, camvid = [], os.path.join(photos, "camvid")
    if os.path.isdir(camvid):
        names = sorted(f[:-4] for f in os.listdir(os.path.join(camvid, "masks")))
        streets = read_pairs(os.path.join(camvid, "images"), os.path.join(camvid, "masks"), names, lookup(words.CAMVID), short_side)
    return pairs, streets


class Sampler:
    """Draws samples; the same random.Random gives the same ones."""

    # How often a class is asked for first. What is not named shares what is left.
    SHARES = {**{a: 0.13 for a in words.ANIMALS}, "person": 0.10}

    def __init__(self, pairs, streets):
        self.pairs, self.streets = pairs, streets
        self.having = {}
        for i, (_, mask) in enumerate(pairs):
            count = np.bincount(mask.ravel(), minlength=256)
            for c in np.flatnonzero(count[:SHAPE_BASE] > 0.01 * mask.size):
                self.having.setdefault(int(c), []).append(i)
        shares = {c: self.SHARES.get(words.CLASSES[c], 0) for c in self.having}
        rest = [c for c, share in shares.items() if not share]
        for c in rest:  # by the root of how many there are: rare classes would else be learned by heart
            shares[c] = (1 - sum(self.SHARES.values())) * len(self.having[c]) ** 0.5 / sum(len(self.having[r]) ** 0.5 for r in rest)
        self.classes, self.weights = zip(*sorted(shares.items()))

    def window(self, rng, mask, wanted):
        """Top, left, height, width of a crop; around a pixel of the wanted class mostly, so that it is in it."""
        h, w = mask.shape
        for _ in range(10):
            area, aspect = rng.uniform(0.1, 1) * h * w, np.exp(rng.uniform(-0.35, 0.35))
            ch, cw = int((area / aspect) ** 0.5), int((area * aspect) ** 0.5)
            if ch <= h and cw <= w:
                break
        else:
            ch, cw = min(h, w), min(h, w)
        if wanted is not None and rng.random() < 0.75:
            for _ in range(8):
                y, x = rng.randrange(h), rng.randrange(w)
                if mask[y, x] == wanted:
                    return (min(max(int(y - rng.random() * ch), 0), h - ch), min(max(int(x - rng.random() * cw), 0), w - cw), ch, cw)
        return rng.randint(0, h - ch), rng.randint(0, w - cw), ch, cw

    def crop(self, rng, pair, side, wanted=None):
        rgb, mask = pair
        y, x, h, w = self.window(rng, mask, wanted)
        rgb = cv2.resize(rgb[y:y + h, x:x + w], (side, side), interpolation=cv2.INTER_AREA if h > side and w > side else cv2.INTER_LINEAR)
        mask = cv2.resize(mask[y:y + h, x:x + w], (side, side), interpolation=cv2.INTER_NEAREST)
        return (rgb[:, ::-1], mask[:, ::-1]) if rng.random() < 0.5 else (rgb, mask)

    def photo(self, rng, side):
        if self.streets and rng.random() < 0.08:
            return self.crop(rng, rng.choice(self.streets), side)
        c = rng.choices(self.classes, self.weights)[0]
        return self.crop(rng, self.pairs[rng.choice(self.having[c])], side, c)

    def paste(self, rng, below, side):
        """Another picture's objects over this one, their edge one pixel soft."""
        rgb, mask = below
        over, over_mask = self.photo(rng, side)
        share = float((over_mask < SHAPE_BASE).mean())
        if not 0.04 < share < 0.6:
            return below
        soft = cv2.GaussianBlur((over_mask < SHAPE_BASE).astype(np.float32), (3, 3), 0)[..., None]
        return (rgb * (1 - soft) + over * soft).astype(np.uint8), np.where(over_mask < SHAPE_BASE, over_mask, mask)

    def sample(self, rng, side):
        """(rgb, classes at a quarter of the side, attributes of a generated scene or None)"""
        if rng.random() < 0.06:
            rgb, mask, said = scenes.scene(rng, side, SHAPE_BASE, BACKGROUND)
        else:
            (rgb, mask), said = self.photo(rng, side), None
            if rng.random() < 0.35:
                rgb, mask = self.paste(rng, (rgb, mask), side)
        return rgb, mask[2::4, 2::4], said

    def batch(self, seed, step, count, side):
        rng = random.Random(seed * 1_000_003 + step)
        samples = [self.sample(rng, side) for _ in range(count)]
        return np.stack([s[0] for s in samples]), np.stack([s[1] for s in samples]), [s[2] for s in samples]
