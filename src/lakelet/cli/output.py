"""Tables, JSON and numbers for a terminal."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import sys
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
)


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

    Columns that are ``whole`` are never clipped: what stands there is typed again.
    """
    rows = list(rows)
    texts = [[cell_text(value) for value in row] for row in rows]
    right = [
        all(isinstance(row[i], int | float | Decimal | None) for row in rows) and bool(rows)
        for i in range(len(names))
    ]
    widths = [
        max([_width(name), *(_width(_clip(row[i], 400)) for row in texts)])
        for i, name in enumerate(names)
    ]
    free = [i for i, name in enumerate(names) if name not in whole]
    _fit(widths, width or shutil.get_terminal_size((100, 24)).columns, free)
    lines = [_line(names, widths, right), "  ".join("─" * w for w in widths)]
    lines += [_line(row, widths, right) for row in texts]
    return [line.rstrip() for line in lines]


def _fit(widths: list[int], total: int, free: Sequence[int]) -> None:
    """Take from the widest columns until the row fits, but leave each something to read."""
    spare = sum(widths) + 2 * (len(widths) - 1) - total
    while spare > 0 and free:
        widest = max(free, key=widths.__getitem__)
        if widths[widest] <= 8:
            return
        widths[widest] -= 1
        spare -= 1


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
    lines = table_lines(names, rows, whole=whole)
    click.echo(click.style(lines[0], bold=True))
    for line in lines[1:]:
        click.echo(line)


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json_text(value, indent=2 if sys.stdout.isatty() else None))
