#!/usr/bin/env python3
"""Write a CLIP checkpoint of random but fixed weights, in the layouts in which real ones are published.

    make_model.py ARCH OUT_DIR [--seed N] [--format open_clip|hf] [--dtype f32|f16] [--exact-gelu] [--head-width N]
                  [--explain]

ARCH is one of ARCHS below. The same ARCH, seed and dtype give the same tensors in both formats, so a
loader can be checked against itself; `sha256` of each written file is printed. Needs numpy alone.
--exact-gelu and --head-width change the configuration only: the same tensors are read as another network.
--explain adds visual.proj_explain, ECLIP's projection of the patches; the other tensors stay the same (open_clip alone).
  open_clip: open_clip_model.safetensors + open_clip_config.json (tensor names as OpenAI's state dict)
  hf:        model.safetensors + config.json                      (tensor names as transformers' CLIPModel)
The tokenizer of both is CLIP's own BPE (49,408 tokens), which this file does not write.
"""
import argparse, hashlib, json, os, struct
import numpy as np

#            embed image patch vwidth vlayers  twidth tlayers
ARCHS = {
    "mini":  (64,  112,  16,   128,   8,       128,   2),     # 49 patches: seconds on a CPU
    "b32":   (512, 224,  32,   768,   12,      512,   12),
    "b16":   (512, 224,  16,   768,   12,      512,   12),
    "l14":   (768, 224,  14,   1024,  24,      768,   12),
}
VOCAB, CONTEXT = 49408, 77


def tensors(arch, seed):
    """Yield (OpenAI name, float32 array). Scales are those that keep attention far from uniform."""
    embed, image, patch, vw, vl, tw, tl = ARCHS[arch]
    rng = np.random.Generator(np.random.PCG64(seed))

    def n(std, *shape):
        return (rng.standard_normal(shape, dtype=np.float32) * np.float32(std))

    def block(prefix, w, layers):
        for i in range(layers):
            p = f"{prefix}.resblocks.{i}."
            yield p + "attn.in_proj_weight", n(1.6 * w ** -0.5, 3 * w, w)
            yield p + "attn.in_proj_bias", n(0.1, 3 * w)
            yield p + "attn.out_proj.weight", n(w ** -0.5, w, w)
            yield p + "attn.out_proj.bias", n(0.05, w)
            for ln in ("ln_1", "ln_2"):
                yield p + ln + ".weight", 1 + n(0.1, w)
                yield p + ln + ".bias", n(0.05, w)
            yield p + "mlp.c_fc.weight", n(w ** -0.5, 4 * w, w)
            yield p + "mlp.c_fc.bias", n(0.1, 4 * w)
            yield p + "mlp.c_proj.weight", n((4 * w) ** -0.5, w, 4 * w)
            yield p + "mlp.c_proj.bias", n(0.05, w)

    yield "positional_embedding", n(0.3, CONTEXT, tw)
    yield "text_projection", n(tw ** -0.5, tw, embed)
    yield "logit_scale", np.array(np.log(100.0), np.float32)
    yield "visual.class_embedding", n(0.5, vw)
    yield "visual.positional_embedding", n(0.5, (image // patch) ** 2 + 1, vw)
    yield "visual.proj", n(vw ** -0.5, vw, embed)
    yield "visual.conv1.weight", n((3 * patch * patch) ** -0.5, vw, 3, patch, patch)
    for ln, w in (("visual.ln_pre", vw), ("visual.ln_post", vw), ("ln_final", tw)):
        yield ln + ".weight", 1 + n(0.1, w)
        yield ln + ".bias", n(0.05, w)
    yield "token_embedding.weight", n(0.5, VOCAB, tw)
    yield from block("visual.transformer", vw, vl)
    yield from block("transformer", tw, tl)


def explain(arch, seed):
    """The same for the one tensor more, from random numbers of its own."""
    embed, _, _, width, *_ = ARCHS[arch]
    rng = np.random.Generator(np.random.PCG64([seed, 1]))
    yield "visual.proj_explain", rng.standard_normal((width, embed), dtype=np.float32) * np.float32(width ** -0.5)


def to_hf(named):
    """Rename (and split or transpose) OpenAI tensors as transformers' CLIPModel stores them."""
    fixed = {
        "positional_embedding": "text_model.embeddings.position_embedding.weight",
        "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
        "visual.class_embedding": "vision_model.embeddings.class_embedding",
        "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
        "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
        "logit_scale": "logit_scale",
    }
    for name, a in named:
        if name in fixed:
            yield fixed[name], a
        elif name == "text_projection":
            yield "text_projection.weight", np.ascontiguousarray(a.T)
        elif name == "visual.proj":
            yield "visual_projection.weight", np.ascontiguousarray(a.T)
        elif ".resblocks." in name:
            tower = "vision_model" if name.startswith("visual.") else "text_model"
            layer, rest = name.split(".resblocks.")[1].split(".", 1)
            p = f"{tower}.encoder.layers.{layer}."
            if rest.startswith("attn.in_proj_"):
                kind = rest.rsplit("_", 1)[1]
                for part, x in zip("qkv", np.split(a, 3, 0)):
                    yield f"{p}self_attn.{part}_proj.{kind}", np.ascontiguousarray(x)
            else:
                for old, new in (("attn.out_proj", "self_attn.out_proj"), ("ln_1", "layer_norm1"), ("ln_2", "layer_norm2"),
                                 ("mlp.c_fc", "mlp.fc1"), ("mlp.c_proj", "mlp.fc2")):
                    if rest.startswith(old):
                        yield p + rest.replace(old, new), a
        else:
            ln, kind = name.rsplit(".", 1)
            new = {"visual.ln_pre": "vision_model.pre_layrnorm", "visual.ln_post": "vision_model.post_layernorm",
                   "ln_final": "text_model.final_layer_norm"}[ln]
            yield f"{new}.{kind}", a


def write_tensors(f, named, dtype):
    """The safetensors format: length, header, data."""
    named = [(k, np.ascontiguousarray(v.astype({"f32": "<f4", "f16": "<f2"}[dtype]))) for k, v in named]
    head, at = {"__metadata__": {"format": "pt"}}, 0
    for k, v in named:
        head[k] = {"dtype": dtype.upper(), "shape": list(v.shape), "data_offsets": [at, at + v.nbytes]}
        at += v.nbytes
    h = json.dumps(head, separators=(",", ":")).encode()
    h += b" " * (-len(h) % 8)
    f.write(struct.pack("<Q", len(h)) + h)
    for _, v in named:
        f.write(v.tobytes())


def write_safetensors(path, named, dtype):
    with open(path, "wb") as f:
        write_tensors(f, named, dtype)
    print(hashlib.sha256(open(path, "rb").read()).hexdigest(), os.path.basename(path))


class Digest:
    """A file that keeps its SHA-256 alone."""

    def __init__(self):
        self.h = hashlib.sha256()
        self.write = self.h.update


def sha256(arch, seed):
    """Of open_clip_model.safetensors in f32, without writing it."""
    digest = Digest()
    write_tensors(digest, tensors(arch, seed), "f32")
    return digest.h.hexdigest()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("arch", choices=ARCHS)
    ap.add_argument("out")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--format", default="open_clip", choices=("open_clip", "hf"))
    ap.add_argument("--dtype", default="f32", choices=("f32", "f16"))
    ap.add_argument("--exact-gelu", action="store_true", help="x * Phi(x) in place of QuickGELU")
    ap.add_argument("--head-width", type=int, default=64, help="of both towers; must divide their widths")
    ap.add_argument("--explain", action="store_true", help="with visual.proj_explain")
    a = ap.parse_args()
    os.makedirs(a.out, exist_ok=True)
    embed, image, patch, vw, vl, tw, tl = ARCHS[a.arch]
    if a.format == "open_clip":
        named = [*tensors(a.arch, a.seed), *(explain(a.arch, a.seed) if a.explain else ())]
        write_safetensors(os.path.join(a.out, "open_clip_model.safetensors"), named, a.dtype)
        vision = {"image_size": image, "layers": vl, "width": vw, "patch_size": patch}
        if a.head_width != 64:
            vision["head_width"] = a.head_width
        cfg = {"model_cfg": {"embed_dim": embed, "quick_gelu": not a.exact_gelu, "vision_cfg": vision,
                             "text_cfg": {"context_length": CONTEXT, "vocab_size": VOCAB, "width": tw, "heads": tw // a.head_width,
                                          "layers": tl}},
               "preprocess_cfg": {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711]}}
        json.dump(cfg, open(os.path.join(a.out, "open_clip_config.json"), "w"), indent=1)
    else:
        act = "gelu" if a.exact_gelu else "quick_gelu"
        write_safetensors(os.path.join(a.out, "model.safetensors"), to_hf(tensors(a.arch, a.seed)), a.dtype)
        cfg = {"architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": embed,
               "vision_config": {"hidden_act": act, "hidden_size": vw, "intermediate_size": 4 * vw, "image_size": image,
                                 "num_attention_heads": vw // a.head_width, "num_hidden_layers": vl, "patch_size": patch, "layer_norm_eps": 1e-5},
               "text_config": {"hidden_act": act, "hidden_size": tw, "intermediate_size": 4 * tw, "num_attention_heads": tw // a.head_width,
                               "num_hidden_layers": tl, "max_position_embeddings": CONTEXT, "vocab_size": VOCAB, "layer_norm_eps": 1e-5}}
        json.dump(cfg, open(os.path.join(a.out, "config.json"), "w"), indent=1)


if __name__ == "__main__":
    main()
