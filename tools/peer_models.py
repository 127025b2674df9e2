"""The published method in PyTorch, written from docs/method.md: what `./do bench` compares with.

The image tower with the second path, the text tower over padded prompts, feature surgery element by element and the finished maps are
computed as the published code computes them, step for step; so they take the time that it takes, and the goldens' figures come out.
Weights are those of make_model.py.
"""
import numpy as np
import torch
from torch import nn

import make_model


class Block(nn.Module):
    def __init__(self, state, prefix, width):
        super().__init__()
        self.heads = width // 64
        take = lambda name: nn.Parameter(state[prefix + name], requires_grad=False)
        self.in_w, self.in_b = take("attn.in_proj_weight"), take("attn.in_proj_bias")
        self.out_w, self.out_b = take("attn.out_proj.weight"), take("attn.out_proj.bias")
        self.n1_w, self.n1_b = take("ln_1.weight"), take("ln_1.bias")
        self.n2_w, self.n2_b = take("ln_2.weight"), take("ln_2.bias")
        self.fc_w, self.fc_b = take("mlp.c_fc.weight"), take("mlp.c_fc.bias")
        self.proj_w, self.proj_b = take("mlp.c_proj.weight"), take("mlp.c_proj.bias")

    def qkv(self, x):
        """q, k and v of each head: [batch, heads, tokens, 64]."""
        b, n, width = x.shape
        h = nn.functional.layer_norm(x, (width,), self.n1_w, self.n1_b)
        return nn.functional.linear(h, self.in_w, self.in_b).reshape(b, n, 3, self.heads, 64).permute(2, 0, 3, 1, 4)

    def attend(self, p, q, v, mask=None):
        """softmax(p q^T / 8) v, projected."""
        scores = (p @ q.transpose(-2, -1)) * 0.125
        if mask is not None:
            scores = scores + mask
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)
        return nn.functional.linear(mixed, self.out_w, self.out_b)

    def mlp(self, x):
        h = nn.functional.layer_norm(x, (x.shape[-1],), self.n2_w, self.n2_b)
        h = nn.functional.linear(h, self.fc_w, self.fc_b)
        return nn.functional.linear(h * torch.sigmoid(1.702 * h), self.proj_w, self.proj_b)


class ImageTower(nn.Module):
    """[1, 3, size, size], normalised -> tokens [1, 1 + grid^2, embed]: the second path's patches and the first one's CLS."""

    def __init__(self, state, arch, size, dual_blocks=6):
        super().__init__()
        _, image, self.patch, self.width, layers, _, _ = make_model.ARCHS[arch]
        self.blocks = nn.ModuleList(Block(state, f"visual.transformer.resblocks.{i}.", self.width) for i in range(layers))
        self.first_dual = layers - dual_blocks
        take = lambda name: nn.Parameter(state["visual." + name], requires_grad=False)
        self.conv, self.cls, self.proj = take("conv1.weight"), take("class_embedding"), take("proj")
        self.pre_w, self.pre_b, self.post_w, self.post_b = (take(n) for n in ("ln_pre.weight", "ln_pre.bias", "ln_post.weight", "ln_post.bias"))
        position, side, new = state["visual.positional_embedding"], image // self.patch, size // self.patch
        if side != new:
            grid = position[1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
            grid = nn.functional.interpolate(grid, (new, new), mode="bilinear")
            position = torch.cat([position[:1], grid[0].flatten(1).T], 0)
        self.position = nn.Parameter(position, requires_grad=False)

    def forward(self, picture):
        x = nn.functional.conv2d(picture, self.conv, stride=self.patch).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], 1, -1), x], 1) + self.position
        x = nn.functional.layer_norm(x, (self.width,), self.pre_w, self.pre_b)
        second = x
        for i, block in enumerate(self.blocks):
            q, k, v = block.qkv(x)
            if i == self.first_dual:
                second = x
            if i >= self.first_dual:
                second = second + block.attend(v, v, v)
            x = x + block.attend(q, k, v)
            x = x + block.mlp(x)
        y = torch.cat([x[:, :1], second[:, 1:]], 1)
        y = nn.functional.layer_norm(y, (self.width,), self.post_w, self.post_b) @ self.proj
        return y / y.norm(dim=-1, keepdim=True)


class TextTower(nn.Module):
    """ids [prompts, 77], padded with zeros behind the end, which has the greatest id -> [prompts, embed]."""

    def __init__(self, state, arch):
        super().__init__()
        _, _, _, _, _, self.width, layers = make_model.ARCHS[arch]
        self.blocks = nn.ModuleList(Block(state, f"transformer.resblocks.{i}.", self.width) for i in range(layers))
        take = lambda name: nn.Parameter(state[name], requires_grad=False)
        self.table, self.position, self.proj = take("token_embedding.weight"), take("positional_embedding"), take("text_projection")
        self.n_w, self.n_b = take("ln_final.weight"), take("ln_final.bias")
        self.register_buffer("mask", torch.full((77, 77), float("-inf")).triu(1))

    def forward(self, ids):
        x = nn.functional.embedding(ids, self.table) + self.position
        for block in self.blocks:
            q, k, v = block.qkv(x)
            x = x + block.attend(q, k, v, self.mask)
            x = x + block.mlp(x)
        x = nn.functional.layer_norm(x, (self.width,), self.n_w, self.n_b)
        return x[torch.arange(x.shape[0]), ids.argmax(-1)] @ self.proj


def state_of(arch, seed):
    return {k: torch.from_numpy(np.array(v)) for k, v in make_model.tensors(arch, seed)}


def ensemble(tower, prompts_of_texts):
    """The mean of the normalised features of each text's prompts, normalised: a pass for each text."""
    out = []
    for ids in prompts_of_texts:
        f = tower(ids)
        f = f / f.norm(dim=-1, keepdim=True)
        f = f.mean(0)
        out.append(f / f.norm())
    return torch.stack(out)


def feature_surgery(tokens, texts):
    """[1, n, embed] and [labels, embed] -> similarities [1, n, labels]; all products are there at once, as published."""
    weights = ((tokens[:, :1] @ texts.t()) * 2).softmax(-1)
    weights = weights / weights.mean(-1, keepdim=True)
    products = tokens[:, :, None, :] * texts[None, None]
    products *= weights[..., None]
    products = products - products.mean(2, keepdim=True)
    return products.sum(-1)


def finished_maps(similarity, height, width):
    """[1, cells, labels] -> [1, height, width, labels], each label from 0 to 1."""
    low, high = similarity.min(1, keepdim=True)[0], similarity.max(1, keepdim=True)[0]
    side = int(similarity.shape[1] ** 0.5)
    grid = ((similarity - low) / (high - low)).reshape(1, side, side, -1).permute(0, 3, 1, 2)
    return nn.functional.interpolate(grid, (height, width), mode="bilinear").permute(0, 2, 3, 1)


def picture_tensor(path, size):
    """A picture of that size as the towers want it."""
    from PIL import Image
    image = Image.open(path).convert("RGB")
    assert image.size == (size, size), path
    mean, std = np.array([0.48145466, 0.4578275, 0.40821073], np.float32), np.array([0.26862954, 0.26130258, 0.27577711], np.float32)
    return torch.from_numpy(((np.asarray(image, np.float32) / 255 - mean) / std).transpose(2, 0, 1)[None].copy())
