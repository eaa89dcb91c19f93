"""One question to a model: counted before it is sent, compared with the engine's count after."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from lakelet.errors import EngineError
from lakelet.inference.backend import (
    Backend,
    Conversation,
    End,
    Event,
    Loaded,
    Sampling,
    Text,
    Thought,
    Usage,
)
from lakelet.inference.counting import Count, Room, ended_by, room_for

__all__ = ("Answer", "ask")


@dataclass(frozen=True)
class Answer:
    """What a model said.

    Attributes:
        model: its name.
        text: the answer.
        thought: what it thought before, apart.
        count: of the prompt, before it was sent.
        usage: what the engine counted.
        room: what was left for the answer.
        window: tokens of the conversation.
        reason: why it ended: ``stop``, ``max_tokens``, ``window`` or ``tool``.
        seconds: from sending to the end.
        wrong: what is wrong with the answer though it came: counts that differ, a stream that
            broke off.
    """

    model: str
    text: str
    thought: str
    count: Count
    usage: Usage
    room: Room
    window: int
    reason: str
    seconds: float
    wrong: list[str] = field(default_factory=list)


def ask(
    backend: Backend,
    model: str,
    conversation: Conversation,
    sampling: Sampling,
    *,
    context: int | None = None,
    told: Callable[[Event | Loaded | Count], None] = lambda _event: None,
) -> Answer:
    """Ask a model, and refuse what does not fit its window before it is sent.

    Args:
        backend: the engine.
        model: the model's name there.
        conversation: what is asked.
        sampling: how tokens are drawn, and how many at most.
        context: tokens of the conversation; the most that memory allows without it.
        told: told of every event as it comes.

    Raises:
        OverflowingError: the prompt does not fit; nothing was sent.
        EngineError: the model does not load, or the engine broke off before it said anything.
    """
    try:
        window = 0
        for event in backend.load(model, context=context):
            told(event)
            if isinstance(event, Loaded):
                window = min(event.window, context or event.window)
        count = backend.count(conversation)
        told(count)
        room = room_for(count, window, sampling.max_tokens)
        began = time.monotonic()
        text, thought, usage, reason, wrong = "", "", Usage(None, None), "", []
        try:
            for one in backend.chat(conversation, replace(sampling, max_tokens=room.tokens)):
                told(one)
                if isinstance(one, Text):
                    text += one.text
                elif isinstance(one, Thought):
                    thought += one.text
                elif isinstance(one, Usage):
                    usage = one
                elif isinstance(one, End):
                    reason = ended_by(one.reason, room, sampling.max_tokens)
        except EngineError as error:
            if not text and not thought:
                raise
            wrong.append(error.message)  # what has come is kept
            reason = "broken off"
        return Answer(
            model, text, thought, count, usage, room, window, reason, time.monotonic() - began,
            wrong + _differences(count, usage, window),
        )  # fmt: skip
    finally:
        backend.close()


def _differences(count: Count, usage: Usage, window: int) -> list[str]:
    """What the engine's own count says against the one before."""
    if usage.prompt is None or count.low <= usage.prompt <= count.high:
        return []
    if count.grade == "exact":
        return [f"the engine read {usage.prompt:,} prompt tokens, and {count.high:,} were sent."]
    if usage.prompt < count.low:
        cut = ", half its window" if abs(usage.prompt - window // 2) <= 2 else ""
        return [
            f"the server read {usage.prompt:,} prompt tokens{cut}, and at least {count.low:,} were "
            "sent: it cut the prompt."
        ]
    return []
