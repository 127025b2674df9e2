#!/usr/bin/env python3
"""The goldens of the methods, from their formulas alone (docs/methods.md), with PyTorch in double precision and gradients by autograd.

    method_goldens.py MODEL_FOLDER GOLDEN_FOLDER [--write [NAME...]]

MODEL_FOLDER is what make_model.py wrote (with --explain, else there is no eclip). Reads resized.png and text_features.npy of the golden folder, whose picture has the model's
native size, and bench.png beside the folder; prints for each method how far methods/NAME.npy is from what comes out here, in parts of each map's range, or with
--write writes the files, all or the named ones. Needs torch, numpy and Pillow.
"""
import json, os, struct, sys
import numpy as np
import torch
from PIL import Image

F = torch.nn.functional


def load(folder):
    with open(os.path.join(folder, "open_clip_model.safetensors"), "rb") as f:
        data = f.read()
    (head,) = struct.unpack("<Q", data[:8])
    tensors = {}
    for name, about in json.loads(data[8:8 + head]).items():
        if name != "__metadata__":
            begin, end = about["data_offsets"]
            array = np.frombuffer(data[8 + head + begin:8 + head + end], {"F32": np.float32, "F16": np.float16}[about["dtype"]])
            tensors[name] = torch.tensor(array.reshape(about["shape"]).astype(np.float64))
    return tensors


class Tower:
    def __init__(self, folder, picture):
        self.folder, self.t = folder, load(folder)
        self.width = self.t["visual.class_embedding"].shape[0]
        self.heads, self.layers = self.width // 64, len([n for n in self.t if n.startswith("visual.") and n.endswith("ln_1.weight")])
        patch = self.t["visual.conv1.weight"].shape[-1]
        pixels = (np.asarray(picture.convert("RGB"), np.float64) / 255 - [0.48145466, 0.4578275, 0.40821073]) / [0.26862954, 0.26130258, 0.27577711]
        self.pixels, self.grid = torch.tensor(pixels).permute(2, 0, 1), picture.width // patch
        self.shape = picture.height // patch, self.grid
        self.start = self.embed(self.pixels)

    def embed(self, pixels):
        x = F.conv2d(pixels[None], self.t["visual.conv1.weight"], stride=self.t["visual.conv1.weight"].shape[-1])
        places = self.t["visual.positional_embedding"]
        side = int((len(places) - 1) ** 0.5)
        if self.shape != (side, side):
            grid = F.interpolate(places[1:].T.reshape(1, -1, side, side), self.shape, mode="bilinear")
            places = torch.cat([places[:1], grid[0].flatten(1).T])
        x = torch.cat([self.t["visual.class_embedding"][None], x.flatten(2)[0].T]) + places
        return self.norm(x, "visual.ln_pre")

    def norm(self, x, name):
        return F.layer_norm(x, (x.shape[-1],), self.t[name + ".weight"], self.t[name + ".bias"], 1e-5)

    def linear(self, x, name):
        return x @ self.t[name + ".weight"].T + self.t[name + ".bias"]

    def name(self, b):
        return f"visual.transformer.resblocks.{b}."

    def qkv(self, h, b):
        return (h @ self.t[self.name(b) + "attn.in_proj_weight"].T + self.t[self.name(b) + "attn.in_proj_bias"]).chunk(3, -1)

    def split(self, x, heads):
        return x.reshape(x.shape[0], heads, -1).transpose(0, 1)

    def join(self, x):
        return x.transpose(0, 1).reshape(x.shape[1], -1)

    def out(self, x, b):
        return self.linear(x, self.name(b) + "attn.out_proj")

    def ffn(self, x, b):
        m = self.linear(self.norm(x, self.name(b) + "ln_2"), self.name(b) + "mlp.c_fc")
        return x + self.linear(m * torch.sigmoid(1.702 * m), self.name(b) + "mlp.c_proj")

    def block(self, x, b, heads=None, kept=None):
        """CLIP's own block; what the gradients want is kept."""
        heads = heads or self.heads
        h = self.norm(x, self.name(b) + "ln_1")
        if kept is not None and not h.requires_grad:
            h.requires_grad_()
        q, k, v = self.qkv(h, b)
        qh, kh, vh = (self.split(t, heads) for t in (q, k, v))
        a = torch.softmax(qh @ kh.transpose(1, 2) * qh.shape[-1] ** -0.5, -1)
        o = self.join(a @ vh)
        if kept is not None:
            kept.update(h=h, q=q, k=k, v=v, a=a, o=o)
            for t in (h, a, o):
                t.retain_grad()
        return self.ffn(x + self.out(o, b), b)

    def features(self, x, proj="visual.proj"):
        return F.normalize(self.norm(x, "visual.ln_post") @ self.t[proj], dim=-1)

    def before(self, b):
        x = self.start
        for i in range(b):
            x = self.block(x, i)
        return x


def changed(tower, b, x, form):
    """out(what `form` attends to) in block b from CLIP's own x."""
    h = tower.norm(x, tower.name(b) + "ln_1")
    q, k, v = (tower.split(t, tower.heads) for t in tower.qkv(h, b))
    return tower.out(tower.join(form(h, q, k, v)), b)


def self_attention(p, scale, bias=0):
    return torch.softmax(p @ p.transpose(1, 2) * scale + bias, -1)


def gem(h, q, k, v):
    t, total = q.shape[-1] ** -0.5 * h.norm(dim=-1).mean(), 0
    for p in (q, k, v):
        p = F.normalize(p, dim=-1)
        p = F.normalize(self_attention(p, t) @ p, dim=-1)
        total = total + self_attention(p, t) @ v
    return total / 3


def gauss(tower, std=5):
    at = torch.arange(tower.grid ** 2)
    d = ((at[:, None] % tower.grid - at % tower.grid) ** 2 + (at[:, None] // tower.grid - at // tower.grid) ** 2).double()
    bias = torch.zeros(len(at) + 1, len(at) + 1, dtype=torch.float64)
    bias[1:, 1:] = torch.exp(-d / (2 * std ** 2))
    return bias


def surgery(cls, similarity):
    """Feature surgery of similarities [patches, texts] with those of CLS."""
    p = torch.softmax(2 * cls, -1)
    p = p / p.mean()
    return p * similarity - (p * similarity).mean(-1, keepdim=True)


def arch(tower):
    """The tokens of CLIP's own path, and of the second one."""
    x = y = tower.before(max(tower.layers - 6, 0))
    for b in range(max(tower.layers - 6, 0), tower.layers):
        x, y = tower.block(x, b), y + changed(tower, b, x, lambda h, q, k, v: self_attention(v, 64 ** -0.5) @ v)
    return tower.features(x), tower.features(y)


def plain(tower, texts):
    """The methods without gradients: similarities of the patches."""
    first, last, s = max(tower.layers - 6, 0), tower.layers - 1, 64 ** -0.5
    vv = lambda h, q, k, v: self_attention(v, s) @ v
    x, y, z, w = tower.before(first), tower.before(first), tower.before(first), tower.before(first)
    for b in range(first, tower.layers):
        y, z = y + changed(tower, b, x, vv), z + changed(tower, b, x, gem)
        w = tower.ffn(w + changed(tower, b, w, vv), b)
        x = tower.block(x, b)
    into, bias = tower.before(last), gauss(tower)
    sclip = lambda h, q, k, v: (self_attention(q, s) + self_attention(k, s)) @ v
    tokens = {"raw": x, "arch": y, "gem": z, "single": w,
              "maskclip": changed(tower, last, into, lambda h, q, k, v: v),
              "sclip": tower.ffn(into + changed(tower, last, into, sclip), last),
              "clearclip": changed(tower, last, into, lambda h, q, k, v: self_attention(q, s) @ v),
              "naclip": changed(tower, last, into, lambda h, q, k, v: self_attention(k, s, bias) @ v)}
    maps = {name: tower.features(t)[1:] @ texts.T for name, t in tokens.items()}
    if "visual.proj_explain" in tower.t:
        maps["eclip"] = tower.features(x, "visual.proj_explain")[1:] @ texts.T
    cls = tower.features(x)[:1] @ texts.T
    return maps | {"surgery": surgery(cls, maps["arch"]), "feature": surgery(cls, maps["raw"]), "rclip": -maps["raw"]}


def gradients(tower, texts):
    """The methods with gradients, of the cosine of CLS and each text."""
    last, into, maps = tower.layers - 1, tower.before(tower.layers - 1), {}

    def run(name, heads, of):
        columns = []
        for text in texts:
            kept = {}
            (tower.features(tower.block(into, last, heads, kept))[0] @ text).backward()
            columns.append(of(kept))
        maps[name] = torch.stack(columns, 1)

    def gradeclip(kept):
        q, k = (F.normalize(tower.out(kept[n], last), dim=-1) for n in "qk")
        m = k[1:] @ q[0]
        m = (m - m.min()) / (m.max() - m.min())
        return torch.relu((kept["o"].grad[:1] * kept["v"][1:]).sum(-1)) * m

    run("gradcam", None, lambda kept: torch.relu(kept["h"][1:] @ kept["h"].grad[1:].mean(0)))
    run("bimodal", None, lambda kept: torch.relu(kept["a"].grad * kept["a"]).mean(0)[0, 1:])
    run("gradeclip", 1, gradeclip)
    columns = []
    for text in texts:
        x, all_kept = tower.start.clone().requires_grad_(), [{} for _ in range(tower.layers)]
        for b, kept in enumerate(all_kept):
            x = tower.block(x, b, None, kept)
        (tower.features(x)[0] @ text).backward()
        r = torch.eye(x.shape[0], dtype=torch.float64)
        for kept in all_kept:
            r = r + torch.relu(kept["a"].grad * kept["a"]).mean(0) @ r
        columns.append(r[0, 1:])
    maps["bimodal_all"] = torch.stack(columns, 1)
    return maps


def cosines(x, cut=None):
    s = F.normalize(x, dim=-1) @ F.normalize(x, dim=-1).T
    return s if cut is None else torch.where(s < cut, torch.zeros_like(s), s)


def neighbours(grid, cell):
    y, x = divmod(cell, grid)
    return [(y + dy) * grid + x + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1)
            if (dy or dx) and 0 <= y + dy < grid and 0 <= x + dx < grid]


def outliers(x, share=0.05):
    """Cells of the highest local outlier factor, with the cell's own distance to its k-th neighbour as the reach, as published."""
    k = min(30, len(x) - 1)
    d = ((x[:, None] - x[None]) ** 2).sum(-1)
    near = torch.sort(d, dim=1, stable=True)
    density = 1 / near.values[:, k]
    factor = density[near.indices[:, 1:k + 1]].mean(1) / density
    return (factor > torch.quantile(factor, 1 - share)).tolist()


def mended(x, out, grid):
    y = x.clone()
    for cell in range(len(x)):
        good = [n for n in neighbours(grid, cell) if not out[n]]
        if out[cell] and good:
            y[cell] = x[good].mean(0)
    return y


def scclip(tower, texts):
    """Self-calibrated CLIP, of the patches alone."""
    outs, x = [], tower.start
    for b in range(tower.layers - 1):
        x = tower.block(x, b)
        outs.append(x)
    last, block = tower.layers - 1, lambda n: outs[max(n, 1) - 1]
    out = outliers(x[1:])
    alike = cosines(mended(block(tower.layers - 3)[1:], out, tower.grid))
    later = cosines(block(tower.layers - 8)[1:], 0.4)
    bias = (alike - alike.mean()) * 3
    bias = torch.softmax(torch.where(bias < 0, torch.full_like(bias, -torch.inf), bias), -1)
    gather = lambda w, y: (w / (w.sum(-1, keepdim=True) + 1e-6)) @ y

    def attend(y, cls):
        both = lambda h, q, k, v: (bias + self_attention(k, 64 ** -0.5)) / 2 @ v
        return gather(later, changed(tower, last, y, both) + 0.3 * cls)

    first = attend(gather(torch.where(alike < 0.4, torch.zeros_like(alike), alike), mended(x[1:], out, tower.grid)), x[:1])
    mixed = sum(block(n) for n in range(max(tower.layers - 8, 1), tower.layers - 1))
    return tower.features(first + attend(mixed[1:], mixed[:1])) @ texts.T


def affinities(picture, dilations=(8, 16)):
    """Weights of PAMR: picture [c, h, w] to [16, h, w], and the neighbours' places."""
    c, h, w = picture.shape
    places, near, nine = [], [], []
    for d in dilations:
        for dy in (-d, 0, d):
            for dx in (-d, 0, d):
                ys, xs = (torch.arange(h) + dy).clamp(0, h - 1), (torch.arange(w) + dx).clamp(0, w - 1)
                nine.append(picture[:, ys][:, :, xs])
                if dy or dx:
                    places.append((ys, xs))
                    near.append(nine[-1])
    std = torch.stack(nine).std(0, unbiased=True)
    return torch.softmax((-(torch.stack(near) - picture).abs() / (1e-8 + 0.1 * std)).mean(1), 0), places


def pamr(picture, maps, steps=10):
    weights, places = affinities(picture)
    for _ in range(steps):
        maps = sum(w * maps[:, ys][:, :, xs] for w, (ys, xs) in zip(weights, places))
    return maps


def straight(labels, grid, i, j):
    """Whether the cells from i towards j have the label of i. As published: with n steps between them, the first n + 1 of `grid` places
    that divide the whole way evenly are looked at, and halves are rounded to even."""
    (y, x), (v, u) = divmod(i, grid), divmod(j, grid)
    at = lambda a, b, t: int(np.round(np.float32(a) * (1 - t) + np.float32(b) * t))
    steps = np.linspace(0, 1, grid, dtype=np.float32)[:max(abs(v - y), abs(u - x)) + 1]
    return all(labels[at(y, v, t)][at(x, u, t)] == labels[y][x] for t in steps)


def resclip(tower, texts, picture):
    """Residual cross-correlation of blocks L-6 to L-3 and semantic feedback; picture is [3, h, w] as the tower sees it."""
    x, maps = tower.start, []
    for b in range(tower.layers - 1):
        kept = {}
        h = tower.norm(x, tower.name(b) + "ln_1")
        q, k, _ = (tower.split(t, tower.heads) for t in tower.qkv(h, b))
        maps.append(torch.softmax(q @ k.transpose(1, 2) * 64 ** -0.5, -1))
        x = tower.block(x, b)
    last, g = tower.layers - 1, tower.grid
    cross = sum(maps[max(b, 0)] for b in range(tower.layers - 7, tower.layers - 3)) / 4

    def attend(feedback=None):
        def form(h, q, k, v):
            scores = k @ k.transpose(1, 2) * 64 ** -0.5
            if feedback is not None:
                scores = 2.1 * (0.4 * scores + 0.6 * feedback)
            return 2 * (0.4 * torch.softmax(scores + gauss(tower), -1) + 0.6 * cross) @ v
        return tower.features(changed(tower, last, x, form))[1:] @ texts.T

    side = picture.shape[-1]
    up = F.interpolate(attend().T.reshape(1, -1, g, g), (side, side), mode="bilinear", align_corners=False)[0]
    share = torch.softmax(40 * pamr(picture, up), 0)
    best = torch.where(share.max(0).values < 0.1, torch.zeros(side, side, dtype=torch.long), share.argmax(0))
    patch = side // g
    labels = [[int(torch.mode(best[y * patch:(y + 1) * patch, x * patch:(x + 1) * patch].reshape(-1)).values) for x in range(g)]
              for y in range(g)]
    same = torch.zeros(g * g, g * g, dtype=torch.float64)
    for i in range(g * g):
        for j in range(g * g):
            far = max(abs(i // g - j // g), abs(i % g - j % g))
            if labels[i // g][i % g] == labels[j // g][j % g]:
                same[i, j] = 1 if straight(labels, g, i, j) else np.exp(-far / (g - 1))
    taps = torch.exp(-torch.arange(-15, 16).double() ** 2 / 50)
    same = F.conv1d(same[:, None], (taps / taps.sum())[None, None], padding=15)[:, 0]
    feedback = torch.zeros(g * g + 1, g * g + 1, dtype=torch.float64)
    feedback[1:, 1:] = same / (same.sum(1, keepdim=True) + 1e-8)
    return attend(feedback / feedback.max())


def gscorecam(tower, texts):
    """The 300 channels of the last block's output with the highest gradients at CLS; each, as a mask, is scored by the cosine of
    the masked picture, and softmax over all channels of 100 * cosine (0 where not scored) weighs them."""
    x = tower.before(tower.layers).clone().requires_grad_()
    patches = x.detach()[1:]
    up = F.interpolate(patches.T.reshape(1, -1, tower.grid, tower.grid), tower.pixels.shape[-2:], mode="bilinear", align_corners=True)[0]
    low, high = up.amin((1, 2), keepdim=True), up.amax((1, 2), keepdim=True)
    masks, columns, cls = (up - low) / (high - low + 1e-6), [], {}
    for text in texts:
        (gradient,) = torch.autograd.grad(tower.features(x)[0] @ text, x)
        scores = torch.zeros(tower.width, dtype=torch.float64)
        for c in torch.topk(gradient[0], min(300, tower.width)).indices.tolist():
            if c not in cls:
                y = tower.embed(tower.pixels * masks[c])
                for b in range(tower.layers):
                    y = tower.block(y, b)
                cls[c] = tower.features(y)[0]
            scores[c] = 100 * cls[c] @ text
        columns.append(torch.relu(patches @ torch.softmax(scores, 0)))
    return torch.stack(columns, 1).detach()


def windows_along(side, window, stride):
    return [min(i * stride, max(side - window, 0)) for i in range(-(-max(side - window, 0) // stride) + 1)]


def windows(tower, texts, picture, stride):
    """`arch` of a picture larger than the tower's, in windows of its size: sums of similarities divided by counts, patch by patch."""
    patch, g = tower.t["visual.conv1.weight"].shape[-1], tower.grid
    w, h = picture.width // patch, picture.height // patch
    total, count = torch.zeros(h, w, len(texts), dtype=torch.float64), torch.zeros(h, w, 1, dtype=torch.float64)
    for y in windows_along(h, g, stride // patch):
        for x in windows_along(w, g, stride // patch):
            cut = Tower(tower.folder, picture.crop((x * patch, y * patch, (x + g) * patch, (y + g) * patch)))
            total[y:y + g, x:x + g] += plain(cut, texts)["arch"].reshape(g, g, -1)
            count[y:y + g, x:x + g] += 1
    return (total / count).reshape(w * h, -1)


def pyramid(tower, texts, picture, shapes):
    """`surgery` of tokens that are means over sizes (width, height), on the last one's grid, of length one again."""
    patch = tower.t["visual.conv1.weight"].shape[-1]
    grid, cls, patches = (shapes[-1][1] // patch, shapes[-1][0] // patch), 0, 0
    for shape in shapes:
        level = Tower(tower.folder, picture.resize(shape, Image.BICUBIC))
        own, second = arch(level)
        cls = cls + own[:1]
        patches = patches + F.interpolate(second[1:].T.reshape(1, -1, *level.shape), grid, mode="bilinear")[0].flatten(1).T
    return surgery(F.normalize(cls, dim=-1) @ texts.T, F.normalize(patches, dim=-1) @ texts.T)


def main():
    model, folder, *rest = sys.argv[1:]
    tower = Tower(model, Image.open(os.path.join(folder, "resized.png")))
    texts = torch.tensor(np.load(os.path.join(folder, "text_features.npy")).astype(np.float64))
    more = {"scclip": scclip(tower, texts), "resclip": resclip(tower, texts, tower.pixels), "gscorecam": gscorecam(tower, texts)}
    maps = F.interpolate(plain(tower, texts)["arch"].T.reshape(1, -1, tower.grid, tower.grid), tower.pixels.shape[-2:], mode="bilinear")
    more["../pamr_arch_eighth"] = pamr(tower.pixels, maps[0]).flatten(1).T[::8]
    bench = Image.open(os.path.join(folder, "..", "bench.png")).convert("RGB")
    more["../windows_arch"] = windows(tower, texts, bench.resize((208, 160), Image.BICUBIC), 48)
    more["../pyramid_surgery"] = pyramid(tower, texts, bench, ((144, 112), (192, 144), (240, 176)))
    for name, values in (plain(tower, texts) | gradients(tower, texts) | more).items():
        path, values = os.path.join(folder, "methods", name + ".npy"), values.detach().numpy()
        if "--write" in rest and (rest[-1] == "--write" or name in rest):
            np.save(path, np.ascontiguousarray(values, np.float32))
            print(f"{name:12} written")
        else:
            if not os.path.exists(path):
                print(f"{name:12} is not stored")
                continue
            stored = np.load(path)
            print(f"{name:12} {np.max(np.abs(stored - values) / np.ptp(values, axis=0)):.1e} of the range")


if __name__ == "__main__":
    main()
