"""What a batch is to show, drawn from random numbers alone: which pictures, which part of them and how it is turned and lit, and the texts.

An order is a dictionary of small arrays; `easel.Easel` carries it out on the device. Rows: first the crops that get another picture's
objects pasted over them, then the other crops, last the generated scenes.
"""
import numpy as np

from . import pictures

PASTED, SCENES, STREETS = 0.4, 0.06, 0.08  # shares of the batch, of the batch, of the crops
POINTS = 64  # places kept of each class of each picture
POWER = 0.6  # how often a class is asked for grows so with the pictures that have it: rare ones would else be learned by heart


class Orders:
    def __init__(self, store, captions, seed, count):
        self.captions, self.seed, self.count = captions, seed, count
        self.photos, self.streets, self.scenes, self.aspect = store.photos, store.streets, store.scenes, store.aspect
        self.pasted, self.painted = round(PASTED * count), round(SCENES * count)
        rng = np.random.default_rng(seed)
        having, self.pairs = {}, set()
        for i in range(store.photos):
            mask = store.classes[i]
            seen = [int(c) for c in np.flatnonzero(np.bincount(mask.ravel(), minlength=256)[:pictures.SHAPE_BASE] > 0.01 * mask.size)]
            self.pairs.update((a, b) for a in seen for b in seen if a < b)
            for c in seen:
                places = np.flatnonzero(mask.ravel() == c)
                places = rng.choice(places, POINTS)
                having.setdefault(c, []).append((i, (np.stack([places // mask.shape[1], places % mask.shape[1]], 1) + 0.5) / mask.shape[0]))
        self.pairs = sorted(self.pairs)
        self.classes = sorted(having)
        share = np.array([len(having[c]) ** POWER for c in self.classes])
        self.share = share / share.sum()
        self.first = np.cumsum([0] + [len(having[c]) for c in self.classes])
        self.row = np.array([i for c in self.classes for i, _ in having[c]])
        self.points = np.stack([p for c in self.classes for _, p in having[c]]).astype(np.float32)

    def windows(self, rng, row, point, smallest):
        """The part of each picture that is shown, [N, 2, 3]: from a crop's place (-1 to 1 right and down, 1) to the picture's."""
        n, aspect = len(row), self.aspect[row].astype(np.float64)
        area, shape = rng.uniform(smallest, 1, (10, n)), np.exp(rng.uniform(-0.35, 0.35, (10, n)))
        h, w = np.sqrt(area * aspect / shape), np.sqrt(area * shape / aspect)
        fits = (h <= 1) & (w <= 1)
        first, fit = fits.argmax(0), fits.any(0)
        h = np.where(fit, h[first, np.arange(n)], np.minimum(1, aspect))
        w = np.where(fit, w[first, np.arange(n)], np.minimum(1, 1 / aspect))
        anywhere = rng.random((2, n))
        at = rng.random((2, n))
        towards = (rng.random(n) < 0.7) & (point[:, 0] >= 0)
        y = np.where(towards, np.clip(point[:, 0] - at[0] * h, 0, 1 - h), anywhere[0] * (1 - h))
        x = np.where(towards, np.clip(point[:, 1] - at[1] * w, 0, 1 - w), anywhere[1] * (1 - w))
        turn = np.where(rng.random(n) < 0.5, rng.normal(0, np.radians(8), n), 0)
        mirror = np.where(rng.random(n) < 0.5, -1, 1)
        c, s = np.cos(turn), np.sin(turn)
        return np.stack([np.stack([w * c * mirror, -s * h / aspect, 2 * x + w - 1], 1),
                         np.stack([s * w * aspect * mirror, h * c, 2 * y + h - 1], 1)], 1).astype(np.float32)

    def crops(self, rng, n, smallest, streets):
        """n pictures' rows and windows: a class first, then a picture that has it, mostly with a place of it in the window."""
        c = rng.choice(len(self.classes), n, p=self.share)
        entry = self.first[c] + (rng.random(n) * (self.first[c + 1] - self.first[c])).astype(np.int64)
        row, point = self.row[entry], self.points[entry, rng.integers(POINTS, size=n)]
        if streets and self.streets:
            other = rng.random(n) < STREETS
            row = np.where(other, self.photos + rng.integers(self.streets, size=n), row)
            point = np.where(other[:, None], -1, point)
        return row, self.windows(rng, row, point, smallest)

    def order(self, step, smallest):
        rng = np.random.default_rng([self.seed, step])
        crops = self.count - self.painted
        row, window = self.crops(rng, crops, smallest, True)
        over, over_window = self.crops(rng, self.pasted, smallest, False)
        scene = rng.integers(self.scenes, size=self.painted)
        sign = np.where(rng.random((2, self.painted)) < 0.5, -1, 1)
        swap, zero = rng.random(self.painted) < 0.5, np.zeros(self.painted)
        upright = np.stack([np.stack([sign[0], zero, zero], 1), np.stack([zero, sign[1], zero], 1)], 1)
        painted = np.where(swap[:, None, None], upright[:, ::-1], upright).astype(np.float32)
        ids, pair, tinted = self.captions.draw(rng, self.pairs, [self.classes, self.share])
        return {"row": np.concatenate([row, self.photos + self.streets + scene]), "window": np.concatenate([window, painted]),
                "over": over, "over_window": over_window, "scene": scene, "light": rng.random((7, crops), np.float32),
                "ids": ids, "pair": pair, "tinted": tinted}
