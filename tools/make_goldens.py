#!/usr/bin/env python3
"""Write what the published CLIP Surgery code computes with the weights of make_model.py.

    make_goldens.py --published DIR OUT [--arch A] [--seed N] [--size N] [--labels TEXT...] [--image FILE]
                    [--similarities-only] [--token-step N] [--compare]

DIR is a checkout of xmed-lab/CLIP_Surgery at d4696d4; it is run as it is, in fp32 on the CPU. OUT is the folder to write, or,
with --compare, the folder whose figures are held against new ones: the largest differences are printed and the exit code is
1 where one exceeds 1e-5. tests/golden/README.md names the files and the command of each folder.

The published code resizes its position embedding in place and builds its dual path at the first run, so every model here is
a fresh one. Its raw model takes no other size than the native one: there the position embedding is resized first, from the
pristine grid, as the surgery model does it. Needs torch, torchvision, opencv, Pillow, ftfy, regex,
tqdm and packaging.
"""
import argparse, os, sys, types
import cv2
import numpy as np
import packaging.version
import torch
from PIL import Image
from torchvision.transforms import Compose, InterpolationMode, Normalize, Resize, ToTensor

import golden_files
import make_model

COMBINED = "person+bench"
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def fresh_model(published, name, arch, seed):
    state = {k: torch.from_numpy(np.array(v)) for k, v in make_model.tensors(arch, seed)}
    return published.build_model(name, state).float().eval()


def resized_position(model, size):
    pos, patch = model.visual.positional_embedding.data, model.visual.conv1.kernel_size[0]
    side, new = round((pos.shape[0] - 1) ** 0.5), size // patch
    if side != new:
        grid = pos[1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
        grid = torch.nn.functional.interpolate(grid, (new, new), mode="bilinear")
        model.visual.positional_embedding.data = torch.cat([pos[:1], grid[0].flatten(1).T], 0)


def points_of(clip, sm, shape):
    points, labels = clip.similarity_map_to_points(sm, shape, t=0.8)
    return {"points": points, "labels": [int(v) for v in labels]}


def combined(clip, sm, shape):
    """The end of the published demo: text `a+b`."""
    norm = (sm - sm.min(0, keepdim=True)[0]) / (sm.max(0, keepdim=True)[0] - sm.min(0, keepdim=True)[0])
    mean = norm.mean(-1, keepdim=True)
    p, l = clip.similarity_map_to_points(mean, shape, t=0.8)
    half = len(p) // 2
    points, labels = list(p[half:]), [int(v) for v in l[half:]]
    for i in range(sm.shape[-1]):
        p, l = clip.similarity_map_to_points(sm[:, i], shape, t=0.8)
        half = len(p) // 2
        points += p[:half]
        labels += [int(v) for v in l[:half]]
    return mean[:, 0], {"text": COMBINED, "points": points, "labels": labels}


def overlay(map_, rgb):
    """The drawing of the published demo, as RGB."""
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    heat = cv2.applyColorMap((map_ * 255).astype("uint8"), cv2.COLORMAP_JET)
    return cv2.cvtColor((bgr * 0.4 + heat * 0.6).astype("uint8"), cv2.COLOR_BGR2RGB)


@torch.no_grad()
def compute(a):
    """File name -> array (float32 for .npy, uint8 for .png) or object (golden.json)."""
    if "pkg_resources" not in sys.modules:  # gone from setuptools; the published code takes packaging from it
        sys.modules["pkg_resources"] = types.SimpleNamespace(packaging=packaging)
    sys.path.insert(0, a.published)
    import clip
    import clip.build_model as published
    picture = Image.open(a.image).convert("RGB")
    rgb, shape = np.asarray(picture), (picture.height, picture.width)
    resize = Resize((a.size, a.size), interpolation=InterpolationMode.BICUBIC)
    tensor = Compose([resize, ToTensor(), Normalize(MEAN, STD)])(picture).unsqueeze(0)

    raw = fresh_model(published, "ViT", a.arch, a.seed)
    resized_position(raw, a.size)
    texts = clip.encode_text_with_prompt_ensemble(raw, a.labels, "cpu")
    redundant = clip.encode_text_with_prompt_ensemble(raw, [""], "cpu")

    def tokens(model):
        f = model.encode_image(tensor)
        return f / f.norm(dim=-1, keepdim=True)
    raw_tokens = tokens(raw)
    surgery_tokens = tokens(fresh_model(published, "CS-ViT", a.arch, a.seed))
    surgery = clip.clip_feature_surgery(surgery_tokens, texts)
    about = {"arch": a.arch, "seed": a.seed, "model_sha256": make_model.sha256(a.arch, a.seed), "size": a.size,
             "labels": a.labels, "image_size": [picture.width, picture.height], "token_step": a.token_step}
    out = {
        "text_features.npy": texts,
        "raw_similarity.npy": (raw_tokens @ texts.t())[0],
        "architecture_similarity.npy": (surgery_tokens @ texts.t())[0],
        "surgery_similarity.npy": surgery[0],
    }
    if not a.similarities_only:
        pair = clip.encode_text_with_prompt_ensemble(raw, COMBINED.split("+"), "cpu")
        single = clip.clip_feature_surgery(surgery_tokens, pair, redundant)[0, 1:, :]
        mean, about["combined"] = combined(clip, single, shape)
        about["overlay"] = True
        about["points"] = {t: points_of(clip, surgery[0, 1:, i], shape) for i, t in enumerate(a.labels)}
        first = clip.get_similarity_map(surgery[:, 1:, :], shape)[0, :, :, 0].numpy()
        out |= {
            "redundant_features.npy": redundant[0],
            "raw_tokens.npy": raw_tokens[0, ::a.token_step],
            "surgery_tokens.npy": surgery_tokens[0, ::a.token_step],
            "surgery_similarity_empty.npy": clip.clip_feature_surgery(surgery_tokens, texts, redundant)[0],
            "map_first_label_quarter.npy": first[::4, ::4],
            "combined_sm_mean.npy": mean,
            "resized.png": np.asarray(resize(picture)),
            "overlay_jet_first_label.png": overlay(first, rgb),
        }
    return {k: np.ascontiguousarray(v) for k, v in out.items()} | {"golden.json": about}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    ap = argparse.ArgumentParser()
    ap.add_argument("out")
    ap.add_argument("--published", required=True)
    ap.add_argument("--arch", default="mini", choices=make_model.ARCHS)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--size", type=int, default=112)
    ap.add_argument("--labels", nargs="+", default=["dog", "bench", "person"])
    ap.add_argument("--labels-file", help="one label a line, in place of --labels")
    ap.add_argument("--image", default=os.path.join(here, "..", "tests", "golden", "bench.png"))
    ap.add_argument("--similarities-only", action="store_true", help="similarities and text features alone")
    ap.add_argument("--token-step", type=int, default=1, help="store every N-th row of the tokens")
    ap.add_argument("--compare", action="store_true")
    a = ap.parse_args()
    if a.labels_file:
        a.labels = [l.strip() for l in open(a.labels_file, encoding="utf-8") if l.strip()]
    out = compute(a)
    if a.compare:
        sys.exit(1 if golden_files.compare(out, a.out) > 1e-5 else 0)
    golden_files.write(out, a.out)


if __name__ == "__main__":
    main()
