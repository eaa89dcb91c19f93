"""Records out of CSV: where rows end, which is the header, and what is no row.

A row that quotes break is one rejected record, not the end of the file: a quote that is never
closed, or closed where it must not be, costs the line it begins on, and reading goes on behind it.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lakelet.loading.options import ReadOptions
from lakelet.loading.records.block import Bad, Block
from lakelet.loading.records.csv_cells import EMPTY, ESCAPED, JOIN, join_cells, split_row
from lakelet.loading.records.lines import Lines, has_bad_bytes, whole_lines
from lakelet.loading.records.text import show_bytes

__all__ = ("CsvRows", "read_csv_rows")

_MAX_OPEN_LINES = 1000
_MAX_OPEN = 1 << 20
_LOOK = 100
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_NOT_TEXT = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?|(?i:true|false)")


@dataclass(frozen=True, slots=True)
class CsvRows:
    """A CSV file: its columns and its rows.

    Attributes:
        header: the columns' names, ``_c0``, ``_c1``, … where the file has no header.
        decided: what was decided about the header, for a person; '' when it was told.
        blocks: the rows in their joined form.
    """

    header: tuple[str, ...]
    decided: str
    blocks: Iterator[Block]


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    raw: str
    cells: list[str | None] | None


def read_csv_rows(texts: Iterable[tuple[str, bool]], kind: str, options: ReadOptions) -> CsvRows:
    """Open a CSV file.

    Args:
        texts: its text.
        kind: ``csv`` or ``tsv``.
        options: how it is to be read.
    """
    reader = _Reader(options.delimiter_of(kind), options)
    parts = whole_lines(texts)
    first = next(parts, None)
    if first is None:
        return CsvRows((), "", iter(()))
    rows = list(reader.exact(first, last=False))
    while first is not None and not rows and (following := next(parts, None)) is not None:
        first = Lines(first.number, first.text + first.end + following.text, first.end, True)
        rows = list(reader.exact(first, last=False))
    rows = rows or list(reader.exact(first, last=True))
    header, decided = _header(rows, options)
    reader.width = len(header)
    skip = reader.first_line_after(rows, has_header=bool(decided != "none" and _has(rows, options)))
    reader.reset()
    return CsvRows(
        header, "" if options.header != "auto" else decided, reader.blocks(first, parts, skip)
    )


def _has(rows: list[_Row], options: ReadOptions) -> bool:
    if options.header != "auto":
        return options.header == "true"
    return _looks_like_header([row.cells for row in rows[: _LOOK + 1] if row.cells])


def _header(rows: list[_Row], options: ReadOptions) -> tuple[tuple[str, ...], str]:
    cells = next((row.cells for row in rows if row.cells), None)
    if cells is None:
        return (), ""
    if _has(rows, options):
        names = [c if c is not None else f"_c{i}" for i, c in enumerate(cells)]
        return _distinct(names), "the first line is a header"
    return tuple(f"_c{i}" for i in range(len(cells))), "no header: columns are _c0, _c1, …"


def _distinct(names: list[str]) -> tuple[str, ...]:
    found: list[str] = []
    for index, name in enumerate(names):
        name = name.strip() or f"_c{index}"
        found.append(name if name not in found else f"{name}_{index}")
    return tuple(found)


def _looks_like_header(rows: list[list[str | None]]) -> bool:
    """Whether the first row names columns: distinct, non-empty, no numbers, over typed columns."""
    if not rows:
        return False
    first, below = rows[0], rows[1:]
    names = [cell for cell in first if cell and not _NUMBER.fullmatch(cell)]
    if len(names) < len(first) or len(set(names)) < len(names):
        return False
    for index in range(len(first)):
        column = [row[index] for row in below if len(row) == len(first) and row[index]]
        if column and all(_NUMBER.fullmatch(c) or _NOT_TEXT.fullmatch(c) for c in column if c):
            return True
    return False


class _Reader:
    """Cuts lines into rows; keeps a row that is still open from one part to the next."""

    def __init__(self, delimiter: str, options: ReadOptions) -> None:
        self.delimiter = delimiter
        self.options = options
        self.width = 0
        self.open: list[tuple[int, str, str]] = []
        self.skip_until = 1 + options.skip_rows

    def reset(self) -> None:
        self.open = []

    def first_line_after(self, rows: list[_Row], *, has_header: bool) -> int:
        """The line at which the data begins."""
        if not has_header:
            return self.skip_until
        index = next((i for i, row in enumerate(rows) if row.cells), 0)
        if index + 1 < len(rows):
            return rows[index + 1].line
        return rows[index].line + rows[index].raw.count("\n") + 1 if rows else 1

    def blocks(self, first: Lines, parts: Iterator[Lines], skip: int) -> Iterator[Block]:
        self.skip_until = skip
        part: Lines | None = first
        while part is not None:
            following = next(parts, None)
            quick = None if self.open or part.number < skip else self._quick(part)
            yield quick or self._block(part, last=following is None)
            part = following

    def _quick(self, part: Lines) -> Block | None:
        """Rows without a quote, cut by the fastest means; None where that is not exact."""
        text, options = part.text, self.options
        if part.dirty or options.trim or options.comment or options.null_value:
            return None
        if options.quote in text or any(mark in text for mark in (JOIN, EMPTY, ESCAPED)):
            return None
        joined = Lines(part.number, text.replace(self.delimiter, JOIN), part.end, dirty=False)
        rows = joined.split()
        numbers = array("q", range(part.number, part.number + len(rows)))
        if not all(rows):
            numbers = array("q", [n for n, row in zip(numbers, rows, strict=True) if row])
            rows = [row for row in rows if row]
        return Block(rows, numbers, [], len(text))

    def _block(self, part: Lines, *, last: bool) -> Block:
        block = Block([], array("q"), [], len(part.text))
        for row in self.exact(part, last=last):
            if row.cells is None:
                block.bad.append(Bad(row.line, show_bytes(row.raw), "quotes that do not pair up"))
            elif has_bad_bytes(row.raw):
                block.bad.append(Bad(row.line, show_bytes(row.raw), "bytes that are not UTF-8"))
            elif len(row.cells) != self.width:
                reason = f"{len(row.cells)} fields instead of {self.width}"
                block.bad.append(Bad(row.line, row.raw, reason))
            else:
                block.records.append(join_cells(row.cells))
                block.lines.append(row.line)
        return block

    def exact(self, part: Lines, *, last: bool) -> Iterator[_Row]:
        """The rows of a part; one that is still open waits for the next part."""
        lines = part.text.split(part.end)
        waiting = [*self.open]
        self.open = []
        queue = waiting + [(part.number + i, line, part.end) for i, line in enumerate(lines)]
        at = 0
        while at < len(queue):
            line, text, _ = queue[at]
            bare = text.removesuffix("\r")
            if line < self.skip_until or not bare or self._is_comment(bare):
                at += 1
                continue
            count = self._closing(queue, at)
            if count == 0:
                if not last and len(queue) - at < _MAX_OPEN_LINES:
                    self.open = queue[at:]
                    return
                count = 1
            row = self._row(queue, at, count)
            if row.cells is None and count > 1:
                count, row = 1, self._row(queue, at, 1)
            yield row
            at += count

    def _is_comment(self, text: str) -> bool:
        return bool(self.options.comment) and text.startswith(self.options.comment)

    def _row(self, queue: list[tuple[int, str, str]], at: int, count: int) -> _Row:
        raw = queue[at][2].join(text for _, text, _ in queue[at : at + count]).removesuffix("\r")
        return _Row(queue[at][0], raw, split_row(raw, self.delimiter, self.options))

    def _closing(self, queue: list[tuple[int, str, str]], at: int) -> int:
        """How many lines the row that begins at ``at`` spans; 0 while its quotes are open."""
        quotes = size = 0
        for index in range(at, min(len(queue), at + _MAX_OPEN_LINES)):
            text = queue[index][1]
            quotes += self._quotes(text)
            size += len(text)
            if quotes % 2 == 0:
                return index - at + 1
            if size > _MAX_OPEN:
                return 1
        return 1 if len(queue) - at >= _MAX_OPEN_LINES else 0

    def _quotes(self, text: str) -> int:
        quote, escape = self.options.quote, self.options.escape
        if escape != quote and escape in text:
            text = text.replace(escape * 2, "").replace(escape + quote, "")
        return text.count(quote)
