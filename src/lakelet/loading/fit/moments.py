"""Moments as programs write them: the one form of a column, and a moment written back in it.

That a text comes out again, byte for byte, is the cheapest proof that it survived.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from lakelet.lake.names import literal
from lakelet.lake.types import DataType, Primitive

__all__ = ("form_of", "in_use", "written_moment")

_FORM = re.compile(r"\d{4}-\d\d-\d\d([T ])\d\d:\d\d:\d\d(?:\.(\d{3}|\d{6}))?(Z|\+00:00)?", re.ASCII)
_FRACTIONS = {0: "", 3: ".%g", 6: ".%f"}
_ZONED = ("Z", "+00:00")
_LIMITS = {
    "DATE": ("DATE '1000-01-01'", "DATE '9999-12-31'"),
    "TIMESTAMP": ("TIMESTAMPTZ '1000-01-02 00:00:00+00'", "TIMESTAMPTZ '9999-12-30 00:00:00+00'"),
    "TIMESTAMP_NTZ": ("TIMESTAMP '1000-01-01'", "TIMESTAMP '9999-12-30'"),
}


def form_of(texts: Iterable[str], kind: DataType) -> str:
    """The one form, for ``strftime``, of all these moments; '' where they have none in common."""
    forms = {_form(text, kind) for text in texts}
    return forms.pop() if len(forms) == 1 else ""


def _form(text: str, kind: DataType) -> str:
    match = _FORM.fullmatch(text)
    if match is None or (match[3] and kind != Primitive("TIMESTAMP")):
        return ""
    between, fraction, zone = match.groups()
    return f"%Y-%m-%d{between}%H:%M:%S{_FRACTIONS[len(fraction or '')]}{zone or ''}"


def written_moment(kind: DataType, value: str, form: str) -> str:
    """An SQL text of a moment in a form; one without a zone shows the session's clock.

    Args:
        kind: TIMESTAMP or TIMESTAMP_NTZ.
        value: an SQL expression.
        form: what `form_of` gave, with anything around it.
    """
    if kind == Primitive("TIMESTAMP"):
        zoned = form.rstrip('"').endswith(_ZONED)
        value = f"timezone('UTC', {value})" if zoned else f"CAST({value} AS TIMESTAMP)"
    return f"strftime({value}, {literal(form)})"


def in_use(kind: DataType, value: str) -> str:
    """A condition that leaves out what DuckDB knows besides: infinity, and very early years."""
    assert isinstance(kind, Primitive)
    first, last = _LIMITS[kind.name]
    return f"coalesce({value} BETWEEN {first} AND {last}, true)"
