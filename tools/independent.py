#!/usr/bin/env python3
"""CLIP Surgery in plain numpy and double precision, written from the paper and docs alone, for what the published code cannot do.

    independent.py OUT --merges FILE [--templates FILE] [--arch A] [--seed N] [--size N] [--fit stretch|aspect] [--transposed]
                   [--first-block D] [--exact-gelu] [--head-width N] [--labels TEXT...] [--image FILE] [--compare]

OUT is written like a folder of make_goldens.py (without the drawing), or with --compare held against. It shares no code with
the published implementation nor with this project's C: two texts that agree on what both can do vouch for the rest.
--merges is CLIP's list of BPE merges (plain or gzip). --transposed swaps the picture's axes: a portrait of a landscape.
Needs numpy and Pillow.
"""
import argparse, functools, gzip, math, os, re
import numpy as np
from PIL import Image

import golden_files
import make_model

MEAN = np.array([0.48145466, 0.4578275, 0.40821073])
STD = np.array([0.26862954, 0.26130258, 0.27577711])
COMBINED = "person+bench"


# ------------------------------------------------------------------------------------------------ text

class Tokenizer:
    """CLIP's BPE for plain ASCII texts, which is all that the goldens hold."""

    def __init__(self, path):
        with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as f:
            lines = f.read().split("\n")
        merges = [tuple(l.split()) for l in lines[1:48895]]
        self.rank = {m: i for i, m in enumerate(merges)}
        printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
        symbols = [chr(b) for b in printable] + [chr(256 + i) for i in range(256 - len(printable))]
        vocabulary = symbols + [s + "</w>" for s in symbols] + ["".join(m) for m in merges]
        self.id = {s: i for i, s in enumerate(vocabulary)}
        self.start, self.end = len(vocabulary), len(vocabulary) + 1

    def word(self, w):
        parts = [*w[:-1], w[-1] + "</w>"]
        while len(parts) > 1:
            ranks = [self.rank.get(p, math.inf) for p in zip(parts, parts[1:])]
            at = int(np.argmin(ranks))
            if ranks[at] == math.inf:
                break
            pair = (parts[at], parts[at + 1])
            joined, i = [], 0
            while i < len(parts):
                both = tuple(parts[i:i + 2]) == pair
                joined.append("".join(pair) if both else parts[i])
                i += 2 if both else 1
            parts = joined
        return [self.id[p] for p in parts]

    def __call__(self, text):
        assert text.isascii()
        words = re.findall(r"'s|'t|'re|'ve|'m|'ll|'d|[a-z]+|[0-9]|[^\sa-z0-9]+", " ".join(text.lower().split()))
        return [self.start, *(t for w in words for t in self.word(w)), self.end]


# ------------------------------------------------------------------------------------------------ networks

def layer_norm(x, w, name):
    mean = x.mean(-1, keepdims=True)
    var = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(var + 1e-5) * w[name + ".weight"] + w[name + ".bias"]


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def unit(x):
    return x / np.sqrt((x * x).sum(-1, keepdims=True))


erf = np.vectorize(math.erf, otypes=[float])


class Network:
    def __init__(self, weights, head_width, exact_gelu):
        self.w, self.head_width, self.exact_gelu = weights, head_width, exact_gelu

    def layers(self, tower):
        return sum(k.startswith(tower) and k.endswith("ln_1.weight") for k in self.w)

    def mlp(self, x, block):
        h = x @ self.w[block + "mlp.c_fc.weight"].T + self.w[block + "mlp.c_fc.bias"]
        h = h * (1 + erf(h / math.sqrt(2))) / 2 if self.exact_gelu else h / (1 + np.exp(-1.702 * h))
        return h @ self.w[block + "mlp.c_proj.weight"].T + self.w[block + "mlp.c_proj.bias"]

    def qkv(self, h, block):
        """q, k, v as [..., heads, tokens, head_width]."""
        x = h @ self.w[block + "attn.in_proj_weight"].T + self.w[block + "attn.in_proj_bias"]
        return [np.moveaxis(p.reshape(*p.shape[:-1], -1, self.head_width), -2, -3) for p in np.split(x, 3, -1)]

    def attend(self, a, b, v, block, mask=0.0):
        p = softmax(a @ np.swapaxes(b, -1, -2) / math.sqrt(self.head_width) + mask)
        y = np.moveaxis(p @ v, -3, -2)
        y = y.reshape(*y.shape[:-2], -1)
        return y @ self.w[block + "attn.out_proj.weight"].T + self.w[block + "attn.out_proj.bias"]

    def text(self, ids):
        """[prompts, tokens] of equal length, the end token last -> [prompts, C]."""
        n = ids.shape[1]
        x = self.w["token_embedding.weight"][ids] + self.w["positional_embedding"][:n]
        mask = np.triu(np.full((n, n), -np.inf), 1)
        for i in range(self.layers("transformer.")):
            b = f"transformer.resblocks.{i}."
            q, k, v = self.qkv(layer_norm(x, self.w, b + "ln_1"), b)
            x = x + self.attend(q, k, v, b, mask)
            x = x + self.mlp(layer_norm(x, self.w, b + "ln_2"), b)
        return layer_norm(x[:, -1], self.w, "ln_final") @ self.w["text_projection"]

    def image(self, pixels, first_block):
        """[h, w, 3] bytes -> all tokens [1 + gh * gw, C], normalised; first_block None: CLIP as it is."""
        conv = self.w["visual.conv1.weight"]
        p = conv.shape[-1]
        gh, gw = pixels.shape[0] // p, pixels.shape[1] // p
        x = (pixels / 255.0 - MEAN) / STD
        x = x.reshape(gh, p, gw, p, 3).transpose(0, 2, 4, 1, 3).reshape(gh * gw, -1) @ conv.reshape(conv.shape[0], -1).T
        pos = self.w["visual.positional_embedding"]
        side = math.isqrt(len(pos) - 1)
        grid = bilinear(pos[1:].reshape(side, side, -1), gh, gw).reshape(gh * gw, -1)
        x = np.concatenate([self.w["visual.class_embedding"][None] + pos[:1], x + grid])
        x = layer_norm(x, self.w, "visual.ln_pre")
        new = None
        for i in range(self.layers("visual.")):
            b = f"visual.transformer.resblocks.{i}."
            q, k, v = self.qkv(layer_norm(x, self.w, b + "ln_1"), b)
            if first_block is not None and i + 1 >= first_block:
                new = (x if new is None else new) + self.attend(v, v, v, b)
            x = x + self.attend(q, k, v, b)
            x = x + self.mlp(layer_norm(x, self.w, b + "ln_2"), b)
        if new is not None:
            x = np.concatenate([x[:1], new[1:]])
        return unit(layer_norm(x, self.w, "visual.ln_post") @ self.w["visual.proj"])


def ensemble(network, tokenizer, templates, text):
    by_length = {}
    for t in templates:
        ids = tokenizer(t.replace("{}", text))
        by_length.setdefault(len(ids), []).append(ids)
    each = np.concatenate([unit(network.text(np.array(ids))) for ids in by_length.values()])
    return unit(each.mean(0))


# ------------------------------------------------------------------------------------------------ maps

def axis_weights(n_in, n_out):
    """Bilinear with align_corners=False and without antialiasing, as a matrix [n_out, n_in]."""
    m = np.zeros((n_out, n_in))
    for i in range(n_out):
        at = max((i + 0.5) * n_in / n_out - 0.5, 0.0)
        low = min(int(at), n_in - 1)
        high = min(low + 1, n_in - 1)
        m[i, low] += 1 - (at - low)
        m[i, high] += at - low
    return m


def bilinear(x, h, w):
    x = np.tensordot(axis_weights(x.shape[0], h), x, (1, 0))
    return np.moveaxis(np.tensordot(axis_weights(x.shape[1], w), x, (1, 1)), 0, 1)


def min_max(x):
    return (x - x.min(0)) / (x.max(0) - x.min(0))


def set_surgery(s):
    w = softmax(2 * s[0])
    w = w / w.mean()
    return w * s - (w * s).mean(1, keepdims=True)


def points(cells, grid, shape):
    """The k highest, ascending by value, and the k lowest: two lists of [x, y] in pixels."""
    h, w = grid[0] // 2, grid[1] // 2
    m = min_max(bilinear(cells.reshape(grid), h, w).reshape(-1))
    k = min(int((m >= 0.8).sum()), h * w // 2)
    order = np.argsort(m, kind="stable")

    def pixel(i):
        x, y = (i % w + 0.5) * shape[1] / w, (i // w + 0.5) * shape[0] / h
        return [int(min(x, shape[1] - 1)), int(min(y, shape[0] - 1))]
    return [pixel(i) for i in order[len(order) - k:]], [pixel(i) for i in order[:k]]


def listed(*groups):
    return {"points": [p for _, ps in groups for p in ps], "labels": [l for l, ps in groups for _ in ps]}


# ------------------------------------------------------------------------------------------------ figures

def input_size(a, picture, patch):
    if a.fit == "stretch":
        return a.size, a.size
    short, long = sorted(picture.size)
    far = max(1, math.floor(a.size * long / short / patch + 0.5)) * patch
    return (far, a.size) if picture.width >= picture.height else (a.size, far)


def compute(a):
    weights = {k: np.asarray(v, np.float64) for k, v in make_model.tensors(a.arch, a.seed)}
    network = Network(weights, a.head_width, a.exact_gelu)
    tokenizer = Tokenizer(a.merges)
    with open(a.templates, encoding="utf-8") as f:
        templates = [l.rstrip("\r\n") for l in f if l.strip()]
    feature = functools.partial(ensemble, network, tokenizer, templates)

    picture = Image.open(a.image).convert("RGB")
    if a.transposed:
        picture = picture.transpose(Image.Transpose.TRANSPOSE)
    shape = (picture.height, picture.width)
    patch = weights["visual.conv1.weight"].shape[-1]
    first_block = a.first_block or max(1, network.layers("visual.") - 5)
    resized = np.asarray(picture.resize(input_size(a, picture, patch), Image.Resampling.BICUBIC))
    grid = (resized.shape[0] // patch, resized.shape[1] // patch)

    texts = np.stack([feature(t) for t in a.labels])
    redundant = feature("")
    raw, surgery = network.image(resized, None), network.image(resized, first_block)
    s_set = set_surgery(surgery @ texts.T)
    single = (surgery @ np.stack([feature(t) - redundant for t in COMBINED.split("+")]).T)[1:]
    mean = min_max(single).mean(1)

    about = {"arch": a.arch, "seed": a.seed, "model_sha256": make_model.sha256(a.arch, a.seed), "size": a.size, "labels": a.labels,
             "image_size": list(picture.size), "token_step": 1, "fit": a.fit, "transposed": a.transposed,
             "first_block": first_block, "exact_gelu": a.exact_gelu, "head_width": a.head_width, "grid": [grid[1], grid[0]], "points": {}}
    for i, t in enumerate(a.labels):
        high, low = points(s_set[1:, i], grid, shape)
        about["points"][t] = listed((1, high), (0, low))
    high = [(1, points(c, grid, shape)[0]) for c in single.T]
    about["combined"] = {"text": COMBINED} | listed((0, points(mean, grid, shape)[1]), *high)
    return {
        "golden.json": about, "resized.png": resized, "text_features.npy": texts, "redundant_features.npy": redundant,
        "raw_tokens.npy": raw, "surgery_tokens.npy": surgery, "raw_similarity.npy": raw @ texts.T,
        "architecture_similarity.npy": surgery @ texts.T, "surgery_similarity.npy": s_set,
        "surgery_similarity_empty.npy": surgery @ (texts - redundant).T, "combined_sm_mean.npy": mean,
        "map_first_label_quarter.npy": bilinear(min_max(s_set[1:, 0]).reshape(grid), *shape)[::4, ::4],
    }


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    ap = argparse.ArgumentParser()
    ap.add_argument("out")
    ap.add_argument("--merges", default=os.path.join(root, "assets", "clip-bpe", "merges.txt"))
    ap.add_argument("--templates", default=os.path.join(root, "assets", "templates.txt"))
    ap.add_argument("--arch", default="mini", choices=make_model.ARCHS)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--size", type=int, default=112)
    ap.add_argument("--fit", default="stretch", choices=("stretch", "aspect"))
    ap.add_argument("--transposed", action="store_true")
    ap.add_argument("--first-block", type=int, default=0, help="counted from 1; 0: the last six")
    ap.add_argument("--exact-gelu", action="store_true")
    ap.add_argument("--head-width", type=int, default=64)
    ap.add_argument("--labels", nargs="+", default=["dog", "bench", "person"])
    ap.add_argument("--image", default=os.path.join(root, "tests", "golden", "bench.png"))
    ap.add_argument("--compare", action="store_true")
    a = ap.parse_args()
    figures = compute(a)
    if a.compare:
        raise SystemExit(1 if golden_files.compare(figures, a.out) > 1e-4 else 0)
    golden_files.write(figures, a.out)


if __name__ == "__main__":
    main()
