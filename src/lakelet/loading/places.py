"""Where in its file a record begins, as one number: its line, and which of those on the line it is.

Needed where the order of records counts, and several may stand on one line: a load by key, in which
the last record wins.
"""

from __future__ import annotations

from array import array

from lakelet.loading.records.block import Block

__all__ = ("Places", "line_at", "line_sql", "place_sql")

_BITS = 32


def line_at(place: int) -> int:
    """The line of a place."""
    return place >> _BITS


def line_sql(place: str) -> str:
    """SQL for the line of a place."""
    return f"({place} >> {_BITS})"


def place_sql(line: str) -> str:
    """SQL for the place of a line's first record."""
    return f"(({line}) << {_BITS})"


class Places:
    """The places of records, block by block, of each file from its beginning."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[int, int]] = {}

    def of(self, file: int, block: Block) -> Block:
        """The same records with places instead of lines; an uncut block is left as it is."""
        if block.uncut is not None:
            return block
        last, ordinal = self._last.get(file, (0, 0))
        places = array("q")
        for line in block.lines:
            ordinal = ordinal + 1 if line == last else 0
            last = line
            places.append((line << _BITS) + ordinal)
        self._last[file] = (last, ordinal)
        return Block(block.records, places, block.bad, block.size)
