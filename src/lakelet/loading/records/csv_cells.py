"""The cells of one CSV row, read exactly, and the joined form in which rows travel.

Source: RFC 4180. An unquoted empty cell is NULL, a quoted one the empty string.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache

from lakelet.loading.options import ReadOptions

__all__ = ("EMPTY", "ESCAPED", "JOIN", "cells_of", "join_cells", "split_row")

JOIN = "\x1f"
"""Between the cells of a row in its joined form; empty text between two stands for NULL."""
EMPTY = "\x1e"
"""A cell that is the empty string rather than NULL, in the joined form."""
ESCAPED = "\x1d"
"""Begins a joined form that is a JSON array, for cells that hold one of these marks themselves."""


@lru_cache(maxsize=32)
def _field(delimiter: str, quote: str, escape: str) -> re.Pattern[str]:
    d, q, e = re.escape(delimiter), re.escape(quote), re.escape(escape)
    inside = f"(?:[^{q}]|{q}{q})*" if escape == quote else f"(?:[^{q}{e}]|{e}.|{q}{q})*"
    return re.compile(f"(?:{q}({inside}){q}|([^{q}{d}][^{d}]*|))(?:{d}|$)", re.DOTALL)


def split_row(raw: str, delimiter: str, options: ReadOptions) -> list[str | None] | None:
    """The cells of a row, or None where quotes stand as they must not.

    A quote inside an unquoted cell is text like any other.
    """
    quote, null = options.quote, options.null_value
    if quote not in raw:
        cells = raw.split(delimiter)
        if options.trim:
            cells = [cell.strip() for cell in cells]
        return [None if cell in ("", null) else cell for cell in cells]
    found: list[str | None] = []
    field = _field(delimiter, quote, options.escape)
    position, end = 0, len(raw)
    while True:
        match = field.match(raw, position)
        if match is None:
            return None
        quoted, plain = match[1], match[2]
        if quoted is not None:
            found.append(_unescape(quoted, quote, options.escape))
        else:
            plain = plain.strip() if options.trim else plain
            found.append(None if plain in ("", null) else plain)
        position = match.end()
        if position >= end:
            if raw[position - 1] == delimiter and match.end(1 if quoted is not None else 2) < end:
                found.append(None)
            return found


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
