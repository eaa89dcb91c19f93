"""Records out of CSV: where rows end, which is the header, and what is no row.

A row that quotes break is one rejected record, not the end of the file: a quote that is never
closed, or closed where it must not be, costs the line it begins on, and reading goes on behind it.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from lakelet.loading.options import ReadOptions
from lakelet.loading.records.block import Bad, Block
from lakelet.loading.records.csv_cells import (
    DONE,
    EMPTY,
    ESCAPED,
    JOIN,
    join_cells,
    scan_row,
    split_plain,
)
from lakelet.loading.records.lines import Lines, has_bad_bytes, whole_lines
from lakelet.loading.records.text import show_bytes
from lakelet.workspace.quantities import counted

__all__ = ("CsvRows", "read_csv_rows")

_MAX_OPEN_LINES = 1000
_MAX_OPEN = 1 << 20
_LOOK = 100
_MOST_LOOKED_AT = 1000
_MAX_LOOK = 4 << 20
_IS = "the first line is a header; --option header=false makes a row of it"
_IS_NOT = "no header: columns are _c0, _c1, …; --option header=true says the first line is one"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_NOT_TEXT = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?|(?i:true|false)")


@dataclass(frozen=True, slots=True)
class CsvRows:
    """A CSV file: its columns and its rows.

    Attributes:
        header: the columns' names, ``_c0``, ``_c1``, … where the file has no header.
        decided: what was decided about the header, for a person; '' when it was told.
        blocks: the rows in their joined form.
        named: whether the header is the file's own first line.
    """

    header: tuple[str, ...]
    decided: str
    blocks: Iterator[Block]
    named: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    raw: str
    cells: list[str | None] | None


def read_csv_rows(
    texts: Iterable[tuple[str, bool]],
    kind: str,
    options: ReadOptions,
    names: frozenset[str] = frozenset(),
) -> CsvRows:
    """Open a CSV file.

    Args:
        texts: its text.
        kind: ``csv`` or ``tsv``.
        options: how it is to be read.
        names: columns that the table has already, in lower case.
    """
    reader = _Reader(options.delimiter_of(kind), options)
    parts = whole_lines(texts)
    first = next(parts, None)
    if first is None:
        return CsvRows((), "", iter(()))
    following = next(parts, None)
    rows = list(islice(reader.exact(first, last=following is None), _MOST_LOOKED_AT))
    while following and _wants_more(rows) and len(first.text) < _MAX_LOOK:
        # The last line of a file that does not end in a line end comes by itself.
        dirty = first.dirty or following.dirty
        first = Lines(first.number, first.text + first.end + following.text, first.end, dirty)
        following = next(parts, None)
        reader.open = []
        rows = list(islice(reader.exact(first, last=following is None), _MOST_LOOKED_AT))
    if following:
        parts = chain([following], parts)
    header, decided = _header(rows, options, names)
    reader.width = len(header)
    named = bool(header) and _has(rows, options, names)
    if named:
        reader.pass_over_header(rows, first.end)
    reader.open = []
    decided = decided if options.header == "auto" else ""
    return CsvRows(header, decided, reader.blocks(first, parts), named)


def _wants_more(rows: list[_Row]) -> bool:
    return len(rows) < _MOST_LOOKED_AT and sum(bool(row.cells) for row in rows) <= _LOOK


def _has(rows: list[_Row], options: ReadOptions, names: frozenset[str]) -> bool:
    if options.header != "auto":
        return options.header == "true"
    cells = [row.cells for row in rows[: _LOOK + 1] if row.cells]
    return _names_columns(cells, names) or _looks_like_header(cells)


def _header(
    rows: list[_Row], options: ReadOptions, known: frozenset[str]
) -> tuple[tuple[str, ...], str]:
    cells = next((row.cells for row in rows if row.cells), None)
    if cells is None:
        return (), ""
    if _has(rows, options, known):
        names = [show_bytes(c) if c is not None else f"_c{i}" for i, c in enumerate(cells)]
        return _distinct(names), _IS
    return tuple(f"_c{i}" for i in range(len(cells))), _IS_NOT


def _distinct(names: list[str]) -> tuple[str, ...]:
    found: list[str] = []
    for index, name in enumerate(names):
        name = name.strip() or f"_c{index}"
        found.append(name if name not in found else f"{name}_{index}")
    return tuple(found)


def _names_columns(rows: list[list[str | None]], names: frozenset[str]) -> bool:
    """Whether the first row names columns that the table has, each once."""
    first = [(cell or "").strip().lower() for cell in rows[0]] if rows else []
    return bool(first) and len(set(first)) == len(first) and names.issuperset(first)


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
        self.begin = 1 + options.skip_rows
        self.header_at = self.data_at = 0

    def pass_over_header(self, rows: list[_Row], end: str) -> None:
        """Remember where the header is; what may stand before it are rows that are none."""
        header = next(row for row in rows if row.cells)
        self.header_at = header.line
        self.data_at = header.line + header.raw.count(end) + 1

    def blocks(self, first: Lines, parts: Iterator[Lines]) -> Iterator[Block]:
        begin = max(self.begin, self.data_at)
        part: Lines | None = self._behind_header(first)
        while part is not None:
            following = next(parts, None)
            quick = None if self.open or part.number < begin else self._quick(part)
            yield quick or self._block(part, last=following is None)
            part = following

    def _behind_header(self, first: Lines) -> Lines:
        """The first lines without those that are passed over, where that is all before the data."""
        count = self.data_at - first.number
        if count <= 0 or self.header_at > max(self.begin, first.number) or self.options.comment:
            return first
        lines = first.text.split(first.end, count)
        return Lines(
            self.data_at, lines[count] if len(lines) > count else "", first.end, first.dirty
        )

    def _quick(self, part: Lines) -> Block | None:
        """Rows without a quote, cut by the fastest means; None where that is not exact."""
        text, options = part.text, self.options
        if part.dirty or options.trim or options.comment or options.null_value:
            return None
        if options.quote in text or any(mark in text for mark in (JOIN, EMPTY, ESCAPED)):
            return None
        joined = Lines(part.number, text.replace(self.delimiter, JOIN), part.end, dirty=False)
        whole = joined.whole()
        if whole is not None:
            return Block.of_text(whole, part.number)
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
                reason = f"{counted(len(row.cells), 'field')} instead of {self.width}"
                block.bad.append(Bad(row.line, row.raw, reason))
            else:
                block.records.append(join_cells(row.cells))
                block.lines.append(row.line)
        return block

    def exact(self, part: Lines, *, last: bool) -> Iterator[_Row]:
        """The rows of a part; one that is still open waits for the next part."""
        lines = part.text.split(part.end)
        queue = [*self.open, *((part.number + i, line, part.end) for i, line in enumerate(lines))]
        self.open = []
        at = 0
        while at < len(queue):
            line, text, _ = queue[at]
            bare = text.removesuffix("\r")
            if not bare or self._is_passed_over(line, bare):
                at += 1
                continue
            found = self._row(queue, at, last)
            if found is None:
                self.open = queue[at:]
                return
            row, count = found
            yield row
            at += count

    def _is_passed_over(self, line: int, text: str) -> bool:
        comment = self.options.comment
        header = self.header_at <= line < self.data_at
        return line < self.begin or header or bool(comment and text.startswith(comment))

    def _row(
        self, queue: list[tuple[int, str, str]], at: int, last: bool
    ) -> tuple[_Row, int] | None:
        """The row that begins at a line, and how many lines it spans; None to wait for more."""
        line, text, end = queue[at]
        bare = text.removesuffix("\r")
        if self.options.quote not in bare:
            return _Row(line, bare, split_plain(bare, self.delimiter, self.options)), 1
        cells: list[str | None] = []
        start = scan_row(bare, self.delimiter, self.options, cells)
        count = 1
        while start >= 0:
            more = self._up_to_quote(queue, at + count)
            too_long = count + len(more) > _MAX_OPEN_LINES or len(text) > _MAX_OPEN
            if too_long or not more or self.options.quote not in more[-1]:
                if not last and not too_long:
                    return None
                break
            count += len(more)
            text = end.join([text, *more])
            bare = text.removesuffix("\r")
            start = scan_row(bare, self.delimiter, self.options, cells, start)
        if start == DONE:
            return _Row(line, bare, cells), count
        return _Row(line, queue[at][1].removesuffix("\r"), None), 1

    def _up_to_quote(self, queue: list[tuple[int, str, str]], at: int) -> list[str]:
        """The lines from one on, up to the next that holds a quote: no other can close a cell."""
        found: list[str] = []
        for _, text, _ in queue[at : at + _MAX_OPEN_LINES + 1]:
            found.append(text)
            if self.options.quote in text:
                break
        return found
