"""The texts of a step and which pictures each is right for."""
import torch

from . import pictures, words

PRESENT, TRACE = 0.025, 0.002  # share of the picture: from the first a class is said to be there, below the second not


class Captions:
    def __init__(self, tokenizer, absent=16, pairs=24):
        self.tokenizer, self.absent, self.pairs = tokenizer, absent, pairs

    def one(self, rng, name):
        return rng.choice(words.TEMPLATES).format(rng.choice(words.SYNONYMS[name]))

    def pair(self, rng, a, b):
        a, b = (rng.choice(words.SYNONYMS[words.CLASSES[c]]) for c in (a, b))
        return rng.choice(words.PAIR_TEMPLATES).format(a, b)

    def has_colour(self, said, colour):
        """The colours of photographs are not known, and that of the ground is no object's: neither is judged."""
        shapes = [shape for c, shape in said or () if c == colour]
        return -1.0 if said is None else 1.0 if any(shapes) else -1.0 if shapes else 0.0

    def batch(self, rng, present, said):
        """present [N, C + 1]: shares; said: per picture None or [(colour, shape), ...]. Returns ids [T, tokens] and target [N, T]: 1 right,
        0 wrong, -1 not to be judged."""
        share = present[:, :pictures.N_CLASSES].cpu()
        there = torch.where(share > PRESENT, 1.0, torch.where(share > TRACE, -1.0, 0.0))
        count, base = len(words.CLASSES), pictures.SHAPE_BASE
        # VOC's background may well be sky or trees: not judged.
        open_ground = (present[:, pictures.N_CLASSES].cpu() > TRACE) & torch.tensor([s is None for s in said])
        street = [words.CLASSES.index(n) for n in words.STREET]
        nothing = torch.where((there > 0).any(1), 0.0, torch.where((there < 0).any(1), -1.0, 1.0))
        there[:, street] = torch.where(open_ground[:, None] & (there[:, street] == 0), -1.0, there[:, street])
        texts = [self.one(rng, name) for name in words.CLASSES]
        columns = [there[:, :count]]
        texts += [rng.choice(words.SHAPE_TEMPLATES).format(s) for s in words.SHAPES]
        columns.append(there[:, base:])
        texts.append(rng.choice(words.NOTHING))
        columns.append(nothing[:, None])
        texts += [rng.choice(words.TEMPLATES).format(w) for w in rng.sample(words.ABSENT, self.absent)]
        columns.append(torch.zeros(len(said), self.absent))
        both = [(i, c) for i, c in ((i, (row[:count] > 0).nonzero().flatten().tolist()) for i, row in enumerate(there)) if len(c) > 1]
        chosen = sorted({tuple(sorted(rng.sample(c, 2))) for _, c in rng.sample(both, min(self.pairs, len(both)))})
        for a, b in chosen:
            texts.append(self.pair(rng, *rng.sample((a, b), 2)))
            columns.append(torch.minimum(there[:, a], there[:, b])[:, None].where((there[:, [a, b]] != 0).all(1, keepdim=True), torch.tensor(0.0)))
        for colour in sorted({c for s in said if s for c, shape in s if shape}):
            texts.append(rng.choice(words.SHAPE_TEMPLATES).format(colour))
            columns.append(torch.tensor([self.has_colour(s, colour) for s in said])[:, None])
        for colour, shape in sorted({pair for s in said if s for pair in s if pair[1]}):
            texts.append(rng.choice(words.SHAPE_TEMPLATES).format(f"{colour} {shape}"))
            columns.append(torch.tensor([float((colour, shape) in (s or ())) for s in said])[:, None])
        ids = [self.tokenizer.encode(t) for t in texts]
        padded = torch.zeros(len(ids), max(map(len, ids)), dtype=torch.long)
        for i, row in enumerate(ids):
            padded[i, :len(row)] = torch.tensor(row)
        return padded, torch.cat(columns, 1)
