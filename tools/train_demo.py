#!/usr/bin/env python3
"""Train the demo model: a small CLIP from scratch on photographs with masks. Needs PyTorch, numpy, Pillow and OpenCV.

    train_demo.py PHOTOS OUT [--steps N]        PHOTOS: a folder in PASCAL VOC's layout, or one that holds voc/ and perhaps camvid/

Crops are labelled by the classes in their masks and contrasted with captions; the class of every patch is an auxiliary loss on the tokens
of the middle block, whose head is thrown away. Nothing is trained on the patches of the blocks behind it, so that raw similarity stays
what it is in CLIP. Pictures named in --held-out are never read.

The learning rate is constant, then falls to nothing in the last part. OUT/state.pt is the constant part, written every few minutes: the
same command goes on where it was killed, and with a larger --steps it goes on from there and falls later. With fixed seeds and one device
the same command gives the same batches.
"""
import argparse
import os
import queue
import random
import signal
import sys
import time

# Large tensors keep their memory between steps: fetching it from the system anew costs as much as the arithmetic.
if os.environ.get("MALLOC_MMAP_THRESHOLD_") is None and sys.platform == "linux" and __name__ == "__main__":
    os.environ.update(MALLOC_MMAP_THRESHOLD_="8589934592", MALLOC_TRIM_THRESHOLD_="8589934592", MALLOC_TOP_PAD_="67108864")
    os.execv(sys.executable, [sys.executable, *sys.argv])

import numpy as np
import torch
import torch.multiprocessing as multiprocessing
import torch.nn as nn
import torch.nn.functional as F

from demo import clip, pictures, split, tokens, words
from demo.captions import Captions
from demo.guide import Guide, patch_loss

HERE = os.path.dirname(os.path.abspath(__file__))
ASSETS = os.path.join(HERE, os.pardir, "assets")
CONFIG = {"image_px": 192, "width": 192, "layers": 11, "middle": 5, "drop_path": 0.1, "embed": 192, "text_width": 128, "text_layers": 2,
          "context": 32}
WEIGHTS = {"image": 0.7, "word": 0.3, "patch": 1.0, "guide": 1.0, "apart": 1.0, "differ": 0.5}
SMALL = 5000  # steps with the smallest pictures


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("photos")
    p.add_argument("out")
    p.add_argument("--held-out", default=os.path.join(HERE, "demo", "held_out.txt"))
    p.add_argument("--steps", type=int, default=12000)
    p.add_argument("--fall", type=float, default=0.15, help="share of the steps in which the learning rate falls")
    p.add_argument("--batch", type=int, default=128)
    p.add_argument("--rate", type=float, default=1e-3)
    p.add_argument("--decay", type=float, default=0.08)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--loaders", type=int, default=1)
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--half", action="store_true", help="bfloat16 arithmetic")
    p.add_argument("--compile", action="store_true")
    p.add_argument("--save-every", type=float, default=4, metavar="MINUTES")
    return p.parse_args()


def side_at(step, begin_fall, seed):
    """Small pictures at first, where much is learned for little; the model's own size while the rate falls."""
    shares = (0, 0, 0.35, 0.65) if step >= begin_fall else (0.7, 0.3, 0, 0) if step < SMALL else (0.2, 0.6, 0.2, 0)
    return random.Random(seed * 7919 + step).choices((96, 128, 160, 192), shares)[0]


def load_batches(out, photos, held_out, args, first, share, begin_fall):
    torch.set_num_threads(1)
    pictures.cv2.setNumThreads(1)
    sampler = pictures.Sampler(*pictures.load(photos, held_out))
    parent = os.getppid()
    for step in range(first + share, args.steps, args.loaders):
        batch = sampler.batch(args.seed, step, args.batch, side_at(step, begin_fall, args.seed))
        while os.getppid() == parent:  # a killed trainer must not leave this behind
            try:
                out.put(batch, timeout=5)
                break
            except queue.Full:
                pass
    out.close()
    out.join_thread()


def patch_shares(quarter, side, device):
    """u8 [N, side/4, side/4] -> share of each class and the background in each patch [N, P, C + 1], and in the picture [N, C + 1]."""
    n, p = quarter.shape[0], side // clip.PATCH
    label = torch.as_tensor(quarter).to(device).view(n, p, 4, p, 4).transpose(2, 3).reshape(n, p * p, 16).long()
    label = torch.where(label == pictures.BACKGROUND, pictures.N_CLASSES, label)
    label = torch.where(label == pictures.VOID, pictures.N_CLASSES + 1, label)
    share = torch.zeros(n, p * p, pictures.N_CLASSES + 2, device=device).scatter_add_(2, label, torch.full(label.shape, 1 / 16, device=device))
    share = share[..., :-1]
    return share, share.mean(1)


class Trainer:
    def __init__(self, args):
        self.args, self.device = args, args.device
        torch.manual_seed(args.seed)
        torch.set_num_threads(args.threads)
        torch.set_flush_denormal(True)
        self.tokenizer = tokens.cut_down(os.path.join(ASSETS, "clip-bpe", "merges.txt"), words.corpus(), 1000)
        self.captions = Captions(self.tokenizer)
        self.model = clip.CLIP(CONFIG, len(self.tokenizer.ids)).to(self.device)
        classes = pictures.N_CLASSES + 1
        self.helpers = nn.ModuleDict({"head": nn.Sequential(nn.LayerNorm(CONFIG["width"]), nn.Linear(CONFIG["width"], classes)),
                                      "guide": Guide(CONFIG["width"], classes)}).to(self.device)
        self.forward = torch.compile(self.model.visual, dynamic=False) if args.compile else self.model.visual
        everything = [*self.model.parameters(), *self.helpers.parameters()]
        self.opt = torch.optim.AdamW([{"params": [p for p in everything if p.ndim > 1], "weight_decay": args.decay},
                                      {"params": [p for p in everything if p.ndim <= 1], "weight_decay": 0.0}],
                                     lr=args.rate, betas=(0.9, 0.98), fused=True)
        self.average = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        self.step = 0
        self.begin_fall = int(args.steps * (1 - args.fall))

    def state(self):
        return {"step": self.step, "model": self.model.state_dict(), "helpers": self.helpers.state_dict(), "opt": self.opt.state_dict(),
                "average": self.average, "config": CONFIG}

    def restore(self, path):
        state = torch.load(path, map_location=self.device, weights_only=True)
        if state["config"] != CONFIG:
            sys.exit(f"{path} belongs to another architecture: {state['config']}")
        self.model.load_state_dict(state["model"])
        self.helpers.load_state_dict(state["helpers"])
        self.opt.load_state_dict(state["opt"])
        self.average, self.step = state["average"], state["step"]

    def resume(self, out):
        """The constant part's state; a later one of the falling part where that belongs to as many steps as now."""
        for name in (f"fall-{self.args.steps}.pt", "state.pt"):
            path = os.path.join(out, name)
            if os.path.exists(path):
                self.restore(path)
                if self.step > self.begin_fall and name == "state.pt":
                    sys.exit(f"{path} has done {self.step} steps: with {self.args.steps} the rate would have begun to fall before")
                print(f"going on from {path}, step {self.step}", flush=True)
                return

    def save(self, out):
        name = "state.pt" if self.step <= self.begin_fall else f"fall-{self.args.steps}.pt"
        path = os.path.join(out, name)
        torch.save(self.state(), path + ".part")
        os.replace(path + ".part", path)
        clip.export(self.average, CONFIG, self.tokenizer, words.taught(), os.path.join(out, "model"))

    def rate(self):
        warm = min(1.0, (self.step + 1) / 400)
        left = 1.0 if self.step < self.begin_fall else (self.args.steps - self.step) / (self.args.steps - self.begin_fall)
        return self.args.rate * warm * max(left, 0.01)

    def losses(self, rgb, quarter, said):
        rng = np.random.default_rng([self.args.seed, self.step])
        torch.manual_seed(self.args.seed * 1_000_003 + self.step)
        side = rgb.shape[1]
        share, present = patch_shares(quarter, side, self.device)
        ids, target = self.captions.batch(random.Random(self.args.seed * 31 + self.step), present, said)
        ids, target = ids.to(self.device), target.to(self.device)
        x = clip.normalised(rgb, rng, [s is not None for s in said]).to(self.device)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.args.half):
            feature, middle = self.forward(x, 0.5 if self.step < self.begin_fall else 1.0)
            text = self.model.encode_text(ids)
            patches = self.helpers["head"](middle)
            own, apart, differ = self.helpers["guide"].losses(x, middle, patches, share)
        scale = self.model.logit_scale.exp().clamp(5, 100)
        logits = scale * F.normalize(feature.float(), dim=-1) @ F.normalize(text.float(), dim=-1).t()
        logits = logits.masked_fill(target < 0, -1e4)
        right = target.clamp(min=0)
        image = -(F.log_softmax(logits, 1) * right).sum(1) / right.sum(1).clamp(min=1)
        used = right.sum(0) > 0
        word = -(F.log_softmax(logits[:, used], 0) * right[:, used]).sum(0) / right[:, used].sum(0)
        patch = patch_loss(patches, share)
        return {"image": image.mean(), "word": word.mean(), "patch": patch, "guide": own, "apart": apart, "differ": differ}

    def train_step(self, batch):
        self.model.train()
        self.helpers.train()
        for group in self.opt.param_groups:
            group["lr"] = self.rate()
        losses = self.losses(*batch)
        self.opt.zero_grad(set_to_none=True)
        sum(WEIGHTS[name] * loss for name, loss in losses.items()).backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.opt.step()
        self.step += 1
        keep = min(0.999 if self.step <= self.begin_fall else 0.997, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.values()), [v.detach() for v in self.model.state_dict().values()], 1 - keep)
        return {name: loss.item() for name, loss in losses.items()}


def main():
    args = arguments()
    os.makedirs(args.out, exist_ok=True)
    trainer = Trainer(args)
    trainer.resume(args.out)
    held_out = split.read_list(args.held_out)
    count = sum(p.numel() for p in trainer.model.parameters())
    print(f"{count / 1e6:.2f} million parameters, {len(trainer.tokenizer.ids)} tokens, {len(held_out)} pictures held out", flush=True)
    context = multiprocessing.get_context("fork")
    queues = [context.Queue(3) for _ in range(args.loaders)]
    for i, q in enumerate(queues):
        context.Process(target=load_batches, args=(q, args.photos, held_out, args, trainer.step, i, trainer.begin_fall), daemon=True).start()
    told = []
    signal.signal(signal.SIGTERM, lambda *_: told.append("to end"))
    begin = saved = time.monotonic()
    first, seen, mean = trainer.step, 0, None
    while trainer.step < args.steps:
        figures = trainer.train_step(queues[(trainer.step - first) % args.loaders].get())
        seen += args.batch
        mean = {name: 0.98 * mean[name] + 0.02 * v for name, v in figures.items()} if mean else figures
        now = time.monotonic()
        if trainer.step % 20 == 0:
            print(f"step {trainer.step} {(now - begin) / 60:.1f} min, {seen / (now - begin):.0f} pictures/s, scale "
                  f"{trainer.model.logit_scale.exp().item():.1f},", *(f"{name} {v:.3f}" for name, v in mean.items()), flush=True)
        if now - saved > 60 * args.save_every or trainer.step in (trainer.begin_fall, args.steps):
            trainer.save(args.out)
            saved = now
        if told:
            trainer.save(args.out)
            sys.exit(0)
    print(f"done: {os.path.join(args.out, 'model')}", flush=True)


if __name__ == "__main__":
    main()
