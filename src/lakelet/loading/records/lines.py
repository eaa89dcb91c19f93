"""Lines as records: JSON lines and plain text."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lakelet.loading.records.block import Bad, Block, FileUnreadableError
from lakelet.loading.records.text import show_bytes

__all__ = ("MAX_RECORD", "Lines", "has_bad_bytes", "line_blocks", "whole_lines")

MAX_RECORD = 256 << 20
"""Characters in the longest record that is read; a file with a longer one is set aside."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Some thousands of whole lines.

    Attributes:
        number: of the first, counted from 1.
        text: the lines with their ends, but for the last one's.
        end: what ends a line in this file, LF or a lone CR.
        dirty: whether some line may hold bytes that are no text.
    """

    number: int
    text: str
    end: str
    dirty: bool

    def whole(self) -> str | None:
        """The lines, each ended by LF alone; None where they must be cut one by one."""
        if self.dirty or self.end != "\n":
            return None
        if "\r" not in self.text:
            return self.text
        ends = self.text.count("\r\n") + self.text.endswith("\r")
        if ends < self.text.count("\r"):
            return None
        return self.text.removesuffix("\r").replace("\r\n", "\n")

    def split(self) -> list[str]:
        """The lines without their ends; a CR before LF belongs to the end."""
        lines = self.text.split(self.end)
        if self.end == "\n" and "\r" in self.text:
            return [line[:-1] if line.endswith("\r") else line for line in lines]
        return lines


def whole_lines(texts: Iterable[tuple[str, bool]]) -> Iterator[Lines]:
    """Text cut at line ends.

    A line ends at LF. A file with CR and no LF at all in its first block, as old Macs wrote, is
    cut at CR.

    Raises:
        FileUnreadableError: a line longer than `MAX_RECORD`.
    """
    number = 1
    rest: list[str] = []
    waiting = 0
    dirty = False
    end = ""
    for text, has_bad in texts:
        dirty = dirty or has_bad
        end = end or ("\r" if "\r" in text[:-1] and "\n" not in text else "\n")
        cut = text.rfind(end)
        if cut < 0:
            rest.append(text)
            waiting += len(text)
            if waiting > MAX_RECORD:
                raise FileUnreadableError(f"line {number} is longer than {MAX_RECORD >> 20} MiB")
            continue
        whole = "".join(rest) + text[:cut]
        rest, waiting = [text[cut + 1 :]], len(text) - cut - 1
        yield Lines(number, whole, end, dirty)
        number += whole.count(end) + 1
        dirty = has_bad
    last = "".join(rest)
    if last:
        yield Lines(number, last, end or "\n", dirty)


def line_blocks(texts: Iterable[tuple[str, bool]], *, keep_empty: bool = False) -> Iterator[Block]:
    """One record a line; empty lines are passed over unless kept."""
    for part in whole_lines(texts):
        whole = None if keep_empty else part.whole()
        if whole is not None:
            yield Block.of_text(whole, part.number)
            continue
        lines = part.split()
        numbers = array("q", range(part.number, part.number + len(lines)))
        bad: list[Bad] = []
        if not keep_empty and not all(lines):
            numbers = array("q", [n for n, line in zip(numbers, lines, strict=True) if line])
            lines = [line for line in lines if line]
        if part.dirty:
            numbers, lines, bad = _without_bad_bytes(numbers, lines)
        yield Block(lines, numbers, bad, len(part.text))


def has_bad_bytes(text: str) -> bool:
    """Whether text stands for bytes that are not UTF-8 (lone surrogates, PEP 383)."""
    return not text.isascii() and any("\udc80" <= c <= "\udcff" for c in text)


def _without_bad_bytes(
    numbers: array[int], lines: list[str]
) -> tuple[array[int], list[str], list[Bad]]:
    good_numbers, good, bad = array("q"), [], []
    for number, line in zip(numbers, lines, strict=True):
        if has_bad_bytes(line):
            bad.append(Bad(number, show_bytes(line), "bytes that are not UTF-8"))
        else:
            good_numbers.append(number)
            good.append(line)
    return good_numbers, good, bad
