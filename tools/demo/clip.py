"""CLIP of OpenAI's architecture in PyTorch, and its export in open_clip's layout."""
import json
import math
import os
import struct

import torch
import torch.nn as nn
import torch.nn.functional as F

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
PATCH, HEAD = 16, 64


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.heads = width // HEAD
        self.in_proj_weight, self.in_proj_bias = nn.Parameter(torch.empty(3 * width, width)), nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x, causal):
        n, t, w = x.shape
        q, k, v = F.linear(x, self.in_proj_weight, self.in_proj_bias).view(n, t, 3, self.heads, HEAD).permute(2, 0, 3, 1, 4)
        return self.out_proj(F.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2).reshape(n, t, w))


class MLP(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.c_fc, self.c_proj = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        # QuickGELU, h sigmoid(1.702 h), is silu(1.702 h) / 1.702: one pass over the activations where the factors go into the weights.
        h = F.silu(F.linear(x, self.c_fc.weight * 1.702, self.c_fc.bias * 1.702))
        return F.linear(h, self.c_proj.weight / 1.702, self.c_proj.bias)


class Block(nn.Module):
    def __init__(self, width, layers):
        super().__init__()
        self.attn, self.ln_1, self.mlp, self.ln_2 = Attention(width), nn.LayerNorm(width), MLP(width), nn.LayerNorm(width)
        nn.init.normal_(self.attn.in_proj_weight, std=width ** -0.5)
        nn.init.normal_(self.mlp.c_fc.weight, std=(2 * width) ** -0.5)
        for out in (self.attn.out_proj, self.mlp.c_proj):
            nn.init.normal_(out.weight, std=width ** -0.5 * (2 * layers) ** -0.5)
            nn.init.zeros_(out.bias)

    def look_alike(self):
        """Each head starts by attending to what is alike, place included (mimetic initialization, Trockman and Kolter 2023): a tower
        of few pictures gains what a convolution has for nothing."""
        w = self.attn.in_proj_weight.shape[1]
        with torch.no_grad():
            for h in range(self.attn.heads):
                u, s, v = torch.linalg.svd(0.7 * torch.randn(w, w) * w ** -0.5 + 0.7 * torch.eye(w))
                root = s[:HEAD].sqrt()[:, None]
                self.attn.in_proj_weight[h * HEAD:(h + 1) * HEAD] = root * u[:, :HEAD].t()
                self.attn.in_proj_weight[w + h * HEAD:w + (h + 1) * HEAD] = root * v[:HEAD]

    def forward(self, x, causal=False, drop=0.0):
        if drop and self.training:
            keep = (torch.rand(2, x.shape[0], 1, 1, device=x.device) >= drop).to(x) / (1 - drop)
            x = x + keep[0] * self.attn(self.ln_1(x), causal)
            return x + keep[1] * self.mlp(self.ln_2(x))
        x = x + self.attn(self.ln_1(x), causal)
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    def __init__(self, width, layers):
        super().__init__()
        self.resblocks = nn.ModuleList(Block(width, layers) for _ in range(layers))


def waves(side, width):
    """Sines and cosines of the place of each of side x side patches, [side², width]."""
    rate = 1 / 10000 ** (torch.arange(width // 4) / (width // 4))
    angle = torch.arange(side)[:, None] * rate * (8 / side) * 1.0
    axis = torch.cat([angle.sin(), angle.cos()], 1)
    y, x = axis[:, None].expand(side, side, -1), axis[None].expand(side, side, -1)
    return torch.cat([y, x], 2).reshape(side * side, width)


class Visual(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        w, self.side, self.middle, self.drop = cfg["width"], cfg["image_px"] // PATCH, cfg["middle"], cfg["drop_path"]
        self.conv1 = nn.Conv2d(3, w, PATCH, PATCH, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(w) * w ** -0.5)
        self.positional_embedding = nn.Parameter(torch.cat([torch.randn(1, w) * w ** -0.5, waves(self.side, w)]))
        self.ln_pre, self.transformer, self.ln_post = nn.LayerNorm(w), Transformer(w, cfg["layers"]), nn.LayerNorm(w)
        self.proj = nn.Parameter(torch.randn(w, cfg["embed"]) * w ** -0.5)
        for block in self.transformer.resblocks:
            block.look_alike()

    def places(self, side):
        if side == self.side:
            return self.positional_embedding
        grid = self.positional_embedding[1:].t().reshape(1, -1, self.side, self.side)
        grid = F.interpolate(grid, size=(side, side), mode="bicubic", align_corners=False)
        return torch.cat([self.positional_embedding[:1], grid.flatten(2)[0].t()])

    def forward(self, x, keep=1.0):
        """(feature [N, embed], the middle block's patch tokens [N, P, width]); of the patches only a share goes on behind the middle."""
        n, side, blocks = x.shape[0], x.shape[-1] // PATCH, self.transformer.resblocks
        x = F.linear(x.reshape(n, 3, side, PATCH, side, PATCH).permute(0, 2, 4, 1, 3, 5).reshape(n, side * side, -1),
                     self.conv1.weight.flatten(1))
        x = torch.cat([self.class_embedding.expand(n, 1, -1).to(x), x], 1) + self.places(side).to(x)
        x = self.ln_pre(x)
        for i, block in enumerate(blocks):
            x = block(x, drop=self.drop * i / len(blocks))
            if i + 1 == self.middle:
                middle = x[:, 1:]
                if keep < 1:
                    count = int(keep * side * side)
                    chosen = torch.rand(n, side * side, device=x.device).argsort(1)[:, :count, None].expand(-1, -1, x.shape[2])
                    x = torch.cat([x[:, :1], middle.gather(1, chosen)], 1)
        return self.ln_post(x[:, 0]) @ self.proj, middle


class CLIP(nn.Module):
    def __init__(self, cfg, vocabulary):
        super().__init__()
        w = cfg["text_width"]
        self.visual, self.transformer = Visual(cfg), Transformer(w, cfg["text_layers"])
        self.token_embedding = nn.Embedding(vocabulary, w)
        self.positional_embedding = nn.Parameter(torch.randn(cfg["context"], w) * 0.01)
        self.ln_final, self.text_projection = nn.LayerNorm(w), nn.Parameter(torch.randn(w, cfg["embed"]) * w ** -0.5)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(10.0)))
        nn.init.normal_(self.token_embedding.weight, std=0.02)

    def encode_text(self, ids):
        x = self.token_embedding(ids) + self.positional_embedding[:ids.shape[1]]
        for block in self.transformer.resblocks:
            x = block(x, causal=True)
        return self.ln_final(x[torch.arange(len(ids), device=ids.device), ids.argmax(-1)]) @ self.text_projection


def write(path, data):
    with open(path + ".part", "wb") as f:
        f.write(data)
    os.replace(path + ".part", path)


def export(state, cfg, tokenizer, known, folder):
    os.makedirs(folder, exist_ok=True)
    head, blobs, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name in sorted(state):
        a = state[name].float().cpu().contiguous().numpy().astype("<f2")
        head[name] = {"dtype": "F16", "shape": list(a.shape), "data_offsets": [at, at + a.nbytes]}
        at += a.nbytes
        blobs.append(a.tobytes())
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    write(os.path.join(folder, "open_clip_model.safetensors"), struct.pack("<Q", len(text)) + text + b"".join(blobs))
    config = {
        "model_cfg": {
            "embed_dim": cfg["embed"], "quick_gelu": True,
            "vision_cfg": {"image_size": cfg["image_px"], "layers": cfg["layers"], "width": cfg["width"], "patch_size": PATCH},
            "text_cfg": {"context_length": cfg["context"], "vocab_size": len(tokenizer.ids), "width": cfg["text_width"],
                         "heads": cfg["text_width"] // HEAD, "layers": cfg["text_layers"]},
        },
        "preprocess_cfg": {"mean": list(MEAN), "std": list(STD)},
    }
    write(os.path.join(folder, "open_clip_config.json"), json.dumps(config, indent=1).encode() + b"\n")
    tokenizer.save(folder)
    write(os.path.join(folder, "known_words.txt"), "".join(w + "\n" for w in known).encode())
