"""One question to a model: counted before it is sent, compared with the engine's count after."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from lakelet.errors import EngineError, OverflowingError
from lakelet.inference.backend import (
    Backend,
    Begun,
    Conversation,
    End,
    Event,
    Loaded,
    Sampling,
    Text,
    Thought,
    Usage,
)
from lakelet.inference.control_tokens import control_tokens
from lakelet.inference.counting import Count, Room, differences, ended_by, room_for
from lakelet.inference.loops import LoopWatch

__all__ = ("Answer", "ask")

_ENDING = 4
"""Pieces in which a thought may be ended for its budget."""


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
        reason: why it ended: ``stop``, ``max_tokens``, ``window``, ``tool``, or ``loop``.
        seconds: from sending to the end.
        dropped: messages at the beginning that were left out to make room.
        wrong: what is wrong with the answer though it came: counts that differ, a stream that
            broke off.
        notes: what is worth knowing of what was asked: control tokens in a message.
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
    dropped: int = 0
    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def ask(
    backend: Backend,
    model: str,
    conversation: Conversation,
    sampling: Sampling,
    *,
    context: int | None = None,
    overflow: str = "fail",
    told: Callable[[Event | Loaded | Begun], None] = lambda _event: None,
) -> Answer:
    """Ask a model, and refuse what does not fit its window before it is sent.

    Args:
        backend: the engine.
        model: the model's name there.
        conversation: what is asked.
        sampling: how tokens are drawn, and how many at most.
        context: tokens of the conversation; the most that memory allows without it.
        overflow: what becomes of a conversation that does not fit: ``fail``, or ``drop-oldest``
            whole turns until it does; the last is never dropped.
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
        fitting, count, room = _fitted(backend, conversation, window, sampling, overflow)
        notes = control_tokens(backend, fitting)
        told(Begun(fitting, count, room, window))
        began = time.monotonic()
        heard = _Heard()
        # What follows a schema repeats itself for good reason, and a text that is gone on with
        # may be anything.
        watch = None if sampling.formed or conversation.raw else LoopWatch()
        try:
            for one in backend.chat(fitting, replace(sampling, max_tokens=room.tokens)):
                told(one)
                heard.take(one)
                if watch is not None and watch.looped(one):
                    heard.reason = "loop"
                    # Who stops listening is not told what was counted; pieces are tokens.
                    heard.usage = Usage(count.high if count.grade == "exact" else None,
                                        heard.pieces)  # fmt: skip
                    break
            heard.measure()
            heard.wrong += _thought_too_long(heard.thoughts, sampling.thought_tokens)
        except EngineError as error:
            if not heard.text and not heard.thought:
                raise
            heard.wrong.append(error.message)  # what has come is kept
            heard.reason = "broken off"
            if heard.usage.generated is None:  # nobody counts any more; pieces are tokens
                heard.usage = replace(heard.usage, generated=heard.pieces)
        return Answer(
            model, heard.text, heard.thought, count, heard.usage, room, window,
            ended_by(heard.reason, room, sampling.max_tokens), time.monotonic() - began,
            len(conversation.messages) - len(fitting.messages),
            heard.wrong + differences(count, heard.usage.prompt, window), notes,
        )  # fmt: skip
    finally:
        backend.close()


@dataclass
class _Heard:
    """What has come of an answer so far."""

    text: str = ""
    thought: str = ""
    thoughts: int = 0
    pieces: int = 0
    usage: Usage = field(default_factory=lambda: Usage(None, None))
    reason: str = ""
    wrong: list[str] = field(default_factory=list)
    began: float = 0.0

    def take(self, event: Event) -> None:
        if isinstance(event, Text | Thought):
            self.pieces += 1
            self.began = self.began or time.monotonic()
        if isinstance(event, Text):
            self.text += event.text
        elif isinstance(event, Thought):
            self.thought += event.text
            self.thoughts += 1
        elif isinstance(event, Usage):
            self.usage = event
        elif isinstance(event, End):
            self.reason = event.reason

    def measure(self) -> None:
        """Tokens a second, as they came, where whoever generated them does not say."""
        generated = self.usage.generated or 0
        taken = time.monotonic() - self.began
        if self.usage.generated_per_second is None and generated > 1 and self.began and taken > 0:
            speed = (generated - 1) / taken
            self.usage = replace(self.usage, generated_per_second=speed)


def _fitted(
    backend: Backend, conversation: Conversation, window: int, sampling: Sampling, overflow: str
) -> tuple[Conversation, Count, Room]:
    """A conversation that fits, its count, and the room it leaves.

    Raises:
        OverflowingError: it does not fit, or not even its last turn does.
    """

    def fit(one: Conversation) -> tuple[Conversation, Count, Room]:
        count = backend.count(one)
        return one, count, room_for(count, window, sampling.max_tokens)

    try:
        return fit(conversation)
    except OverflowingError:
        shorter = _without_oldest_turns(conversation)
        if overflow != "drop-oldest" or not shorter:
            raise
    found = fit(shorter[-1])
    low, high = 0, len(shorter) - 1  # each count renders the whole: as few of them as can be
    while low < high:
        middle = (low + high) // 2
        try:
            found, high = fit(shorter[middle]), middle
        except OverflowingError:
            low = middle + 1
    return found


def _without_oldest_turns(conversation: Conversation) -> list[Conversation]:
    """A conversation without its oldest question and what came of it, without two, and so on.

    What the system says stays, and the last question.
    """
    asked = [n for n, one in enumerate(conversation.messages) if one.role == "user"]
    begin = conversation.messages[: asked[0]] if asked else ()
    return [
        replace(conversation, messages=begin + conversation.messages[number:])
        for number in asked[1:]
    ]


def _thought_too_long(thoughts: int, most: int | None) -> list[str]:
    """What is wrong with a thought: engines that do not know a model's thoughts keep no budget.

    A piece is a token at least, so that more pieces than tokens are too many for sure.
    """
    if most is None or thoughts <= most + _ENDING:
        return []
    return [
        f"it thought for {thoughts} tokens, and {most} were allowed: the engine keeps no budget of "
        "this model's thoughts."
    ]
