"""Conversations with language models: engines behind one protocol, and windows never exceeded."""

from __future__ import annotations

from lakelet.inference.ask import Answer, ask
from lakelet.inference.backend import (
    Backend,
    Begun,
    Conversation,
    Embeddings,
    End,
    Event,
    Loaded,
    Message,
    Sampling,
    Text,
    Thought,
    Tool,
    Usage,
    Waiting,
)
from lakelet.inference.counting import Count, room_for
from lakelet.inference.embedded import Embedded

__all__ = (
    "Answer",
    "Backend",
    "Begun",
    "Conversation",
    "Count",
    "Embedded",
    "Embeddings",
    "End",
    "Event",
    "Loaded",
    "Message",
    "Sampling",
    "Text",
    "Thought",
    "Tool",
    "Usage",
    "Waiting",
    "ask",
    "room_for",
)
