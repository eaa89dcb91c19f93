"""What becomes of old thoughts before a conversation goes to a model: the model's own way.

Clients send back what they were told, thoughts and all, in three fields or in the text. A model
that was trained without old thoughts gets none; one that keeps those since the person's last
message, or all, keeps them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lakelet.inference.backend import Message
from lakelet.inference.thoughts import without_thoughts

__all__ = ("with_policy",)


def with_policy(messages: Sequence[Message], thinking: str) -> tuple[Message, ...]:
    """A conversation with the old thoughts that its model is to see.

    Args:
        messages: as a client tells them.
        thinking: the model's way, of `lakelet.models.thinking.POLICIES`.
    """
    if thinking in ("none", "keep always"):
        return tuple(messages)
    since = 0
    if thinking == "keep since the last user turn":
        since = max((n for n, one in enumerate(messages) if one.role == "user"), default=0)
    else:
        since = len(messages)
    return tuple(
        one if number > since or one.role != "assistant"
        else replace(one, content=without_thoughts(one.content), thought="")
        for number, one in enumerate(messages)
    )  # fmt: skip
