#!/usr/bin/env python3
"""The goldens of the methods, from their formulas alone (docs/methods.md), with PyTorch in double precision and gradients by autograd.

    method_goldens.py MODEL_FOLDER GOLDEN_FOLDER [--write]

MODEL_FOLDER is what make_model.py wrote. Reads resized.png and text_features.npy of the golden folder, whose picture has the model's
native size; prints for each method how far methods/NAME.npy is from what comes out here, in parts of each map's range, or with
--write writes the files. Needs torch, numpy and Pillow.
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
        self.t = load(folder)
        self.width = self.t["visual.class_embedding"].shape[0]
        self.heads, self.layers = self.width // 64, len([n for n in self.t if n.startswith("visual.") and n.endswith("ln_1.weight")])
        patch = self.t["visual.conv1.weight"].shape[-1]
        pixels = (np.asarray(picture.convert("RGB"), np.float64) / 255 - [0.48145466, 0.4578275, 0.40821073]) / [0.26862954, 0.26130258, 0.27577711]
        x = F.conv2d(torch.tensor(pixels).permute(2, 0, 1)[None], self.t["visual.conv1.weight"], stride=patch)
        self.grid = x.shape[-1]
        x = torch.cat([self.t["visual.class_embedding"][None], x.flatten(2)[0].T]) + self.t["visual.positional_embedding"]
        self.start = self.norm(x, "visual.ln_pre")

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

    def features(self, x):
        return F.normalize(self.norm(x, "visual.ln_post") @ self.t["visual.proj"], dim=-1)

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
    cls = tower.features(x)[:1] @ texts.T
    p = torch.softmax(2 * cls, -1)
    p = p / p.mean()
    for name, of in (("surgery", "arch"), ("feature", "raw")):
        maps[name] = p * maps[of] - (p * maps[of]).mean(-1, keepdim=True)
    return maps | {"rclip": -maps["raw"]}


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


def main():
    model, folder, *rest = sys.argv[1:]
    tower = Tower(model, Image.open(os.path.join(folder, "resized.png")))
    texts = torch.tensor(np.load(os.path.join(folder, "text_features.npy")).astype(np.float64))
    for name, values in (plain(tower, texts) | gradients(tower, texts)).items():
        path, values = os.path.join(folder, "methods", name + ".npy"), values.detach().numpy()
        if "--write" in rest:
            np.save(path, np.ascontiguousarray(values, np.float32))
            print(f"{name:12} written")
        else:
            stored = np.load(path)
            print(f"{name:12} {np.max(np.abs(stored - values) / np.ptp(values, axis=0)):.1e} of the range")


if __name__ == "__main__":
    main()
