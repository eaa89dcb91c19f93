"""Tables, JSON and numbers for a terminal."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import sys
import textwrap
import unicodedata
import uuid
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cache
from math import isfinite
from typing import Any

import click

from lakelet.workspace.quantities import counted

__all__ = (
    "cell_text",
    "counted",
    "json_text",
    "number",
    "print_json",
    "print_table",
    "table_lines",
    "when",
    "wrapped",
)


_LEAST = 8
"""Letters that are left of a column that is cut."""


def number(count: int) -> str:
    """A number with thin groups of three digits, for people."""
    return f"{count:,}"


def when(moment: dt.datetime | None, zone: str) -> str:
    """A moment in the workspace's zone, to the second."""
    if moment is None:
        return ""
    import pytz

    return moment.astimezone(pytz.timezone(zone)).strftime("%Y-%m-%d %H:%M:%S")


def json_text(value: Any, *, indent: int | None = None) -> str:
    """JSON of values as they come out of a query; what JSON has no form for becomes text.

    A decimal stands there digit for digit: the encoder knows no numbers but int and float, so that
    it is told a text nobody else can have, which gives way to the digits afterwards.
    """
    mark = _mark()
    text = json.dumps(_plain(value, mark), ensure_ascii=False, indent=indent)
    return _marked(mark).sub(r"\1", text) if mark in text else text


@cache
def _mark() -> str:
    return uuid.uuid4().hex


@cache
def _marked(mark: str) -> re.Pattern[str]:
    return re.compile(f'"{mark}([-0-9.]+)"')


def _plain(value: Any, mark: str) -> Any:
    kind = type(value)
    if value is None or kind in (str, int, bool):
        return value
    if kind is float:
        return value if isfinite(value) else str(value)
    if isinstance(value, dict):
        return {str(key): _plain(item, mark) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, mark) for item in value]
    if isinstance(value, Decimal):
        return f"{mark}{value:f}" if value.is_finite() else str(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)


def cell_text(value: Any) -> str:
    """One value on one line."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        text = value.isoformat(sep=" ")
        return text.replace("+00:00", "Z") if text.endswith("+00:00") else text
    if isinstance(value, dict | list | tuple):
        return json_text(value)
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    marks = sum(unicodedata.combining(c) != 0 for c in text)
    return len(text) + wide - marks


def _clip(text: str, limit: int) -> str:
    text = "".join(c if c.isprintable() else _visible(c) for c in text)
    if _width(text) <= limit:
        return text
    while text and _width(text) > limit - 1:
        text = text[:-1]
    return text + "…"


def _visible(character: str) -> str:
    return {"\n": "⏎", "\t": "⇥", "\r": "␍"}.get(character, "�")


def table_lines(
    names: Sequence[str], rows: Iterable[Sequence[Any]], *, width: int | None = None,
    whole: Sequence[str] = (),
) -> list[str]:  # fmt: skip
    """Rows under their columns' names, numbers to the right, clipped to the terminal.

    Columns that are ``whole`` are never clipped: what stands there is typed again. Columns that
    still do not fit stand below, each time with the first one.
    """
    lines: list[str] = []
    for table in _tables(names, rows, width, whole):
        lines += [""] * bool(lines) + table
    return lines


def _tables(
    names: Sequence[str], rows: Iterable[Sequence[Any]], width: int | None, whole: Sequence[str]
) -> list[list[str]]:
    rows = list(rows)
    texts = [[cell_text(value) for value in row] for row in rows]
    right = [
        all(isinstance(row[i], int | float | Decimal | None) for row in rows) and bool(rows)
        for i in range(len(names))
    ]
    natural = [
        max([_width(name), *(_width(_clip(row[i], 400)) for row in texts)])
        for i, name in enumerate(names)
    ]
    total = width or _columns()
    free = {i: max(_LEAST, _width(name)) for i, name in enumerate(names) if name not in whole}
    tables = []
    for columns in _bands(natural, total, free):
        widths = [natural[i] for i in columns]
        _fit(widths, total, {at: free[i] for at, i in enumerate(columns) if i in free})
        sides = [right[i] for i in columns]
        lines = [_line([names[i] for i in columns], widths, sides)]
        lines += ["  ".join("─" * w for w in widths)]
        lines += [_line([row[i] for i in columns], widths, sides) for row in texts]
        tables.append([line.rstrip() for line in lines])
    return tables


def _columns() -> int:
    """Letters of a line: the terminal's, or as many as there are where nobody looks at it."""
    wide = 100 if sys.stdout.isatty() else 10_000
    return shutil.get_terminal_size((wide, 24)).columns


def _bands(natural: Sequence[int], total: int, free: dict[int, int]) -> list[list[int]]:
    """The columns that stand beside each other: all, where they fit with the widest ones cut."""
    least = [min(wide, free.get(i, wide)) for i, wide in enumerate(natural)]
    bands = [[0]] if natural else []
    for i in range(1, len(natural)):
        if sum(least[j] for j in bands[-1]) + least[i] + 2 * len(bands[-1]) > total:
            bands.append([0])
        bands[-1].append(i)
    return bands


def _fit(widths: list[int], total: int, least: dict[int, int]) -> None:
    """Take from the widest columns until the row fits, but leave each something to read."""
    spare = sum(widths) + 2 * (len(widths) - 1) - total
    free = [i for i in least if widths[i] > least[i]]
    while spare > 0 and free:
        widest = max(free, key=widths.__getitem__)
        widths[widest] -= 1
        spare -= 1
        free = [i for i in free if widths[i] > least[i]]


def _line(texts: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    cells = []
    for text, width, to_right in zip(texts, widths, right, strict=True):
        text = _clip(text, width)
        space = " " * (width - _width(text))
        cells.append(space + text if to_right else text + space)
    return "  ".join(cells)


def print_table(
    names: Sequence[str], rows: Iterable[Sequence[Any]], *, whole: Sequence[str] = ()
) -> None:
    """Print rows under their names, the names faint where the terminal can."""
    for number, (heading, *lines) in enumerate(_tables(names, rows, None, whole)):
        click.echo("\n" * bool(number) + click.style(heading, bold=True))
        for line in lines:
            click.echo(line)


def wrapped(text: str, indent: int = 0, *, err: bool = False) -> str:
    """A text in lines of the terminal's width, broken between words; elsewhere it is one line.

    Args:
        text: the text.
        indent: letters before all lines but the first.
        err: whether it goes to standard error.
    """
    if not (sys.stderr if err else sys.stdout).isatty():
        return text
    width = max(shutil.get_terminal_size((100, 24)).columns, indent + 20)
    return textwrap.fill(
        text, width, subsequent_indent=" " * indent, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json_text(value, indent=2 if sys.stdout.isatty() else None))
