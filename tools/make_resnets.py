#!/usr/bin/env python3
"""Write a small ResNet in the two layouts that publish such, and what the published CLIP Surgery code computes from it.

    make_resnets.py --published DIR tests/golden/layouts
    make_resnets.py --published DIR FOLDER --full RN101 [RN50x4 ...]

DIR is a checkout of xmed-lab/CLIP_Surgery at d4696d4; it is run as it is, in fp32 on the CPU. Weights are random, in OpenAI's mix of half
and single precision; both folders hold the same ones. Beside make_layouts.py's files there are expected-METHOD.f32 [1 + grid * grid,
embed_dim], projected and normalised, of the native size (96 px, which `tokens`, the raw model's, is of as well) and
expected-METHOD-128.f32 of another one.
  surgery        the published model CS-RN50
  surgery_paper  its attention with the branch for ResNets, which the published model never reaches, and the weights of q, k and v
--full writes FOLDER/NAME in OpenAI's layout with the sizes of a published model (but a small vocabulary), which is too large to keep:
CSG_TEST_LAYOUTS=FOLDER test_layouts NAME PX ... holds the library against it at the size that is written.
Needs what make_layouts.py needs, and the published code's ftfy, regex, torchvision, opencv and tqdm.
"""
import argparse
import os
import shutil
import sys
import types

import numpy as np
import open_clip
import packaging.version
import torch

import make_layouts as layouts


def config(embed, side, stages, width, text_width=64, text_layers=1):
    return {"embed_dim": embed, "quick_gelu": True, "vision_cfg": {"image_size": side, "layers": stages, "width": width},
            "text_cfg": {"context_length": 20, "vocab_size": len(layouts.VOCAB), "width": text_width, "heads": text_width // 64,
                         "layers": text_layers}}


TINY = config(24, 96, [1, 2, 1, 2], 4)
FULL = {"RN50": config(1024, 224, [3, 4, 6, 3], 64, 512, 12), "RN101": config(512, 224, [3, 4, 23, 3], 64, 512, 12),
        "RN50x4": config(640, 288, [4, 6, 10, 6], 80, 640, 12), "RN50x16": config(768, 384, [6, 8, 18, 8], 96, 768, 12),
        "RN50x64": config(1024, 448, [3, 15, 36, 10], 128, 1024, 12)}
MEAN, STD = list(open_clip.OPENAI_DATASET_MEAN), list(open_clip.OPENAI_DATASET_STD)
OTHER = 128


def randomise(model, seed, branch=1):
    """Of every module as much as keeps its output of about the size of its input, so that errors anywhere are seen. What `branch` of the
    last norm of each bottleneck leaves keeps the sums of many of them from growing until a softmax chooses one token alone."""
    generator = torch.Generator().manual_seed(seed)
    layouts.randomise(model, seed)
    for name, m in model.visual.named_modules():
        if isinstance(m, torch.nn.Conv2d):
            m.weight.data = torch.randn(m.weight.shape, generator=generator) * (2.0 / m.weight[0].numel()) ** 0.5
        if isinstance(m, torch.nn.BatchNorm2d):
            n = m.weight.shape
            m.weight.data = 1 + 0.2 * torch.randn(n, generator=generator)
            m.bias.data = 0.2 * torch.randn(n, generator=generator)
            m.running_mean = 0.3 * torch.randn(n, generator=generator)
            m.running_var = torch.exp(0.3 * torch.randn(n, generator=generator))
            if name.endswith("bn3") and "layer" in name:
                m.weight.data *= branch
    pool = model.visual.attnpool
    pool.positional_embedding.data = 0.5 * torch.randn(pool.positional_embedding.shape, generator=generator)
    return model


def mix(state):
    """Convolutions and linear layers in half, all else in single precision, as OpenAI's ResNets are."""
    half = (".attn.", ".mlp.", "conv", "downsample.0", "attnpool.q", "attnpool.k", "attnpool.v", "attnpool.c", "text_projection")
    return {k: v.half() if any(h in k for h in half) else v for k, v in state.items()}


def write_openai(path, model, state, cfg):
    side, context = cfg["vision_cfg"]["image_size"], cfg["text_cfg"]["context_length"]
    for name, value in (("input_resolution", side), ("context_length", context), ("vocab_size", cfg["text_cfg"]["vocab_size"])):
        if not hasattr(model, name):
            model.register_buffer(name, torch.tensor(value))
    mask = model._buffers.pop("attn_mask")  # a constant of the program in OpenAI's archives, not one of the tensors
    type(model).attn_mask = mask
    traced = torch.jit.trace_module(model, {"forward": (torch.zeros(1, 3, side, side), torch.zeros(1, context, dtype=torch.long))},
                                    check_trace=False)
    del type(model).attn_mask
    for name, p in traced.named_parameters():
        p.data = state[name]
    traced.save(path)


def paper_pool(published, pool, x):
    """The published attention as its comments have it for ResNets; CLS from q and k."""
    attention = published.Attention(pool.output_dim, pool.embed_dim, pool.num_heads, True, settings="resnet")
    for part in ("weight", "bias"):
        parts = [getattr(p, part).data for p in (pool.q_proj, pool.k_proj, pool.v_proj)]
        getattr(attention.qkv, part).data = torch.cat(parts)
        getattr(attention.proj, part).data = getattr(pool.c_proj, part).data
    x, x_ori = attention(x)
    x[:, 0] = x_ori[:, 0]
    return x


def surgery(published, state, side, paper):
    """A fresh model each time: the published one resizes its position embedding in place."""
    model = published.build("CS-RN50", {k: v.float() if v.is_floating_point() else v for k, v in state.items()}).float()
    visual, seen = model.visual, {}
    with torch.no_grad():
        visual.attnpool.register_forward_pre_hook(lambda _, args: seen.update(x=args[0]))
        tokens = model.encode_image(layouts.pixels(side, MEAN, STD))
        if paper:
            x = seen["x"].flatten(2).transpose(1, 2)
            x = torch.cat([x.mean(1, keepdim=True), x], 1) + visual.attnpool.positional_embedding  # of that size by now
            tokens = paper_pool(published, visual.attnpool, x)
    return layouts.unit(tokens[0])


def load_published(folder):
    sys.path.insert(0, folder)
    for name in [n for n in sys.modules if n == "clip" or n.startswith("clip.")]:
        del sys.modules[name]
    shim = types.ModuleType("pkg_resources")  # gone from setuptools; the published code wants its packaging alone
    shim.packaging = packaging
    sys.modules["pkg_resources"] = shim
    from clip import build_model, clip_surgery_model
    return types.SimpleNamespace(build=build_model.build_model, Attention=clip_surgery_model.Attention)


def write_picture(root, side):
    with open(os.path.join(root, f"picture-{side}.ppm"), "wb") as f:
        f.write(b"P6\n%d %d\n255\n" % (side, side) + layouts.picture(side).tobytes())


def make(published, cfg, seed, branch=1):
    """A model, its tensors in OpenAI's types, and what both codes say: raw tokens of the native size, and texts."""
    model, side = randomise(layouts.build(cfg, seed), seed, branch).float().eval(), cfg["vision_cfg"]["image_size"]
    state = mix(model.state_dict())
    model.load_state_dict(state)
    with torch.no_grad():
        cls = layouts.unit(model.encode_image(layouts.pixels(side, MEAN, STD)))
        texts = layouts.unit(model.encode_text(layouts.ids(20)))
        raw = published.build("RN50", {k: v.float() if v.is_floating_point() else v for k, v in state.items()}).float()
        tokens = layouts.unit(raw.encode_image(layouts.pixels(side, MEAN, STD))[0])
        assert np.allclose(tokens[0], cls[0], atol=1e-5)  # open_clip and the published raw model agree
        assert np.allclose(texts, layouts.unit(raw.encode_text(layouts.ids(20))), atol=1e-5)
    return model, state, tokens, texts


def write_full(published, root, name):
    cfg = FULL[name]
    side, folder = cfg["vision_cfg"]["image_size"], os.path.join(root, name)
    model, state, tokens, texts = make(published, cfg, 5, 0.25)
    os.makedirs(folder)
    layouts.write_vocabulary(folder)
    layouts.expect(folder, tokens, texts)
    surgery(published, state, side, False).astype("<f4").tofile(os.path.join(folder, "expected-surgery.f32"))
    write_picture(root, side)
    write_openai(os.path.join(folder, f"{name}.pt"), model, state, cfg)


def write_tiny(published, root):
    model, state, tokens, texts = make(published, TINY, 5)
    folders = [os.path.join(root, n) for n in ("openai-resnet", "open-clip-resnet")]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        layouts.write_vocabulary(folder)
        layouts.expect(folder, tokens, texts)
    layouts.save_file({k: v.contiguous() for k, v in state.items()}, os.path.join(folders[1], "open_clip_model.safetensors"),
                      metadata={"format": "pt"})
    with open(os.path.join(folders[1], "open_clip_config.json"), "w", encoding="utf-8") as f:
        layouts.json.dump({"model_cfg": TINY, "preprocess_cfg": {"mean": MEAN, "std": STD}}, f, indent=1)
    write_openai(os.path.join(folders[0], "RN-tiny.pt"), model, state, TINY)
    for side, tail in ((96, ""), (OTHER, f"-{OTHER}")):
        for name, paper in (("surgery", False), ("surgery_paper", True)):
            surgery(published, state, side, paper).astype("<f4").tofile(os.path.join(folders[0], f"expected-{name}{tail}.f32"))
        write_picture(root, side)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--published", required=True)
    parser.add_argument("--full", nargs="+", choices=FULL, default=[])
    parser.add_argument("root")
    args = parser.parse_args()
    published = load_published(args.published)
    if not args.full:
        write_tiny(published, args.root)
    for name in args.full:
        write_full(published, args.root, name)


if __name__ == "__main__":
    main()
