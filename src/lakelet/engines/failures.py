"""What DuckDB says went wrong, for a person."""

from __future__ import annotations

import re

from lakelet.engines.dialect import failure_text

__all__ = ("failed_in_python", "said_by_duckdb")

_RAISED = re.compile(r"^lakelet\.errors\.\w+: (.*?)(?:\nHint: .*)?(?:\n\n|\Z)", re.M | re.S)
_TRACEBACK = "Traceback (most recent call last)"


def failed_in_python(error: object) -> bool:
    """Whether a file system of ours raised it."""
    return _TRACEBACK in str(error)


def said_by_duckdb(error: object) -> str:
    """DuckDB's message without the class it begins with, or what a check of our own says.

    Where a file system of ours failed inside a query, DuckDB passes on a traceback as text; the
    message in it is what counts.
    """
    text = str(error)
    if (own := failure_text(text)) is not None:
        return own
    if _TRACEBACK in text:
        raised = _RAISED.search(text)
        if raised is not None:
            return raised[1]
        lines = [line for line in text.splitlines() if line and line[0] not in " \t"]
        return next((line for line in reversed(lines) if not line.startswith("LINE ")), text)
    first, colon, rest = text.partition(": ")
    return rest if colon and first.endswith("Error") else text
