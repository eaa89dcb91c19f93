"""Prompt tokens of a server that shows neither its tokenizer nor its template: learned from before.

Tokens go with bytes, at a rate that is the model's and the texts' own, and a template adds some for
each message. How far the rate was off before is the error that is shown; before anything was
learned no more is known than that a token is seldom shorter than a byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

from lakelet.inference.backend import Conversation
from lakelet.inference.counting import Count

__all__ = ("Seen", "estimated", "length_of")

_TEMPLATE = 12
"""Bytes that stand for what a template puts around a message."""
_FEW = 3
_MARGIN = 0.03
_UNSEEN = 1.5
"""How much longer than any prompt that was seen one may be, to be estimated by these."""


@dataclass(frozen=True)
class Seen:
    """A prompt that a server counted.

    Attributes:
        length: by `length_of`.
        tokens: as the server counted.
    """

    length: int
    tokens: int


def length_of(conversation: Conversation) -> int:
    """How long a conversation is: bytes of its texts, and some for each message."""
    tools = sum(len(str(tool)) for tool in conversation.tools)
    return tools + sum(
        len(one.content.encode()) + len(one.thought.encode()) + _TEMPLATE
        for one in conversation.messages
    )


def estimated(length: int, seen: Sequence[Seen]) -> Count:
    """The tokens of a prompt, by those of earlier ones.

    Args:
        length: of the conversation, by `length_of`.
        seen: earlier prompts of this server and model.
    """
    few = len(seen) < _FEW
    if few or length > _UNSEEN * max(one.length for one in seen):
        # Longer than anything that was seen: what is sure is asked, not what is likely.
        return Count(1, length + _TEMPLATE, "estimated")
    rates = sorted(one.tokens / one.length for one in seen)
    rate = rates[len(rates) // 2]
    most, least = rates[-1] / rate, rates[0] / rate
    return Count(
        max(1, floor(length * rate * least * (1 - _MARGIN))),
        ceil(length * rate * most * (1 + _MARGIN)),
        "estimated",
    )
