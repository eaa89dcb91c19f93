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
        self._text = ""
        self._fences = 0
        self._forget()

    def _forget(self) -> None:
        self._pieces = 0
        # Where each piece stood. Few stood there before, so this is done for every token.
        self._places: dict[str, list[int]] = {}
        # For a distance, how many pieces to the end are what stood so far before them.
        self._same: dict[int, int] = {}

    def looped(self, event: Event) -> bool:
        """Take a piece in; whether what was said ends in a loop with it."""
        if not isinstance(event, Text | Thought) or not event.text:
            return False
        if type(event) is not self._kind:
            self._kind = type(event)
            self._begin()
        if self._in_code(event.text):
            return False
        here, places = self._pieces, self._places.setdefault(event.text, [])
        if places and here - places[0] > _MOST_TOKENS:
            places[:] = [place for place in places if here - place <= _MOST_TOKENS]
        same = {}
        found = False
        for place in places:
            distance = here - place
            if distance >= _LEAST_TOKENS:
                same[distance] = run = self._same.get(distance, 0) + 1
                found = found or run >= distance * (_TIMES - 1)
        self._same = same
        places.append(here)
        self._pieces += 1
        return found

    def _in_code(self, piece: str) -> bool:
        """Whether what was said stands in a block of code; what is outside begins anew after it."""
        joined = self._text + piece
        self._text = joined[-(len(_FENCE) - 1) :]
        fences = joined.count(_FENCE)
        if fences:
            self._text = joined.split(_FENCE)[-1][-(len(_FENCE) - 1) :]  # counted from the left
            self._fences += fences
            self._forget()
        return bool(fences) or self._fences % 2 == 1
