#!/usr/bin/env python3
"""Train the demo model: a small CLIP from scratch on photographs with masks. Needs PyTorch, numpy, Pillow and OpenCV.

    train_demo.py PHOTOS OUT [--steps N | --minutes M]  PHOTOS: a folder in PASCAL VOC's layout, or one that holds voc/ and perhaps camvid/

Crops are labelled by the classes in their masks and contrasted with captions; the class of every patch is an auxiliary loss on the tokens
of the middle block, whose head is thrown away. Nothing is trained on the patches of the blocks behind it, so that raw similarity stays
what it is in CLIP. Pictures named in --held-out are never read.

The learning rate is constant, then falls to nothing in the last part. OUT/state.pt is the constant part, written every few minutes: the
same command goes on where it was killed, and with a larger --steps or --minutes it goes on from there and falls later. With fixed seeds and
one device the same command gives the same batches; with --minutes their sizes, and how many there are, follow the clock.
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

import torch
import torch.multiprocessing as multiprocessing
import torch.nn as nn
import torch.nn.functional as F

from demo import captions, clip, pictures, split, tokens, words
from demo.easel import Easel
from demo.guide import Guide, patch_loss
from demo.orders import Orders

HERE = os.path.dirname(os.path.abspath(__file__))
ASSETS = os.path.join(HERE, os.pardir, "assets")
CONFIG = {"image_px": 192, "width": 192, "layers": 11, "middle": 5, "drop_path": 0.15, "embed": 192, "text_width": 128, "text_layers": 2,
          "context": 32}
WEIGHTS = {"image": 0.7, "word": 0.3, "patch": 1.0, "guide": 1.0, "apart": 1.0, "differ": 0.5, "whole": 0.5, "agree": 0.5}
SIDES = (96, 128, 160, 192)
SMALL = 0.3  # share of the training with the smallest pictures
SMALLEST, SMALLEST_FALL = 0.1, 0.25  # the least part of a picture that a crop shows: when the rate falls they are seen more as wholes


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("photos")
    p.add_argument("out")
    p.add_argument("--held-out", default=os.path.join(HERE, "demo", "held_out.txt"))
    p.add_argument("--steps", type=int, default=12000)
    p.add_argument("--minutes", type=float, help="train for so long by the clock, reading the pictures not counted, instead of --steps")
    p.add_argument("--fall", type=float, default=0.3, help="share of the training in which the learning rate falls")
    p.add_argument("--batch", type=int, default=128)
    p.add_argument("--rate", type=float, default=1e-3)
    p.add_argument("--decay", type=float, default=0.15)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--loaders", type=int, default=1, help="processes that draw what the next batches show")
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--half", action="store_true", help="bfloat16 arithmetic")
    p.add_argument("--graphs", action="store_true", help="a step as one CUDA graph for each size of picture")
    p.add_argument("--save-every", type=float, default=4, metavar="MINUTES")
    p.add_argument("--print-every", type=float, default=15, metavar="SECONDS")
    return p.parse_args()


class Schedule:
    """How far the training is, from 0 to 1: by steps, or by the clock, which goes on where an earlier call left it."""

    def __init__(self, args):
        self.args, self.begin_fall = args, 1 - args.fall
        self.step, self.spent, self.began = 0, 0.0, None

    def seconds(self):
        return self.spent + (time.monotonic() - self.began if self.began else 0)

    def progress(self, step=None):
        if self.args.minutes:
            return min(1.0, self.seconds() / (60 * self.args.minutes))
        return (self.step if step is None else step) / self.args.steps

    def length(self):
        return f"{self.args.minutes:g}min" if self.args.minutes else str(self.args.steps)


def side_at(seed, step, progress, begin_fall):
    """Small pictures at first, where much is learned for little; the model's own size while the rate falls."""
    shares = (0, 0, 0.35, 0.65) if progress >= begin_fall else (0.7, 0.3, 0, 0) if progress < SMALL else (0.2, 0.5, 0.3, 0)
    return random.Random(seed * 7919 + step).choices(SIDES, shares)[0]


def draw_orders(out, orders, args, first, share, shared_progress, begin_fall):
    parent = os.getppid()
    step = first + share
    while args.minutes or step < args.steps:
        progress = shared_progress.value if args.minutes else step / args.steps
        order = (side_at(args.seed, step, progress, begin_fall), orders.order(step, SMALLEST_FALL if progress >= begin_fall else SMALLEST))
        while True:
            if os.getppid() != parent:  # a killed trainer must not leave this behind
                return
            try:
                out.put(order, timeout=5)
                break
            except queue.Full:
                pass
        step += args.loaders


class Trainer:
    def __init__(self, args, store, tokenizer):
        self.args, self.device = args, torch.device(args.device)
        torch.manual_seed(args.seed)
        torch.set_num_threads(args.threads)
        torch.set_flush_denormal(True)
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
        if args.graphs:  # plain steps and graphs on one stream, which must not be the default one
            torch.cuda.set_stream(torch.cuda.Stream())
        self.tokenizer, self.schedule = tokenizer, Schedule(args)
        self.easel = Easel(store, self.device)
        self.model = clip.CLIP(CONFIG, len(self.tokenizer.ids)).to(self.device)
        classes = pictures.N_CLASSES + 1
        self.columns = torch.tensor(captions.overall(), device=self.device)
        self.helpers = nn.ModuleDict({"head": nn.Sequential(nn.LayerNorm(CONFIG["width"]), nn.Linear(CONFIG["width"], classes)),
                                      "guide": Guide(CONFIG["width"], classes, len(self.columns))}).to(self.device)
        everything = [*self.model.parameters(), *self.helpers.parameters()]
        self.rate = torch.tensor(args.rate, device=self.device)  # on the device, so that a graph reads it anew each step
        self.opt = torch.optim.AdamW([{"params": [p for p in everything if p.ndim > 1], "weight_decay": args.decay},
                                      {"params": [p for p in everything if p.ndim <= 1], "weight_decay": 0.0}],
                                     lr=self.rate, betas=(0.9, 0.98), fused=True, capturable=self.device.type == "cuda")
        self.names = list(WEIGHTS)
        self.figures = torch.zeros(len(self.names), device=self.device)  # running sums since they were last told
        self.average = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        self.live = [v.detach() for v in self.model.state_dict().values()]
        self.graphs, self.held = {}, None

    def state(self):
        return {"step": self.schedule.step, "spent": self.schedule.seconds(), "model": self.model.state_dict(), "helpers": self.helpers.state_dict(),
                "opt": self.opt.state_dict(), "average": self.average, "config": CONFIG}

    def restore(self, path):
        state = torch.load(path, map_location=self.device, weights_only=True)
        if state["config"] != CONFIG:
            sys.exit(f"{path} belongs to another architecture: {state['config']}")
        self.model.load_state_dict(state["model"])
        self.helpers.load_state_dict(state["helpers"])
        self.opt.load_state_dict(state["opt"])
        for group in self.opt.param_groups:
            group["lr"] = self.rate
        self.average, self.schedule.step, self.schedule.spent = state["average"], state["step"], state["spent"]

    def resume(self, out):
        """The constant part's state; a later one of the falling part where that belongs to the same length as now."""
        for name in (f"fall-{self.schedule.length()}.pt", "state.pt"):
            path = os.path.join(out, name)
            if os.path.exists(path):
                self.restore(path)
                if self.schedule.progress() > self.schedule.begin_fall + 0.02 and name == "state.pt":
                    sys.exit(f"{path} has done {self.schedule.step} steps in {self.schedule.spent / 60:.1f} minutes: the rate would have begun to "
                             "fall before")
                print(f"going on from {path}, step {self.schedule.step}", flush=True)
                return

    def save(self, out, falling):
        path = os.path.join(out, f"fall-{self.schedule.length()}.pt" if falling else "state.pt")
        torch.save(self.state(), path + ".part")
        os.replace(path + ".part", path)
        self.export(out)

    def export(self, out):
        clip.export(self.average, CONFIG, self.tokenizer, words.taught(), os.path.join(out, "model"))

    def losses(self, x, share, target, ids, falling):
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.args.half, cache_enabled=False):
            feature, middle = self.model.visual(x, 1.0 if falling else 0.5)
            text = self.model.encode_text(ids)
            patches = self.helpers["head"](middle)
            own, apart, differ, whole = self.helpers["guide"].losses(x, middle, patches, share)
        scale = self.model.logit_scale.exp().clamp(5, 100)
        logits = scale * F.normalize(feature.float(), dim=-1) @ F.normalize(text.float(), dim=-1).t()
        logits = logits.masked_fill(target < 0, -1e4)
        right = target.clamp(min=0)
        image = -(F.log_softmax(logits, 1) * right).sum(1) / right.sum(1).clamp(min=1)
        count = right.sum(0)
        word = -(F.log_softmax(logits, 0) * right).sum(0) / count.clamp(min=1)
        # What the guide says of the whole picture is learned like the image loss, with one text of each class, and imitated.
        few, mine = target.index_select(1, self.columns), logits.index_select(1, self.columns)
        whole = F.log_softmax(whole.masked_fill(few < 0, -1e4), 1)
        few = few.clamp(min=0)
        told = -(whole * few).sum(1) / few.sum(1).clamp(min=1)
        agree = F.kl_div(F.log_softmax(mine, 1), whole.detach(), reduction="none", log_target=True).sum(1)
        return {"image": image.mean(), "word": word.sum() / (count > 0).sum(), "patch": patch_loss(patches, share), "guide": own, "apart": apart,
                "differ": differ, "whole": told.mean(), "agree": agree.mean()}

    def update(self, order, side, falling):
        """Everything of a step that the device does, without waiting for it."""
        x, share, target = self.easel.paint(order, side)
        losses = self.losses(x, share, target, order["ids"], falling)
        self.opt.zero_grad(set_to_none=True)
        sum(WEIGHTS[name] * losses[name] for name in self.names).backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0, foreach=True)
        self.opt.step()
        self.figures += torch.stack([losses[name].detach() for name in self.names])

    def hand_over(self, order):
        """The order's arrays on the device; with graphs always in the same place."""
        pinned = {k: torch.from_numpy(v) for k, v in order.items()}
        if self.device.type == "cuda":
            pinned = {k: v.pin_memory() for k, v in pinned.items()}
        if not self.args.graphs:
            return {k: v.to(self.device, non_blocking=True) for k, v in pinned.items()}
        if self.held is None:
            self.held = {k: v.to(self.device) for k, v in pinned.items()}
        for k, v in pinned.items():
            self.held[k].copy_(v, non_blocking=True)
        return self.held

    def run(self, order, side, falling):
        """One update: a graph after a few plain ones of its kind, and the plain one for ever where a graph cannot be had."""
        graph = self.graphs.get((side, falling), 0)
        if isinstance(graph, int):
            if not self.args.graphs or graph < 3:
                self.graphs[side, falling] = graph + 1
                return self.update(order, side, falling)
            try:
                torch.cuda.synchronize()
                made, begin = torch.cuda.CUDAGraph(), time.monotonic()
                others = [g for g in self.graphs.values() if not isinstance(g, int)]
                with torch.cuda.graph(made, pool=others[0].pool() if others else None, stream=torch.cuda.current_stream()):
                    self.update(order, side, falling)
                self.graphs[side, falling] = graph = made
                print(f"graph of {side} px{' falling' if falling else ''}: {time.monotonic() - begin:.1f} s", flush=True)
            except RuntimeError as e:
                self.args.graphs = False
                self.graphs = {}
                print(f"no graphs, going on without: {e}", flush=True)
                return self.update(order, side, falling)
        graph.replay()

    def train_step(self, order, side):
        self.model.train()
        self.helpers.train()
        schedule, args = self.schedule, self.args
        progress = schedule.progress()
        falling = progress >= schedule.begin_fall
        left = (1 - progress) / args.fall if falling else 1.0
        self.rate.fill_(args.rate * min(1.0, (schedule.step + 1) / 400) * max(left, 0.01))
        torch.manual_seed(args.seed * 1_000_003 + schedule.step)
        self.run(self.hand_over(order), side, falling)
        schedule.step += 1
        keep = min(0.997 if falling else 0.999, (1 + schedule.step) / (10 + schedule.step))
        torch._foreach_lerp_(list(self.average.values()), self.live, 1 - keep)


def main():
    args = arguments()
    os.makedirs(args.out, exist_ok=True)
    held_out = split.read_list(args.held_out)
    tokenizer = tokens.cut_down(os.path.join(ASSETS, "clip-bpe", "merges.txt"), words.corpus(), 1000)
    begin = time.monotonic()
    store = pictures.Store(args.photos, held_out, args.seed, processes=max(args.threads, args.loaders))
    orders = Orders(store, captions.Captions(tokenizer), args.seed, args.batch)
    print(f"{store.photos} photographs, {store.streets} street scenes and {store.scenes} generated ones in {time.monotonic() - begin:.0f} s; "
          f"{len(held_out)} held out", flush=True)
    trainer = Trainer(args, store, tokenizer)
    trainer.resume(args.out)
    schedule = trainer.schedule
    count = sum(p.numel() for p in trainer.model.parameters())
    print(f"{count / 1e6:.2f} million parameters, {len(tokenizer.ids)} tokens, on {args.device}", flush=True)
    context = multiprocessing.get_context("fork")
    shared_progress = context.Value("d", schedule.progress(), lock=False)
    queues = [context.Queue(8) for _ in range(args.loaders)]
    for i, q in enumerate(queues):
        context.Process(target=draw_orders, args=(q, orders, args, schedule.step, i, shared_progress, schedule.begin_fall), daemon=True).start()
    told = []
    signal.signal(signal.SIGTERM, lambda *_: told.append("to end"))
    first, seen, waited = schedule.step, 0, 0.0
    schedule.began = begin = told_at = saved = time.monotonic()
    constant = schedule.progress() < schedule.begin_fall
    told_step = first
    while schedule.progress() < 1 and not told:
        before = time.monotonic()
        side, order = queues[(schedule.step - first) % args.loaders].get()
        waited += time.monotonic() - before
        trainer.train_step(order, side)
        seen += args.batch
        now = time.monotonic()
        shared_progress.value = schedule.progress()
        if now - told_at > args.print_every:
            mean = (trainer.figures / max(1, schedule.step - told_step)).tolist()
            trainer.figures.zero_()
            now = time.monotonic()
            print(f"step {schedule.step} {(now - begin) / 60:.1f} min, {(schedule.step - told_step) / (now - told_at):.1f} steps/s, "
                  f"{seen / (now - begin):.0f} pictures/s, waited {waited:.1f} s, scale {trainer.model.logit_scale.exp().item():.1f},",
                  *(f"{name} {v:.3f}" for name, v in zip(trainer.names, mean)), flush=True)
            told_at, told_step = now, schedule.step
        falling = schedule.progress() >= schedule.begin_fall
        if now - saved > 60 * args.save_every or (constant and falling):
            trainer.save(args.out, falling and not constant)
            saved = time.monotonic()
        constant = not falling
    trainer.save(args.out, schedule.progress() >= schedule.begin_fall)
    print(f"{'ended' if told else 'done'} at step {schedule.step}: {os.path.join(args.out, 'model')}", flush=True)


if __name__ == "__main__":
    main()
