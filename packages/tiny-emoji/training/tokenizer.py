"""Stage 2: a CLIP-style byte-pair tokenizer made from the captions.

    python tokenizer.py config_gpu.json --run run
"""

import json
import re
from collections import Counter

import torch

import data
from trainer import arguments

START, END = "<|startoftext|>", "<|endoftext|>"
WORDS = re.compile(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[^\W\d_]+|\d|(?:[^\s\w]|_)+", re.IGNORECASE)


def byte_letters():
    """A printable letter for each byte, as in GPT-2."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {**{byte: chr(byte) for byte in printable}, **{byte: chr(256 + i) for i, byte in enumerate(others)}}


LETTERS = byte_letters()


def pieces(word):
    """The bytes of a word as letters, the last one marked."""
    letters = [LETTERS[byte] for byte in word.encode()]
    return (*letters[:-1], letters[-1] + "</w>")


def merged(symbols, pair):
    """The symbols with every occurrence of a pair joined, left to right."""
    out, i = [], 0
    while i < len(symbols):
        joined = symbols[i : i + 2] == pair
        out.append(symbols[i] + symbols[i + 1] if joined else symbols[i])
        i += 2 if joined else 1
    return tuple(out)


def learn_merges(texts, limit):
    """The `limit` most frequent pairs, found one after another (Sennrich et al. 2016)."""
    words = Counter(pieces(word) for text in texts for word in WORDS.findall(text.lower()))
    merges = []
    while len(merges) < limit:
        pairs = Counter()
        for symbols, count in words.items():
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += count
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        words = Counter({merged(symbols, best): count for symbols, count in words.items()})
    return merges


def vocabulary(merges):
    """Token numbers: letters, letters that end a word, merges, the two marks."""
    letters = list(LETTERS.values())
    tokens = [*letters, *(letter + "</w>" for letter in letters), *("".join(pair) for pair in merges), START, END]
    return {token: number for number, token in enumerate(tokens)}


class Tokenizer:
    """Reads `vocab.json` and `merges.txt`; turns texts into token ids padded with the end mark."""

    def __init__(self, folder, length):
        self.vocab = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        lines = (folder / "merges.txt").read_text(encoding="utf-8").split("\n")[1:]
        self.ranks = {tuple(line.split()): rank for rank, line in enumerate(lines) if line}
        self.length, self.known = length, {}

    def word(self, text):
        """Token ids of one word, remembered."""
        if text not in self.known:
            symbols = pieces(text)
            while pairs := [pair for pair in zip(symbols, symbols[1:]) if pair in self.ranks]:
                symbols = merged(symbols, min(pairs, key=self.ranks.get))
            self.known[text] = [self.vocab[symbol] for symbol in symbols]
        return self.known[text]

    def encode(self, texts):
        """Token ids [B, length]: start mark, words, end marks."""
        start, end, rows = self.vocab[START], self.vocab[END], []
        for text in texts:
            ids = [number for word in WORDS.findall(text.lower()) for number in self.word(word)][: self.length - 2]
            rows.append([start, *ids] + [end] * (self.length - 1 - len(ids)))
        return torch.tensor(rows)


def save(folder, merges):
    """Writes `vocab.json` and `merges.txt`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocabulary(merges), ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    config, options = arguments(__doc__)
    catalog, _ = data.load(options.run)
    texts = [*data.corpus(catalog, 8, config["seed"]), *(word for entry in catalog for word in entry["keywords"])]
    merges = learn_merges(texts, config["tokenizer"]["merges"])
    save(options.run / "tokenizer", merges)
    print(f"{len(merges)} merges, {len(vocabulary(merges))} tokens")


if __name__ == "__main__":
    main()
