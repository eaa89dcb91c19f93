"""Blocks of records: what every format's reader yields."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

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


@dataclass(slots=True)
class Block:
    """Records of one file, in order.

    Attributes:
        records: their text: JSON values, CSV rows in the joined form of `csv_rows`, or lines.
        lines: where each begins, counted from 1.
        bad: what was there and is not a record.
        size: characters in the records.
    """

    records: list[str]
    lines: array[int]
    bad: list[Bad] = field(default_factory=list)
    size: int = 0
