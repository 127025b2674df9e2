"""The texts of a step and which pictures each is right for. How many there are of each kind is fixed, so that every step has one shape."""
import numpy as np
import torch

from . import pictures, words

PRESENT, TRACE = 0.025, 0.002  # share of the picture: from the first a class is said to be there, below the second not
WAYS, ABSENT, PAIRS, TINTED = 2, 24, 24, 16  # texts of each class; words that are nowhere; pairs of classes; coloured shapes
LONGEST = 16  # tokens


class Captions:
    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def draw(self, rng, pairs, classes):
        """pairs: classes that are together in a photograph; classes: (indices, how often each is shown). Returns ids [T, LONGEST], the pairs
        [PAIRS, 2] and the coloured shapes [TINTED] that are spoken of."""
        def pick(choices):
            return choices[rng.integers(len(choices))]

        def one(name):
            return pick(words.TEMPLATES).format(pick(words.SYNONYMS[name]))

        texts = [one(name) for _ in range(WAYS) for name in words.CLASSES]
        texts += [pick(words.SHAPE_TEMPLATES).format(s) for s in words.SHAPES]
        texts.append(pick(words.NOTHING))
        texts += [pick(words.TEMPLATES).format(words.ABSENT[i]) for i in rng.choice(len(words.ABSENT), ABSENT, False)]
        # Half of the pairs as photographs have them, half as they come about by pasting.
        both = [pairs[i] for i in rng.integers(len(pairs), size=PAIRS // 2)] if pairs else []
        while len(both) < PAIRS:
            both.append(tuple(classes[0][i] for i in rng.choice(len(classes[0]), 2, False, classes[1])))
        for a, b in both:
            a, b = (pick(words.SYNONYMS[words.CLASSES[c]]) for c in ((a, b) if rng.random() < 0.5 else (b, a)))
            texts.append(pick(words.PAIR_TEMPLATES).format(a, b))
        texts += [pick(words.SHAPE_TEMPLATES).format(c) for c in pictures.COLOURS]
        tinted = rng.choice(len(pictures.COLOURS) * len(words.SHAPES), TINTED, False)
        for t in tinted:
            colour, shape = divmod(int(t), len(words.SHAPES))
            texts.append(pick(words.SHAPE_TEMPLATES).format(f"{pictures.COLOURS[colour]} {words.SHAPES[shape]}"))
        ids = np.zeros((len(texts), LONGEST), np.int64)
        for row, text in zip(ids, texts):
            known = self.tokenizer.encode(text)
            row[:len(known)] = known
        return ids, np.array(both, np.int64), tinted.astype(np.int64)


def targets(present, colour, both, pair, tinted):
    """present [N, C + 1]: share of each class and the background in the pictures, the last of which are the scenes; colour u8 [S, colours] and
    both bool [S, colours, shapes]: what is said of them; pair, tinted: as drawn. Returns [N, T]: 1 right, 0 wrong, -1 not to be judged."""
    n, scenes, device = len(present), len(colour), present.device
    share, base = present[:, :pictures.N_CLASSES], pictures.SHAPE_BASE
    there = torch.where(share > PRESENT, 1.0, torch.where(share > TRACE, -1.0, 0.0))
    nothing = torch.where((there > 0).any(1), 0.0, torch.where((there < 0).any(1), -1.0, 1.0))
    # VOC's background may well be sky or trees: not judged.
    photo = torch.arange(n, device=device) < n - scenes
    index = torch.arange(pictures.N_CLASSES, device=device)
    street = (index >= words.CLASSES.index(words.STREET[0])) & (index <= words.CLASSES.index(words.STREET[-1]))
    open_ground = (present[:, pictures.N_CLASSES] > TRACE) & photo
    there = torch.where(open_ground[:, None] & street & (there == 0), -1.0, there)
    classes, shapes = there[:, :base], there[:, base:]
    first, second = there.index_select(1, pair[:, 0]), there.index_select(1, pair[:, 1])
    together = torch.where((first != 0) & (second != 0), torch.minimum(first, second), 0.0)
    # The colours of photographs are not known, and that of the ground is no object's: neither is judged.
    spoken = torch.where(colour == 2, -1.0, colour.float())
    colours = torch.cat([torch.full((n - scenes, spoken.shape[1]), -1.0, device=device), spoken])
    shown = both.flatten(1).index_select(1, tinted).float()
    shown = torch.cat([torch.zeros(n - scenes, shown.shape[1], device=device), shown])
    return torch.cat([*[classes] * WAYS, shapes, nothing[:, None], torch.zeros(n, ABSENT, device=device), together, colours, shown], 1)


def overall():
    """The columns of a target that are one text of each class and shape, and "nothing"."""
    base = len(words.CLASSES)
    return [*range(base), *range(WAYS * base, WAYS * base + len(words.SHAPES) + 1)]
