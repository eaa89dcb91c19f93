"""Prompt tokens of a server that shows neither its tokenizer nor its template: learned from before.

Tokens go with the pieces of a text (short words, the parts of long ones, digits, signs) at a rate
that is the model's own, and a template adds some. How far that was off before, and a margin for
texts of another kind than those, is the error that is shown. Before anything was learned no more is
known than that a token is seldom shorter than a byte.

The lower end accuses a server of cutting prompts, so it rests on what holds of any tokenizer in
use: no token spans two words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from statistics import median

from lakelet.inference.backend import Conversation
from lakelet.inference.counting import Count

__all__ = ("Seen", "Size", "estimated", "size_of")

_TEMPLATE_BYTES, _TEMPLATE_PIECES = 12, 4
"""What stands for what a template puts around a message."""
_PIECE = re.compile(r"[A-Za-z]+|[0-9]|[^\x00-\x7f]|[^\sA-Za-z0-9]|\n")
_LETTERS = 6
"""Of an English word that make a token; a letter beyond ASCII is told by its bytes."""
_FEW, _SOME = 3, 8
_MARGINS = {True: 1.25, False: 1.1}
"""Whether only some were seen: how much farther off than they another kind of text may be."""
_UNSEEN = 1.5
"""How much longer than any prompt that was seen one may be, to be estimated by these."""
_SPREAD = 1.5
"""How different lengths have to be to tell what a template adds from what texts take."""


@dataclass(frozen=True)
class Size:
    """How large a conversation is, without a tokenizer.

    Attributes:
        bytes: of its texts, and some for each message; seldom fewer than its tokens.
        pieces: about as many as its tokens.
        words: never more than its tokens.
    """

    bytes: int
    pieces: int
    words: int


@dataclass(frozen=True)
class Seen:
    """A prompt that a server counted.

    Attributes:
        pieces: as `size_of` has them.
        tokens: as the server counted.
    """

    pieces: int
    tokens: int


def size_of(conversation: Conversation) -> Size:
    """How large a conversation is."""
    tools = [str(tool) for tool in conversation.tools]
    texts = [text for one in conversation.messages for text in (one.content, one.thought)]
    count = len(conversation.messages)
    every = [*texts, *tools]
    return Size(
        sum(len(text.encode()) for text in every) + _TEMPLATE_BYTES * count,
        max(1, ceil(sum(map(_pieces, every))) + _TEMPLATE_PIECES * count),
        # A server may leave old thoughts out, and write tools in its own way.
        sum(_words(one.content) for one in conversation.messages),
    )


def _pieces(text: str) -> float:
    return sum(
        max(1.0, len(one) / _LETTERS) if one.isascii() else len(one.encode()) / 2
        for one in _PIECE.findall(text)
    )


def _words(text: str) -> int:
    return sum(any(letter.isalnum() for letter in one) for one in text.split())


def estimated(size: Size, seen: Sequence[Seen]) -> Count:
    """The tokens of a prompt, by those of earlier ones.

    Args:
        size: of the conversation.
        seen: earlier prompts of this server and model.
    """
    few = len(seen) < _FEW
    if few or size.pieces > _UNSEEN * max(one.pieces for one in seen):
        # Longer than anything that was seen: what is sure is asked, not what is likely.
        return Count(1, size.bytes + _TEMPLATE_BYTES, "estimated")
    template, rate = _line(seen)
    off = [one.tokens / (template + rate * one.pieces) for one in seen]
    margin = _MARGINS[len(seen) < _SOME]
    least = (template + rate * size.pieces) * min(off) / margin
    # What is shorter than anything that was seen still has all that the template adds.
    longest = max(size.pieces, min(one.pieces for one in seen))
    most = (template + rate * longest) * max(off) * margin
    low = max(1, min(floor(least), size.words))
    return Count(low, max(low, ceil(most)), "estimated", likely=floor(least))


def _line(seen: Sequence[Seen]) -> tuple[float, float]:
    """Tokens that a template adds, and tokens a piece: a line through what was seen.

    Least squares of relative errors; where that makes no sense, no more than a rate.
    """
    shares = [1 / one.pieces for one in seen]
    rates = [one.tokens / one.pieces for one in seen]
    if max(shares) >= _SPREAD * min(shares):
        share, rate = sum(shares) / len(seen), sum(rates) / len(seen)
        around = sum((one - share) ** 2 for one in shares)
        together = sum((s - share) * (r - rate) for s, r in zip(shares, rates, strict=True))
        template = together / around
        if template >= 0 and rate - template * share > 0:
            return template, rate - template * share
    return 0.0, median(rates)
