#!/usr/bin/env python3
"""Write small checkpoints of every layout with the libraries that publish in it, and what those libraries compute from them.

    make_layouts.py tests/golden/layouts

Needs torch, transformers, open_clip_torch, safetensors, numpy. Weights are random; `openai`, `open-clip` and `hugging-face` hold
the same ones, in OpenAI's mix of half and single precision. Each folder is a model, with expected-*.f32 (little-endian) beside it:
tokens [1 + grid * grid, embed_dim], projected and normalised, and texts [texts, embed_dim]. The picture is picture.ppm of the
size that the models want, so that nothing is resized.
"""
import json
import os
import shutil
import sys

import numpy as np
import open_clip
import torch
import transformers
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg, CustomTextCLIP
from safetensors.torch import save_file

TEXTS = ["dog", "a photo of a horse", "two cats, sleeping", "", "it's a person's bench"]
START, END = "<|startoftext|>", "<|endoftext|>"
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")


def byte_symbols():
    """The printable characters that stand for bytes, in CLIP's order."""
    plain = list(range(0x21, 0x7F)) + list(range(0xA1, 0xAD)) + list(range(0xAE, 0x100))
    others = [b for b in range(256) if b not in plain]
    return [chr(b) for b in plain] + [chr(256 + i) for i in range(len(others))]


def small_vocabulary():
    """CLIP's merges as far as the texts need them, and ids by CLIP's rule."""
    with open(os.path.join(ROOT, "assets/clip-bpe/merges.txt"), encoding="utf-8") as f:
        ranks = {tuple(line.split()): i for i, line in enumerate(f.read().splitlines()[1:])}
    used = set()
    for word in " ".join(TEXTS).replace("'", " '").replace(",", " ,").split():
        parts = list(word[:-1]) + [word[-1] + "</w>"]
        while len(parts) > 1:
            rank, at = min((ranks.get(pair, 1 << 30), i) for i, pair in enumerate(zip(parts, parts[1:])))
            if rank == 1 << 30:
                break
            used.add(rank)
            parts[at:at + 2] = [parts[at] + parts[at + 1]]
    by_rank = {r: pair for pair, r in ranks.items()}
    merges = [by_rank[r] for r in sorted(used)]
    symbols = byte_symbols()
    tokens = symbols + [s + "</w>" for s in symbols] + ["".join(m) for m in merges] + [START, END]
    return {t: i for i, t in enumerate(tokens)}, merges


VOCAB, MERGES = small_vocabulary()


def write_vocabulary(folder):
    with open(os.path.join(folder, "vocab.json"), "w", encoding="utf-8") as f:
        json.dump(VOCAB, f)
    with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as f:
        f.write("#version: 0.2\n" + "".join(" ".join(m) + "\n" for m in MERGES))


def ids(context, tokenizer=None):
    """[texts, context], filled with zeros behind the end, as CLIP does."""
    tokenizer = tokenizer or transformers.CLIPTokenizer(vocab=VOCAB, merges=[tuple(m) for m in MERGES])
    out = torch.zeros(len(TEXTS), context, dtype=torch.long)
    for row, text in zip(out, TEXTS):
        tokens = tokenizer(text)["input_ids"]
        assert len(tokens) <= context and tokens[0] == VOCAB[START] and tokens[-1] == VOCAB[END], tokens
        row[:len(tokens)] = torch.tensor(tokens)
    return out


def picture(side):
    y, x = np.mgrid[0:side, 0:side] / side
    rng = np.random.default_rng(side)
    planes = [np.sin(7 * x + 3 * y), np.cos(5 * y * x + 1), x * y]
    rgb = np.stack([127 + 90 * p for p in planes], -1) + rng.integers(-30, 30, (side, side, 3))
    return np.clip(rgb, 0, 255).astype(np.uint8)


def pixels(side, mean, std):
    rgb = torch.from_numpy(picture(side)).float() / 255
    return ((rgb - torch.tensor(mean)) / torch.tensor(std)).permute(2, 0, 1)[None]


def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, p in sorted(model.named_parameters()):
        noise = torch.randn(p.shape, generator=generator)
        flat = p.dim() == 1 and "norm" not in name and "ln_" not in name
        if "ln_" in name and name.endswith("weight"):
            p.data = 1 + 0.1 * noise
        elif p.dim() < 2:
            p.data = 0.1 * noise if flat or name.endswith("bias") else noise
        else:
            p.data = noise * (1.5 / p[0].numel() ** 0.5 if "embedding" not in name else 0.5)
    return model


def openai_mix(state):
    """The types of OpenAI's archives: matrices of layers in half, embeddings and norms in single precision."""
    half = (".attn.", ".mlp.", "conv1.", "text_projection", "visual.proj")
    return {k: v.half() if any(h in k for h in half) else v for k, v in state.items()}


def unit(x):
    return (x / x.norm(dim=-1, keepdim=True)).detach().float().numpy()


def expect(folder, tokens, texts):
    for name, value in (("tokens", tokens), ("texts", texts)):
        value.astype("<f4").tofile(os.path.join(folder, f"expected-{name}.f32"))


def open_clip_outputs(model, side, context, mean, std):
    """Both sides of an open_clip model in single precision, all image tokens projected."""
    model = model.float().eval()
    with torch.no_grad():
        v = model.visual
        x = v._embeds(pixels(side, mean, std))
        x = v.transformer(x)
        tokens = v.ln_post(x) @ v.proj
        cls = model.encode_image(pixels(side, mean, std))
        assert torch.allclose(cls[0], tokens[0, 0], atol=1e-5)
        return unit(tokens[0]), unit(model.encode_text(ids(context)))


def write_open_clip(folder, model, cfg, mean, std, convert):
    os.makedirs(folder)
    state = {k: v.contiguous() for k, v in convert(model.state_dict()).items()}
    save_file(state, os.path.join(folder, "open_clip_model.safetensors"), metadata={"format": "pt"})
    with open(os.path.join(folder, "open_clip_config.json"), "w", encoding="utf-8") as f:
        json.dump({"model_cfg": cfg, "preprocess_cfg": {"mean": mean, "std": std}}, f, indent=1)
    write_vocabulary(folder)
    model.load_state_dict(state)
    expect(folder, *open_clip_outputs(model, cfg["vision_cfg"]["image_size"], cfg["text_cfg"]["context_length"], mean, std))


def build(cfg, seed, kind=CLIP):
    args = {k: v for k, v in cfg.items() if k not in ("vision_cfg", "text_cfg", "custom_text")}
    model = kind(vision_cfg=CLIPVisionCfg(**cfg["vision_cfg"]), text_cfg=CLIPTextCfg(**cfg["text_cfg"]), **args)
    return randomise(model, seed)


def write_openai(folder, model, cfg, mean, std):
    os.makedirs(folder)
    side, context = cfg["vision_cfg"]["image_size"], cfg["text_cfg"]["context_length"]
    model = model.float().eval()
    for name, value in (("input_resolution", side), ("context_length", context), ("vocab_size", cfg["text_cfg"]["vocab_size"])):
        if not hasattr(model, name):
            model.register_buffer(name, torch.tensor(value))
    CLIP.attn_mask = model._buffers.pop("attn_mask")  # a constant of the program in OpenAI's archives, not one of the tensors
    traced = torch.jit.trace_module(model, {"forward": (torch.zeros(1, 3, side, side), torch.zeros(1, context, dtype=torch.long))})
    del CLIP.attn_mask
    mixed = openai_mix(dict(traced.named_parameters()))
    for name, p in traced.named_parameters():
        p.data = mixed[name].data
    path = os.path.join(folder, "ViT-tiny.pt")
    traced.save(path)
    write_vocabulary(folder)
    expect(folder, *open_clip_outputs(open_clip.load_openai_model(path, device="cpu"), side, context, mean, std))


def hf_names(state, config):
    """OpenAI's names to Hugging Face's; q, k and v come apart."""
    out = {"visual_projection.weight": state["visual.proj"].T, "text_projection.weight": state["text_projection"].T,
           "logit_scale": state["logit_scale"],
           "vision_model.embeddings.class_embedding": state["visual.class_embedding"],
           "vision_model.embeddings.patch_embedding.weight": state["visual.conv1.weight"],
           "vision_model.embeddings.position_embedding.weight": state["visual.positional_embedding"],
           "text_model.embeddings.token_embedding.weight": state["token_embedding.weight"],
           "text_model.embeddings.position_embedding.weight": state["positional_embedding"]}
    for new, old in (("vision_model.pre_layrnorm", "visual.ln_pre"), ("vision_model.post_layernorm", "visual.ln_post"),
                     ("text_model.final_layer_norm", "ln_final")):
        for part in ("weight", "bias"):
            out[f"{new}.{part}"] = state[f"{old}.{part}"]
    inner = (("layer_norm1", "ln_1"), ("layer_norm2", "ln_2"), ("self_attn.out_proj", "attn.out_proj"), ("mlp.fc1", "mlp.c_fc"),
             ("mlp.fc2", "mlp.c_proj"))
    towers = (("vision_model.encoder.layers", "visual.transformer.resblocks", config.vision_config.num_hidden_layers),
              ("text_model.encoder.layers", "transformer.resblocks", config.text_config.num_hidden_layers))
    for new, old, layers in towers:
        for i in range(layers):
            for part in ("weight", "bias"):
                for a, b in inner:
                    out[f"{new}.{i}.{a}.{part}"] = state[f"{old}.{i}.{b}.{part}"]
                for name, piece in zip("qkv", state[f"{old}.{i}.attn.in_proj_{part}"].chunk(3)):
                    out[f"{new}.{i}.self_attn.{name}_proj.{part}"] = piece
    return {k: v.contiguous() for k, v in out.items()}


def write_hugging_face(folder, model, mean, std, **save):
    os.makedirs(folder)
    model.save_pretrained(folder, **save)
    transformers.CLIPTokenizer(vocab=VOCAB, merges=[tuple(m) for m in MERGES]).save_pretrained(folder)
    for name in os.listdir(folder):  # written by this library, not by older ones; the test wants tokenizer.json alone
        if name in ("vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"):
            os.remove(os.path.join(folder, name))
    with open(os.path.join(folder, "preprocessor_config.json"), "w", encoding="utf-8") as f:
        json.dump({"do_normalize": True, "image_mean": mean, "image_std": std}, f, indent=1)
    config = model.config
    again = transformers.CLIPModel.from_pretrained(folder, dtype=torch.float32).float().eval()
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder)
    side, context = config.vision_config.image_size, config.text_config.max_position_embeddings
    with torch.no_grad():
        seen = again.vision_model(pixels(side, mean, std)).last_hidden_state
        tokens = again.visual_projection(again.vision_model.post_layernorm(seen))
        cls = again.get_image_features(pixels(side, mean, std))
        cls = getattr(cls, "pooler_output", cls)
        assert torch.allclose(cls[0], tokens[0, 0], atol=1e-5)
        texts = again.get_text_features(ids(context, tokenizer))
        texts = getattr(texts, "pooler_output", texts)
    expect(folder, unit(tokens[0]), unit(texts))


def main():
    root = sys.argv[1]
    torch.manual_seed(1)
    mean, std = list(open_clip.OPENAI_DATASET_MEAN), list(open_clip.OPENAI_DATASET_STD)
    folders = ("openai", "open-clip", "hugging-face", "open-clip-g14", "open-clip-custom", "hugging-face-shards")
    for name in folders:
        shutil.rmtree(os.path.join(root, name), ignore_errors=True)

    # One checkpoint in three layouts.
    cfg = {"embed_dim": 64, "quick_gelu": True, "vision_cfg": {"image_size": 48, "layers": 2, "width": 64, "patch_size": 8},
           "text_cfg": {"context_length": 20, "vocab_size": len(VOCAB), "width": 64, "heads": 1, "layers": 1}}
    model = build(cfg, 1)
    write_open_clip(os.path.join(root, "open-clip"), model, cfg, mean, std, openai_mix)
    write_openai(os.path.join(root, "openai"), model, cfg, mean, std)
    hf = transformers.CLIPConfig(
        projection_dim=64,
        vision_config=dict(hidden_size=64, intermediate_size=256, num_hidden_layers=2, num_attention_heads=1, image_size=48,
                           patch_size=8),
        text_config=dict(hidden_size=64, intermediate_size=256, num_hidden_layers=1, num_attention_heads=1,
                         max_position_embeddings=20, vocab_size=len(VOCAB), bos_token_id=VOCAB[START], eos_token_id=VOCAB[END]))
    state = hf_names({k: v for k, v in openai_mix(model.state_dict()).items()}, hf)
    hf_model = transformers.CLIPModel(hf)
    for name, p in hf_model.named_parameters():
        p.data = state.pop(name).clone()
    assert not state, state.keys()
    write_hugging_face(os.path.join(root, "hugging-face"), hf_model, mean, std)

    # Small forms of open_clip's larger models: exact GELU, heads of their own width, an MLP that is no multiple of the width.
    odd_mean, odd_std = [0.5, 0.4, 0.3], [0.25, 0.3, 0.2]
    cfg = {"embed_dim": 20, "vision_cfg": {"image_size": 42, "layers": 7, "width": 24, "head_width": 12, "mlp_ratio": 4.3637,
                                          "patch_size": 14},
           "text_cfg": {"context_length": 16, "vocab_size": len(VOCAB), "width": 16, "heads": 2, "layers": 2}}
    write_open_clip(os.path.join(root, "open-clip-g14"), build(cfg, 2), cfg, odd_mean, odd_std,
                    lambda state: {k: v.bfloat16() for k, v in state.items()})
    cfg = {"embed_dim": 12, "custom_text": True, "vision_cfg": {"image_size": 28, "layers": 2, "width": 16, "head_width": 8,
                                                               "patch_size": 14},
           "text_cfg": {"context_length": 24, "vocab_size": len(VOCAB), "width": 12, "heads": 2, "layers": 1}}
    write_open_clip(os.path.join(root, "open-clip-custom"), build(cfg, 3, CustomTextCLIP), cfg, mean, std,
                    lambda state: {k: v.half() if "resblocks" in k else v for k, v in state.items()})

    hf = transformers.CLIPConfig(
        projection_dim=20,
        vision_config=dict(hidden_size=24, intermediate_size=56, num_hidden_layers=3, num_attention_heads=3, image_size=32,
                           patch_size=8, hidden_act="gelu", layer_norm_eps=1e-4),
        text_config=dict(hidden_size=16, intermediate_size=40, num_hidden_layers=2, num_attention_heads=2, hidden_act="gelu",
                         layer_norm_eps=1e-4, max_position_embeddings=18, vocab_size=len(VOCAB), bos_token_id=VOCAB[START],
                         eos_token_id=VOCAB[END]))
    hf_model = randomise(transformers.CLIPModel(hf), 4).to(torch.bfloat16)
    write_hugging_face(os.path.join(root, "hugging-face-shards"), hf_model, odd_mean, odd_std, max_shard_size="30KB")

    for side in (28, 32, 42, 48):
        with open(os.path.join(root, f"picture-{side}.ppm"), "wb") as f:
            f.write(b"P6\n%d %d\n255\n" % (side, side) + picture(side).tobytes())
    with open(os.path.join(root, "texts.txt"), "w", encoding="utf-8") as f:
        f.write("".join(t + "\n" for t in TEXTS))


if __name__ == "__main__":
    main()
