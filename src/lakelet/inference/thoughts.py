"""Thoughts that a model writes into its answer, told apart while they come.

Servers that know a model's template tell thoughts in a field of their own. Where they do not, they
stand in the text between ``<think>`` and ``</think>``: at its beginning, later, without an end
where the room ran out, and in pieces that part a tag anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from lakelet.inference.backend import Event, Text, Thought

__all__ = ("ThoughtSplitter", "without_thoughts")

_OPEN, _CLOSE = "<think>", "</think>"


class ThoughtSplitter:
    """Tells thoughts from text, piece by piece.

    Args:
        anywhere: whether a thought may begin after text; otherwise only at the beginning, so that a
            text about the tags stays a text.
    """

    def __init__(self, *, anywhere: bool = False) -> None:
        self.inside = False
        self.anywhere = anywhere
        self.held = ""
        self.said = False
        self.trim = False

    def feed(self, piece: str) -> Iterator[Event]:
        """What a piece says, as far as that is known; the rest is held until it is."""
        self.held += piece
        if self.anywhere and not self.inside and not self.said:
            # A thought that was told apart, and ended twice: by the model, and for its budget.
            begun = self.held.lstrip()
            if begun.startswith(_CLOSE):
                self.held, self.trim = begun[len(_CLOSE) :], True
            elif _CLOSE.startswith(begun):
                return
        while True:
            tag = _CLOSE if self.inside else _OPEN
            at = self.held.find(tag)
            if at < 0 or not (self.inside or self._may_begin(self.held[:at])):
                break
            yield from self._told(self.held[:at])
            self.held = self.held[at + len(tag) :]
            self.inside = not self.inside
            self.trim = True
        keep = _begun(self.held, tag)
        if not (self.inside or self._may_begin(self.held[: len(self.held) - keep])):
            keep = 0
        told, self.held = self.held[: len(self.held) - keep], self.held[len(self.held) - keep :]
        yield from self._told(told)

    def end(self) -> Iterator[Event]:
        """What was held, when nothing comes any more."""
        told, self.held = self.held, ""
        yield from self._told(told)

    def _may_begin(self, before: str) -> bool:
        """Whether a thought may begin after some text."""
        return self.anywhere or not (self.said or before.strip())

    def _told(self, text: str) -> Iterator[Event]:
        if self.trim:  # the lines that part a tag from what it holds, or from the answer
            text = text.lstrip("\n")
        if not text:
            return
        self.trim = False
        if self.inside:
            yield Thought(text)
            return
        self.said = self.said or bool(text.strip())
        yield Text(text)


def _begun(text: str, tag: str) -> int:
    """How many letters at the end of a text may be the beginning of a tag."""
    longest = min(len(tag) - 1, len(text))
    return next((n for n in range(longest, 0, -1) if tag.startswith(text[-n:])), 0)


def without_thoughts(text: str, *, anywhere: bool = True) -> str:
    """A text as it goes back to a model that must not see its old thoughts.

    Args:
        text: what was said.
        anywhere: whether a thought may begin after text.
    """
    splitter = ThoughtSplitter(anywhere=anywhere)
    events = [*splitter.feed(text), *splitter.end()]
    return "".join(one.text for one in events if isinstance(one, Text)).strip()
