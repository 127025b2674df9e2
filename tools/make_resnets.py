#!/usr/bin/env python3
"""Write a small ResNet in the two layouts that publish such, and what the published CLIP Surgery code computes from it.

    make_resnets.py --published DIR tests/golden/layouts

DIR is a checkout of xmed-lab/CLIP_Surgery at d4696d4; it is run as it is, in fp32 on the CPU. Weights are random, in OpenAI's mix of half
and single precision; both folders hold the same ones. Beside make_layouts.py's files there are expected-METHOD.f32 [1 + grid * grid,
embed_dim], projected and normalised, of the native size (96 px, which `tokens`, the raw model's, is of as well) and
expected-METHOD-128.f32 of another one.
  surgery        the published model CS-RN50
  surgery_paper  its attention with the branch for ResNets, which the published model never reaches, and the weights of q, k and v
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

CFG = {"embed_dim": 24, "quick_gelu": True, "vision_cfg": {"image_size": 96, "layers": [1, 2, 1, 2], "width": 4},
       "text_cfg": {"context_length": 20, "vocab_size": len(layouts.VOCAB), "width": 64, "heads": 1, "layers": 1}}
MEAN, STD = list(open_clip.OPENAI_DATASET_MEAN), list(open_clip.OPENAI_DATASET_STD)
OTHER = 128


def randomise(model, seed):
    """Of every module as much as keeps its output of about the size of its input, so that errors anywhere are seen."""
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
    pool = model.visual.attnpool
    pool.positional_embedding.data = 0.5 * torch.randn(pool.positional_embedding.shape, generator=generator)
    return model


def mix(state):
    """Convolutions and linear layers in half, all else in single precision, as OpenAI's ResNets are."""
    half = (".attn.", ".mlp.", "conv", "downsample.0", "attnpool.q", "attnpool.k", "attnpool.v", "attnpool.c", "text_projection")
    return {k: v.half() if any(h in k for h in half) else v for k, v in state.items()}


def write_openai(folder, model, state):
    os.makedirs(folder)
    side, context = CFG["vision_cfg"]["image_size"], CFG["text_cfg"]["context_length"]
    for name, value in (("input_resolution", side), ("context_length", context), ("vocab_size", CFG["text_cfg"]["vocab_size"])):
        if not hasattr(model, name):
            model.register_buffer(name, torch.tensor(value))
    mask = model._buffers.pop("attn_mask")  # a constant of the program in OpenAI's archives, not one of the tensors
    type(model).attn_mask = mask
    traced = torch.jit.trace_module(model, {"forward": (torch.zeros(1, 3, side, side), torch.zeros(1, context, dtype=torch.long))})
    del type(model).attn_mask
    for name, p in traced.named_parameters():
        p.data = state[name]
    traced.save(os.path.join(folder, "RN-tiny.pt"))


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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--published", required=True)
    parser.add_argument("root")
    args = parser.parse_args()
    published = load_published(args.published)
    model = randomise(layouts.build(CFG, 5), 5).float().eval()
    state = mix(model.state_dict())
    folders = [os.path.join(args.root, n) for n in ("openai-resnet", "open-clip-resnet")]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folders[1])
    layouts.save_file({k: v.contiguous() for k, v in state.items()}, os.path.join(folders[1], "open_clip_model.safetensors"),
                      metadata={"format": "pt"})
    with open(os.path.join(folders[1], "open_clip_config.json"), "w", encoding="utf-8") as f:
        layouts.json.dump({"model_cfg": CFG, "preprocess_cfg": {"mean": MEAN, "std": STD}}, f, indent=1)
    model.load_state_dict(state)
    with torch.no_grad():
        cls = layouts.unit(model.encode_image(layouts.pixels(96, MEAN, STD)))
        texts = layouts.unit(model.encode_text(layouts.ids(20)))
        raw = published.build("RN50", {k: v.float() if v.is_floating_point() else v for k, v in state.items()}).float()
        tokens = layouts.unit(raw.encode_image(layouts.pixels(96, MEAN, STD))[0])
        assert np.allclose(tokens[0], cls[0], atol=1e-5)  # open_clip and the published raw model agree
        assert np.allclose(texts, layouts.unit(raw.encode_text(layouts.ids(20))), atol=1e-5)
    write_openai(folders[0], model, state)
    for folder in folders:
        layouts.write_vocabulary(folder)
    layouts.expect(folders[0], tokens, texts)
    layouts.expect(folders[1], tokens, texts)
    for side, tail in ((96, ""), (OTHER, f"-{OTHER}")):
        for name, paper in (("surgery", False), ("surgery_paper", True)):
            surgery(published, state, side, paper).astype("<f4").tofile(os.path.join(folders[0], f"expected-{name}{tail}.f32"))
        with open(os.path.join(args.root, f"picture-{side}.ppm"), "wb") as f:
            f.write(b"P6\n%d %d\n255\n" % (side, side) + layouts.picture(side).tobytes())


if __name__ == "__main__":
    main()
