"""A byte-level BPE tokenizer, trained on some text, as GGUF's kind ``gpt2`` reads it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

__all__ = ("Tokenizer",)

# GPT-2's way to part text, for text of ASCII letters.
_PIECES = re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+")


def _letters() -> list[str]:
    """A printable letter for every byte, as GPT-2 has them."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    found, more = {}, 0
    for byte in range(256):
        if byte in plain:
            found[byte] = chr(byte)
        else:
            found[byte] = chr(256 + more)
            more += 1
    return [found[byte] for byte in range(256)]


class Tokenizer:
    """Words of a vocabulary: every byte, merges of them, and control tokens.

    Args:
        text: to learn merges from.
        merges: how many.
        special: control tokens.
    """

    def __init__(self, text: str, merges: int, special: Sequence[str]) -> None:
        letters = _letters()
        self.letters = letters
        words = Counter(
            tuple(letters[byte] for byte in piece.encode()) for piece in _PIECES.findall(text)
        )
        self.merges: list[tuple[str, str]] = []
        for _ in range(merges):
            pairs: Counter[tuple[str, str]] = Counter()
            for word, count in words.items():
                for pair in pairwise(word):
                    pairs[pair] += count
            if not pairs:
                break
            best = max(pairs, key=lambda pair: (pairs[pair], pair))
            self.merges.append(best)
            words = Counter(
                {_merged(word, best): count for word, count in words.items()}
            )  # fmt: skip
        self.special = list(special)
        self.tokens = [*letters, *("".join(pair) for pair in self.merges), *self.special]
        self.ids = {token: number for number, token in enumerate(self.tokens)}
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self._part = re.compile("|".join(f"({re.escape(one)})" for one in self.special))

    def encode(self, text: str) -> list[int]:
        """Numbers of tokens; control tokens are read as such."""
        found: list[int] = []
        for piece in re.split(f"({'|'.join(map(re.escape, self.special))})", text):
            if piece in self.ids and piece in self.special:
                found.append(self.ids[piece])
            else:
                for word in _PIECES.findall(piece):
                    found += self._word(tuple(self.letters[byte] for byte in word.encode()))
        return found

    def _word(self, word: tuple[str, ...]) -> list[int]:
        while len(word) > 1:
            pairs = [(self.ranks.get(pair, 1 << 30), pair)
                     for pair in pairwise(word)]  # fmt: skip
            rank, best = min(pairs)
            if rank == 1 << 30:
                break
            word = _merged(word, best)
        return [self.ids[one] for one in word]

    def decode(self, numbers: Sequence[int]) -> str:
        """The text of some tokens."""
        back = {letter: byte for byte, letter in enumerate(self.letters)}
        raw = b"".join(
            self.tokens[number].encode() if self.tokens[number] in self.special
            else bytes(back[letter] for letter in self.tokens[number])
            for number in numbers
        )  # fmt: skip
        return raw.decode("utf-8", "replace")


def _merged(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    found: list[str] = []
    at = 0
    while at < len(word):
        if word[at : at + 2] == pair:
            found.append("".join(pair))
            at += 2
        else:
            found.append(word[at])
            at += 1
    return tuple(found)
