#!/usr/bin/env python3
"""Goldens of resclip, scclip, gscorecam and pamr by their authors' code, run as it is in fp32 on the CPU.

    published_methods.py MODEL_FOLDER GOLDEN_FOLDER --resclip DIR --scclip DIR --gscorecam DIR [--write [NAME...]]

MODEL_FOLDER is what make_model.py wrote; the folders are checkouts of yvhangyang/ResCLIP at 0e085f7, which
has PAMR too, of SuleBai/SC-CLIP at 0417ba9 and of anguyen8/gScoreCAM at 87c35a1. Prints how far what is stored is from what comes out, in parts of each map's range, or with
--write writes the files, all or the named ones.

Of gScoreCAM the weights of the channels are theirs; tower and gradient, at CLS of the last block's output as they have it for a ViT, are
those of method_goldens.py, and no more channels are asked for than there are.

The first two take a tower of 12 blocks for granted; the blocks that they name are moved by the difference to the model's number of blocks here, and
none lies before the first. ResCLIP rounds its feedback to half precision and wants CUDA: read without both. Its parameters are those of
its cfg_voc20.py. Needs torch, torchvision, tqdm, opencv, numpy and Pillow.
"""
import argparse, os, re, sys, types
import numpy as np
import torch
from PIL import Image

from method_goldens import Tower


def module(name, path, *changes):
    with open(path) as f:
        text = f.read()
    for before, after in changes:
        assert re.search(before, text), (path, before)
        text = re.sub(before, after, text)
    made = types.ModuleType(name)
    sys.modules[name] = made
    exec(compile(text, path, "exec"), made.__dict__)
    return made


def vision(code, tower):
    t = {n[7:]: v.float() for n, v in tower.t.items() if n.startswith("visual.")}
    patch = t["conv1.weight"].shape[-1]
    made = code.VisionTransformer(tower.grid * patch, patch, tower.width, tower.layers, tower.heads, t["proj"].shape[1])
    made.load_state_dict(t)
    return made.eval()


def score_cam(code, tower, texts):
    with torch.enable_grad():
        x = tower.before(tower.layers).clone().requires_grad_()
        gradients = [torch.autograd.grad(tower.features(x)[0] @ text, x)[0][0] for text in texts]
    x = x.detach()
    maps = x[1:].T.reshape(1, -1, tower.grid, tower.grid)

    def model(pictures, texts):
        cls = []
        for picture in pictures:
            y = tower.embed(picture.double())
            for b in range(tower.layers):
                y = tower.block(y, b)
            cls.append(tower.features(y[:1])[0])
        return (100 * torch.stack(cls) @ texts.T,)

    cam = types.SimpleNamespace(is_clip=True, topk=min(300, tower.width), use_bot=False, mute=True, batch_size=64, model=model)
    columns = []
    for i, gradient in enumerate(gradients):
        weights = code.GScoreCAM.get_cam_weights(cam, (tower.pixels.float()[None], texts), None, [i], maps.float().numpy(),
                                                 gradient.float().numpy().reshape(1, -1, 1, 1))
        columns.append(torch.relu(x[1:] @ torch.tensor(weights[0]).double()))
    return torch.stack(columns, 1)


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("golden")
    for name in ("resclip", "scclip", "gscorecam"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--write", nargs="*", metavar="NAME")
    a = parser.parse_args()
    tower = Tower(a.model, Image.open(os.path.join(a.golden, "resized.png")))
    texts = torch.tensor(np.load(os.path.join(a.golden, "text_features.npy")))
    picture, before = tower.pixels.float()[None], tower.layers - 12
    pamr = module("pamr", os.path.join(a.resclip, "pamr.py"))

    calibrated = vision(module("scclip", os.path.join(a.scclip, "clip/model.py")), tower)
    for name in ("pre_adjust_idx", "post_adjust_idx", "multi_start_idx", "multi_end_idx"):
        setattr(calibrated, name, max(getattr(calibrated, name) + before, 0))
    unit = lambda x: x / x.norm(dim=-1, keepdim=True)
    made = {"scclip": unit(calibrated(picture, return_all=True)[0]) @ texts.T}

    code = module("resclip", os.path.join(a.resclip, "clip/model.py"), (r"\.cuda\(\)", ""), (r"torch\.device\('cuda'\)", "'cpu'"),
                  (r"torch\.float16", "torch.float32"), (r"range\(5, 9\)", f"[max(i, 0) for i in range({5 + before}, {9 + before})]"))
    residual = vision(code, tower)
    residual.set_params("wo_resi", "resclip", 5.0)
    tokens = residual(picture, return_all=True, temp_thd=0.1, attn_rcs_weights=[2.0, 0.6], attn_sfr_weights=[2.1, 0.6], query_features=texts,
                      img=picture, patch_size=residual.patch_size, logit_scale=40, dtype=torch.float32, align_corners=False)
    made["resclip"] = unit(tokens[0, 1:]) @ texts.T

    maps = torch.tensor(np.load(os.path.join(a.golden, "methods", "arch.npy"))).T.reshape(1, -1, tower.grid, tower.grid)
    up = torch.nn.functional.interpolate(maps, picture.shape[-2:], mode="bilinear", align_corners=False)
    made["../pamr_arch_eighth"] = pamr.PAMR(10, dilations=(8, 16))(picture, up)[0].flatten(1).T[::8]
    made["gscorecam"] = score_cam(module("gscorecam", os.path.join(a.gscorecam, "pytorch_grad_cam/gscore_cam.py"), (r"\.cuda\(\)", ""),
                                         (r"from pytorch_grad_cam.base_cam import BaseCAM", "BaseCAM = object")), tower, texts.double())
    for name, values in made.items():
        path, values = os.path.join(a.golden, "methods", name + ".npy"), np.ascontiguousarray(values.numpy(), np.float32)
        if a.write is not None and (not a.write or name in a.write):
            np.save(path, values)
            print(f"{name:20} written")
        elif not os.path.exists(path):
            print(f"{name:20} is not stored")
        else:
            print(f"{name:20} {np.max(np.abs(np.load(path) - values) / np.ptp(values, axis=0)):.1e} of the range")


if __name__ == "__main__":
    main()
