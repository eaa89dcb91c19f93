"""The cells of one CSV row, read exactly, and the joined form in which rows travel.

Source: RFC 4180. An unquoted empty cell is NULL, a quoted one the empty string.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache

from lakelet.loading.options import ReadOptions

__all__ = (
    "DONE",
    "EMPTY",
    "ESCAPED",
    "JOIN",
    "WRONG",
    "cells_of",
    "join_cells",
    "scan_row",
    "split_plain",
)

JOIN = "\x1f"
"""Between the cells of a row in its joined form; empty text between two stands for NULL."""
EMPTY = "\x1e"
"""A cell that is the empty string rather than NULL, in the joined form."""
ESCAPED = "\x1d"
"""Begins a joined form that is a JSON array, for cells that hold one of these marks themselves."""


DONE, WRONG = -1, -2
"""What `scan_row` says of a row that is whole, and of one whose quotes stand as they must not."""


@lru_cache(maxsize=32)
def _inside(quote: str, escape: str) -> re.Pattern[str]:
    """What may stand between the quotes of a cell, as far as it goes."""
    q, e = re.escape(quote), re.escape(escape)
    return re.compile(f"(?:[^{q}{e}]|{e}.|{q}{q})*+" if e != q else f"(?:[^{q}]|{q}{q})*+", re.S)


def scan_row(
    raw: str, delimiter: str, options: ReadOptions, cells: list[str | None], start: int = 0
) -> int:
    """Take the cells of a row in, from a cell's beginning on.

    A quote inside an unquoted cell is text like any other.

    Args:
        raw: the row, or as much of it as has been read.
        delimiter: what stands between cells.
        options: how cells are written.
        cells: where they go.
        start: where to begin.

    Returns:
        `DONE`; `WRONG`; or where a cell begins whose closing quote is yet to come.
    """
    quote, end = options.quote, len(raw)
    inside = _inside(quote, options.escape)
    while True:
        if raw.startswith(quote, start):
            match = inside.match(raw, start + 1)
            assert match is not None
            after = match.end() + 1
            if after > end or raw[after - 1] != quote:
                return start
            if after < end and raw[after] != delimiter:
                return WRONG
            cells.append(_unescape(match[0], quote, options.escape))
        else:
            after = raw.find(delimiter, start)
            after = end if after < 0 else after
            cells.append(_plain(raw[start:after], options))
        if after >= end:
            return DONE
        start = after + 1


def split_plain(raw: str, delimiter: str, options: ReadOptions) -> list[str | None]:
    """The cells of a row without any quote."""
    return [_plain(cell, options) for cell in raw.split(delimiter)]


def _plain(cell: str, options: ReadOptions) -> str | None:
    cell = cell.strip() if options.trim else cell
    return None if cell in ("", options.null_value) else cell


def _unescape(text: str, quote: str, escape: str) -> str:
    if escape != quote and escape in text:
        text = re.sub(re.escape(escape) + "(.)", r"\1", text, flags=re.DOTALL)
    return text.replace(quote + quote, quote) if quote + quote in text else text


def join_cells(cells: list[str | None]) -> str:
    """The joined form of a row."""
    joined = JOIN.join(["" if c is None else c or EMPTY for c in cells])
    marks = joined.count(JOIN) + 1 == len(cells) and ESCAPED not in joined
    if marks and (EMPTY not in joined or all(c is None or EMPTY not in c for c in cells)):
        return joined
    return ESCAPED + json.dumps(cells)


def cells_of(joined: str) -> list[str | None]:
    """The cells of a row in its joined form."""
    if joined.startswith(ESCAPED):
        cells: list[str | None] = json.loads(joined[1:])
        return cells
    return [None if c == "" else "" if c == EMPTY else c for c in joined.split(JOIN)]
