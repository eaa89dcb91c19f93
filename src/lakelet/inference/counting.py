"""How many tokens a prompt has, how sure that is, and whether it fits; never exceeded silently.

A prompt fits if prompt and room for the answer are at most the window. Without a number of tokens
to generate an eighth of the window must stay; a number that is too large is lowered, visibly.
"""

from __future__ import annotations

from dataclasses import dataclass

from lakelet.errors import OverflowingError

__all__ = ("Count", "Room", "bounded", "ended_by", "room_for")

_SHARE = 8
_BOUNDARIES = 2
"""Tokens that an engine may put around a text: its beginning and its end."""


@dataclass(frozen=True)
class Count:
    """Prompt tokens, between two ends.

    Attributes:
        low: at least so many.
        high: at most so many; what is decided is decided by this one.
        grade: ``exact`` (the engine's own tokenizer and template), ``bounded`` or ``estimated``.
        likely: as many at least, unless the text is of quite another kind than those before; 0
            where nothing is known of that.
    """

    low: int
    high: int
    grade: str
    likely: int = 0

    @classmethod
    def exact(cls, tokens: int) -> Count:
        """A count by the engine's own tokenizer and template."""
        return cls(tokens, tokens, "exact")

    def __str__(self) -> str:
        span = f"{self.low:,}" if self.low == self.high else f"{self.low:,} to {self.high:,}"
        return f"{span} ({self.grade})"


@dataclass(frozen=True)
class Room:
    """What is left for the answer.

    Attributes:
        tokens: the most that can be generated.
        lowered: whether fewer than were asked for.
    """

    tokens: int
    lowered: bool


def room_for(count: Count, window: int, max_tokens: int | None) -> Room:
    """The room that a prompt leaves for its answer.

    Args:
        count: of the prompt.
        window: tokens of the conversation, prompt and answer together.
        max_tokens: generated tokens asked for; None for as many as there is room for.

    Raises:
        OverflowingError: the prompt leaves too little, with the numbers.
    """
    left = window - count.high
    least = 1 if max_tokens is not None else max(1, window // _SHARE)
    if left < least:
        raise OverflowingError.of(count.low, count.high, count.grade, window, least)
    if max_tokens is None:
        return Room(left, lowered=False)
    return Room(min(left, max_tokens), lowered=max_tokens > left)


def ended_by(reason: str, room: Room, max_tokens: int | None) -> str:
    """Why an answer ended: one that took all the room there was filled the window.

    Args:
        reason: as the engine has it, which knows only how many tokens it was to generate at most.
        room: what there was.
        max_tokens: what was asked for.
    """
    full = reason == "max_tokens" and (max_tokens is None or room.lowered)
    return "window" if full else reason


def bounded(rendered: str, window: int, max_tokens: int | None) -> tuple[Count, Room] | None:
    """Count and room of a prompt that fits whatever the tokenizer; None where that is not sure.

    No token is shorter than a byte, so that a short prompt in a large window need not be counted.

    Args:
        rendered: the prompt as the model sees it.
        window: tokens of the conversation.
        max_tokens: generated tokens asked for; None for as many as there is room for.
    """
    most = len(rendered.encode()) + _BOUNDARIES
    kept = max(1, window // _SHARE) if max_tokens is None else max_tokens
    if most + kept > window:
        return None
    return Count(1, most, "bounded"), Room(max_tokens or window - most, lowered=False)


def differences(count: Count, prompt: int | None, window: int) -> list[str]:
    """What the engine's own count says against the one before.

    Args:
        count: of the prompt, before it was sent.
        prompt: tokens that were read, by whoever read them; None where nobody counted.
        window: tokens of the conversation.
    """
    if prompt is None:
        return []
    # A server that cuts prompts is known by half of its window, where more was likely.
    half = abs(prompt - window // 2) <= 2
    least = max(count.low, count.likely) if half else count.low
    if count.grade != "exact" and prompt < least:
        cut = ", half its window" if half else ""
        return [
            f"the server read {prompt:,} prompt tokens{cut}, and at least {least:,} were sent: it "
            "cut the prompt."
        ]
    if count.grade == "exact" and prompt != count.high:
        return [f"the engine read {prompt:,} prompt tokens, and {count.high:,} were sent."]
    return []
