"""Blocks of records: what every format's reader yields."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

__all__ = ("Bad", "Block", "FileUnreadableError")


class FileUnreadableError(Exception):
    """A file that cannot be read as a whole; the reason is its text."""


@dataclass(frozen=True, slots=True)
class Bad:
    r"""Something that is not a record.

    Attributes:
        line: where it begins, counted from 1.
        text: its raw text; bytes that are no text appear as ``\xNN``.
        reason: why it is not a record.
    """

    line: int
    text: str
    reason: str


class Block:
    """Records of one file, in order.

    Lines that need no closer look are kept as one text, which DuckDB cuts faster than Python.

    Attributes:
        bad: what was there and is not a record.
        size: characters in the records.
        uncut: the records as one text, one a line, empty lines being none; None where each is
            by itself already.
        first: the number of the first of these lines.
    """

    __slots__ = ("_lines", "_records", "bad", "first", "size", "uncut")

    def __init__(
        self, records: list[str], lines: array[int], bad: list[Bad] | None = None, size: int = 0
    ) -> None:
        """Records, with the line each begins on, counted from 1."""
        self._records, self._lines = records, lines
        self.bad = bad if bad is not None else []
        self.size = size
        self.uncut: str | None = None
        self.first = 1

    @classmethod
    def of_text(cls, text: str, first: int) -> Block:
        """A block of lines that end in LF, uncut."""
        block = cls([], array("q"), None, len(text))
        block.uncut, block.first = text, first
        return block

    @property
    def records(self) -> list[str]:
        """Their text: JSON values, CSV rows in the joined form of `csv_cells`, or lines."""
        self._cut()
        return self._records

    @property
    def lines(self) -> array[int]:
        """Where each begins, counted from 1."""
        self._cut()
        return self._lines

    def __bool__(self) -> bool:
        """Whether there may be any record."""
        return bool(self.uncut or self._records)

    def _cut(self) -> None:
        if self.uncut is None or self._records:
            return
        found = [(n, line) for n, line in enumerate(self.uncut.split("\n"), self.first) if line]
        self._lines = array("q", [number for number, _ in found])
        self._records = [line for _, line in found]
