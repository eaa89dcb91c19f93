"""A model that says the same again and again is caught in a loop, and would go on to the end.

A loop is what repeats to the end of what was said: eight tokens or more, six times or more. Code
repeats itself for good reason, as does what follows a schema, so neither is looked at.
"""

from __future__ import annotations

from lakelet.inference.backend import Event, Text, Thought

__all__ = ("LoopWatch",)

_LEAST_TOKENS = 8
_MOST_TOKENS = 256
_TIMES = 6
_FENCE = "```"


class LoopWatch:
    """Looks at an answer as it comes. Thoughts and text are looked at apart.

    A piece of a stream is taken for a token, which it is with the engines that tell each at once;
    one that tells several together repeats itself in the same pieces.
    """

    def __init__(self) -> None:
        self._kind: type[Event] | None = None
        self._begin()

    def _begin(self) -> None:
        self._pieces: list[str] = []
        # For each distance, how many pieces to the end are what stood so far before them.
        self._same = [0] * (_MOST_TOKENS + 1)
        self._text = ""
        self._fences = 0

    def looped(self, event: Event) -> bool:
        """Take a piece in; whether what was said ends in a loop with it."""
        if not isinstance(event, Text | Thought) or not event.text:
            return False
        if type(event) is not self._kind:
            self._kind = type(event)
            self._begin()
        if self._in_code(event.text):
            return False
        pieces = self._pieces
        pieces.append(event.text)
        found = False
        for distance in range(_LEAST_TOKENS, min(len(pieces), _MOST_TOKENS + 1)):
            if pieces[-1 - distance] == event.text:
                self._same[distance] += 1
                found = found or self._same[distance] >= distance * (_TIMES - 1)
            else:
                self._same[distance] = 0
        del pieces[: -_MOST_TOKENS - 1]
        return found

    def _in_code(self, piece: str) -> bool:
        """Whether what was said stands in a block of code; what is outside begins anew after it."""
        joined = self._text + piece
        self._text = joined[-(len(_FENCE) - 1) :]
        fences = joined.count(_FENCE)
        if fences:
            self._text = joined.split(_FENCE)[-1][-(len(_FENCE) - 1) :]  # counted from the left
            self._fences += fences
            self._pieces, self._same = [], [0] * (_MOST_TOKENS + 1)
        return bool(fences) or self._fences % 2 == 1
