"""Generated scenes: one to three coloured shapes or textures on a plain, graded or noisy ground."""
import math

import cv2
import numpy as np

from . import words


def polygon(shape, x, y, r, turn):
    corners = {"triangle": 3, "square": 4, "star": 10, "cross": 12}[shape]
    points = []
    for i in range(corners):
        a = turn + 2 * math.pi * i / corners
        length = r * (0.42 if shape == "star" and i % 2 else 1)
        if shape == "cross":  # four arms: two outer corners, then one inner
            a, length = (turn + math.pi / 2 * (i // 3) + (-0.32, 0.32, math.pi / 4)[i % 3], r * (1, 1, 0.45)[i % 3])
        points.append((x + length * math.cos(a), y + length * math.sin(a)))
    return np.array(points, np.int32)


def stencil(rng, shape, side):
    """Where the shape is painted, and the region that is labelled: for textures the whole patch of it."""
    paint, region = np.zeros((side, side), np.uint8), np.zeros((side, side), np.uint8)
    r = rng.uniform(0.14, 0.42) * side
    x, y = (rng.uniform(0.6 * r, side - 0.6 * r) for _ in range(2))
    if shape == "circle":
        cv2.ellipse(paint, ((x, y), (2 * r, 2 * r * rng.uniform(0.85, 1)), rng.uniform(0, 180)), 1, -1)
    elif shape == "ring":
        cv2.circle(paint, (int(x), int(y)), int(r), 1, max(3, int(r * rng.uniform(0.18, 0.4))))
    elif shape in ("stripes", "checkerboard"):
        v, u = np.mgrid[0:side, 0:side].astype(np.float32)
        turn, period = rng.uniform(0, math.pi), rng.uniform(0.08, 0.2) * side
        a = np.floor((u * math.cos(turn) + v * math.sin(turn)) / period) % 2
        b = np.floor((v * math.cos(turn) - u * math.sin(turn)) / period) % 2
        region[int(max(0, y - 1.3 * r)):int(y + 1.3 * r), int(max(0, x - 1.3 * r)):int(x + 1.3 * r)] = 1
        return ((a if shape == "stripes" else np.logical_xor(a, b)) * region).astype(np.uint8), region
    else:
        cv2.fillPoly(paint, [polygon(shape, x, y, r, rng.uniform(0, 2 * math.pi))], 1)
    return paint, paint


def ground(rng, colour, side):
    a = np.array(colour, np.float32)
    kind = rng.random()
    if kind < 0.4:
        image = np.broadcast_to(a, (side, side, 3))
    elif kind < 0.8:
        b = a + np.array([rng.uniform(-60, 60) for _ in range(3)], np.float32)
        along = np.linspace(0, 1, side, dtype=np.float32)
        along = (along[:, None] if rng.random() < 0.5 else along[None, :]) * np.ones((side, side), np.float32)
        image = a + (b - a) * along[..., None]
    else:
        noise = np.random.default_rng(rng.getrandbits(32)).standard_normal((side // 8, side // 8, 3)).astype(np.float32)
        image = a + cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC) * 18
    return np.array(image)


def scene(rng, side, first_class, background):
    """(rgb, classes, [(colour, shape), ...] of what can still be seen, the ground last with shape None)"""
    colours = rng.sample(list(words.COLOURS), 4)
    image = ground(rng, words.COLOURS[colours[0]], side)
    mask = np.full((side, side), background, np.uint8)
    said = []
    for colour in colours[1:1 + rng.choice((1, 1, 2, 2, 3))]:
        shape = rng.choice(words.SHAPES)
        paint, region = stencil(rng, shape, side)
        tint = np.array([v + rng.uniform(-16, 16) for v in words.COLOURS[colour]], np.float32)
        soft = cv2.GaussianBlur(paint.astype(np.float32), (3, 3), 0)[..., None]
        image = image * (1 - soft) + tint * soft
        mask[region > 0] = first_class + words.SHAPES.index(shape)
        said.append((colour, shape))
    seen = {s for s in range(len(words.SHAPES)) if (mask == first_class + s).mean() > 0.02}
    return image.clip(0, 255).astype(np.uint8), mask, [(c, s) for c, s in said if words.SHAPES.index(s) in seen] + [(colours[0], None)]
