"""CLIP's byte-pair encoding, cut down: the merges that a corpus needs, and the first few of all others, in CLIP's order."""
import json
import os
import re

START, END = "<|startoftext|>", "<|endoftext|>"
WORD = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[^\W\d_]+|\d|[^\s\w]+|_", re.IGNORECASE)


def byte_letters():
    """CLIP's letter for each byte: itself where it can be printed."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {b: chr(b) for b in plain}
    for b in range(256):
        if b not in letters:
            letters[b] = chr(256 + len(letters) - len(plain))
    return {b: letters[b] for b in [*plain, *(b for b in range(256) if b not in plain)]}


class Tokenizer:
    def __init__(self, merges):
        self.letters = byte_letters()
        self.rank = {pair: i for i, pair in enumerate(merges)}
        base = list(self.letters.values())
        names = base + [b + "</w>" for b in base] + ["".join(p) for p in merges] + [START, END]
        self.ids = {name: i for i, name in enumerate(names)}
        self.merges = merges
        self.known = {}

    def pieces(self, word, used=None):
        parts = [*word[:-1], word[-1] + "</w>"]
        while len(parts) > 1:
            rank, pair = min((self.rank.get(p, len(self.rank)), p) for p in zip(parts, parts[1:]))
            if rank == len(self.rank):
                break
            if used is not None:
                used.add(pair)
            merged, i = [], 0
            while i < len(parts):
                both = i + 1 < len(parts) and (parts[i], parts[i + 1]) == pair
                merged.append(parts[i] + parts[i + 1] if both else parts[i])
                i += 2 if both else 1
            parts = merged
        return parts

    def words(self, text):
        return ["".join(self.letters[b] for b in w.encode()) for w in WORD.findall(text.lower())]

    def encode(self, text):
        if text not in self.known:
            self.known[text] = [self.ids[START], *(self.ids[p] for w in self.words(text) for p in self.pieces(w)), self.ids[END]]
        return self.known[text]

    def save(self, folder):
        with open(os.path.join(folder, "vocab.json"), "w", encoding="utf-8") as f:
            json.dump(self.ids, f, ensure_ascii=False)
        with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as f:
            f.write("#version: 0.2\n" + "".join(" ".join(p) + "\n" for p in self.merges))


def cut_down(merges_file, corpus, common):
    """The tokenizer of the first `common` merges and of every merge that a word of the corpus uses."""
    with open(merges_file, encoding="utf-8") as f:
        every = [tuple(line.split()) for line in f if not line.startswith("#version") and line.strip()]
    whole, used = Tokenizer(every), set(every[:common])
    for text in corpus:
        for word in whole.words(text):
            whole.pieces(word, used)
    return Tokenizer([m for m in every if m in used])
