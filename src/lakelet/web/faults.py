"""Where in the raw text of a rejected row the fault is."""

from __future__ import annotations

import json
import re

__all__ = ("Marked", "marked")

Marked = tuple[str, str, str]
"""Text before the fault, the fault, text after it; no fault where it cannot be pointed at."""

_BYTES = re.compile(r"\\x[0-9a-f]{2}")
_FIELDS = re.compile(r"(\d+) fields? instead of (\d+)")
_MOST = 2000
_AROUND = 120
_DELIMITERS = ",;\t|"
_END = "⏎"
"""Stands for the end of a text that ends too early."""


def marked(record: str, reason: str) -> Marked:
    """The raw text of a row, parted where the fault is.

    Args:
        record: the text; of a long one what is around the fault.
        reason: why it was rejected.
    """
    found = _place(record, reason)
    if found is None:
        return _cut(record, 0)[1], "", ""
    start, end = found
    if start >= len(record):
        return _cut(record, len(record))[0], _END, ""
    return _cut(record[:start], start)[0], record[start:end][:_AROUND], _cut(record[end:], 0)[1]


def _cut(text: str, at: int) -> tuple[str, str]:
    """The end and the beginning of a text that is too long to be shown."""
    if len(text) <= _MOST:
        return text, text
    return f"…{text[at - _AROUND : at] if at else text[-_AROUND:]}", f"{text[:_AROUND]}…"


def _place(record: str, reason: str) -> tuple[int, int] | None:
    if "UTF-8" in reason:
        match = _BYTES.search(record)
        return match.span() if match else None
    if "quotes" in reason:
        at = record.rfind('"')
        return None if at < 0 else (at, at + 1)
    counts = _FIELDS.search(reason)
    if counts:
        return _field(record, int(counts[1]), int(counts[2]))
    if record.lstrip()[:1] not in ("{", "["):
        return None
    try:
        json.loads(record)
    except json.JSONDecodeError as error:
        return error.pos, error.pos + 1
    except RecursionError:
        return None
    return None


def _field(record: str, there: int, wanted: int) -> tuple[int, int] | None:
    """The fields of a row that are too many, or its end where there are too few."""
    if there < wanted:
        return len(record), len(record)
    delimiter = next((one for one in _DELIMITERS if record.count(one) == there - 1), None)
    if delimiter is None or not wanted:
        return None
    at = -1
    for _ in range(wanted):
        at = record.index(delimiter, at + 1)
    return at, len(record)
