"""Control tokens of a template that stand in a message, by which it could end itself."""

from __future__ import annotations

import re

from lakelet.errors import EngineError
from lakelet.inference.backend import Backend, Conversation

__all__ = ("control_tokens",)

_LOOKS_LIKE_ONE = re.compile(r"<[^<>\n]{1,60}>|\[/?[A-Z_]{2,30}\]")
"""Whether it is worth asking: a message of code has many of these signs, and no token."""


def control_tokens(backend: Backend, conversation: Conversation) -> list[str]:
    """What is said of messages in which control tokens of the template stand.

    The engine reads a prompt as one text, so that such a token in a message is read as the
    template's own: a message could end itself and begin another.
    """
    if conversation.raw:
        return []
    held = []
    for number, one in enumerate(conversation.messages, 1):
        if one.role == "assistant" or not _LOOKS_LIKE_ONE.search(one.content):
            continue
        try:
            if backend.tokens(one.content) != backend.tokens(one.content, raw=True):
                held.append(number)
        except EngineError:
            return []  # a server that does not show its tokenizer
    if not held:
        return []
    which = ", ".join(map(str, held))
    return [
        f"message {which} holds control tokens of the model's template, which the model reads as "
        "such and not as text."
    ]
