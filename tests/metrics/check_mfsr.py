#!/usr/bin/env python3
"""mFSR of `eval` against an independent text in numpy and double precision, within 1e-6 of a share: check_mfsr.py CLIP_SURGEON DEMO_MODEL"""
import json, os, struct, subprocess, sys, tempfile, zlib
import numpy as np

SIDE, LIMIT = 192, 1e-6


def png(path, pixels, colour):
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, colour, 0, 0, 0))
                + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def load(folder):
    with open(os.path.join(folder, "open_clip_model.safetensors"), "rb") as f:
        data = f.read()
    (size,) = struct.unpack("<Q", data[:8])
    return {name: np.frombuffer(data[8 + size + a["data_offsets"][0]:8 + size + a["data_offsets"][1]], np.float16).reshape(a["shape"]).astype(np.float64)
            for name, a in json.loads(data[8:8 + size]).items() if name.startswith("visual.")}


def norm(t, x, name):
    d = x - x.mean(-1, keepdims=True)
    return d / np.sqrt((d ** 2).mean(-1, keepdims=True) + 1e-5) * t[name + ".weight"] + t[name + ".bias"]


def attention(a, b):
    s = a @ b.transpose(0, 2, 1) * a.shape[-1] ** -0.5
    e = np.exp(s - s.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def shares(t, pixels, mask):
    """[blocks, 2] of one picture of SIDE x SIDE, the size that the model was trained at."""
    patch = t["visual.conv1.weight"].shape[-1]
    g, width = SIDE // patch, len(t["visual.class_embedding"])
    cut = ((pixels / 255 - [0.48145466, 0.4578275, 0.40821073]) / [0.26862954, 0.26130258, 0.27577711]).reshape(g, patch, g, patch, 3)
    x = cut.transpose(0, 2, 4, 1, 3).reshape(g * g, -1) @ t["visual.conv1.weight"].reshape(width, -1).T
    x = norm(t, np.vstack([t["visual.class_embedding"], x]) + t["visual.positional_embedding"], "visual.ln_pre")
    inside = np.append(False, ((mask > 0) & (mask < 255)).reshape(g, patch, g, patch).mean((1, 3)).ravel() > 0.5)
    out, b = [], 0
    while f"visual.transformer.resblocks.{b}.ln_1.weight" in t:
        name = f"visual.transformer.resblocks.{b}."
        qkv = norm(t, x, name + "ln_1") @ t[name + "attn.in_proj_weight"].T + t[name + "attn.in_proj_bias"]
        q, k, v = (m.reshape(len(x), -1, 64).transpose(1, 0, 2) for m in np.split(qkv, 3, -1))
        own = attention(q, k)
        out.append([a[:, inside][:, :, inside].sum(-1).mean() for a in (own, attention(v, v))])
        x = x + (own @ v).transpose(1, 0, 2).reshape(len(x), -1) @ t[name + "attn.out_proj.weight"].T + t[name + "attn.out_proj.bias"]
        m = norm(t, x, name + "ln_2") @ t[name + "mlp.c_fc.weight"].T + t[name + "mlp.c_fc.bias"]
        x = x + m / (1 + np.exp(-1.702 * m)) @ t[name + "mlp.c_proj.weight"].T + t[name + "mlp.c_proj.bias"]
        b += 1
    return np.array(out)


def main():
    tool, model = (os.path.abspath(a) for a in sys.argv[1:])
    rng, t, want = np.random.default_rng(3), load(model), []
    with tempfile.TemporaryDirectory() as work:
        for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
            os.makedirs(os.path.join(work, "set", folder))
        for i in range(4):
            pixels = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
            mask = np.zeros((SIDE, SIDE), np.uint8)
            if i < 3:  # the last one has no foreground and counts nowhere
                mask[rng.integers(0, 40):rng.integers(60, 128), rng.integers(0, 40):rng.integers(60, 128)] = rng.integers(1, 21)
                mask[:, 90:97] = 255
                want.append(shares(t, pixels, mask))
            png(os.path.join(work, f"set/JPEGImages/{i}.png"), pixels, 2)
            png(os.path.join(work, f"set/SegmentationClass/{i}.png"), mask, 0)
        with open(os.path.join(work, "set/ImageSets/Segmentation/val.txt"), "w") as f:
            f.write("0\n1\n2\n3\n")
        worst = 0
        for device in ("reference", None):
            run = subprocess.run([tool, "eval", "set", "-m", model, "--method", "raw", "--mfsr", "--json", "-q", "--cache", "off",
                                  *(["--device", device] if device else [])], cwd=work, stdout=subprocess.PIPE, check=True)
            blocks = json.loads(run.stdout)["mfsr"]
            got = np.array([[b["qk"], b["vv"]] for b in blocks]) / 100
            worst = max(worst, float(np.max(np.abs(got - np.mean(want, 0)))))
    print(f"{len(got)} blocks, shares from {got.min():.3f} to {got.max():.3f}: the largest difference is {worst:.2e}, the limit {LIMIT:.0e}")
    sys.exit(worst > LIMIT)


if __name__ == "__main__":
    main()
