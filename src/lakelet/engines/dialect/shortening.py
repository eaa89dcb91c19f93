"""Conversions inside a call's text, cut short where the kind of an argument is known.

What a macro would decide by type while the query is bound is decided here; the values are the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lakelet.engines.dialect.casts import cast_to
from lakelet.engines.dialect.kinds import kind_of

if TYPE_CHECKING:
    from sqlglot import exp

    from lakelet.engines.dialect.renderer import Renderer

__all__ = ("converted", "shortened")

_CALL = re.compile(r"(lk_\w+)\((\{(\d)\})\)")
# The target of the cast that each of these macros is.
_CASTS = {
    "lk_cast_double": "double", "lk_cast_date": "date", "lk_day": "date",
    "lk_cast_timestamp": "timestamp", "lk_instant_or_wall": "timestamp",
}  # fmt: skip
_TIMES = frozenset({"string", "date", "timestamp"})


def shortened(sql: str, kinds: Sequence[str | None]) -> str:
    """A template whose macros of one argument are written plainly where its kind is known."""

    def short(found: re.Match[str]) -> str:
        name, place, kind = found.group(1), found.group(2), kinds[int(found.group(3))]
        if kind is None or kind == "null":
            return found.group()
        if name in _CASTS:
            return cast_to(place, _CASTS[name], "", kind=kind)
        if name in {"lk_clock", "lk_moment"}:  # the wall clock; that, or an instant
            if kind == "wall":
                return place
            if kind in _TIMES:
                instant = cast_to(place, "timestamp", "", kind=kind)
                return instant if name == "lk_moment" else f"CAST({instant} AS TIMESTAMP)"
        if kind == "string" and name in {"lk_bytes", "lk_hex"}:
            return f"hex(encode({place}))" if name == "lk_hex" else f"encode({place})"
        return found.group()

    return _CALL.sub(short, sql)


def converted(r: Renderer, template: str, *nodes: exp.Expr) -> str:
    """A template with ``{0}``, ``{1}`` … for nodes, cut short where their kinds are known."""
    text = shortened(template, [kind_of(r, node) for node in nodes])
    return re.sub(r"\{(\d)\}", lambda found: r.sql(nodes[int(found.group(1))]), text)
