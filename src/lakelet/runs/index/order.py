"""What lists of runs are sorted by: a metric, a parameter, or a fact of the run itself."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass

from lakelet.errors import CommandError

__all__ = ("Order", "parse_order")

_OWN = {
    "started": "r.started", "name": "r.name", "status": "r.status", "folder": "r.experiment",
    "seconds": "(r.ended - r.started)",
}  # fmt: skip
_KEPT = {"metrics": "run_metrics", "params": "run_params"}


@dataclass(frozen=True)
class Order:
    """An order in SQLite's words, of a run ``r``.

    Attributes:
        join: what is joined for it; '' for nothing.
        by: what stands behind ORDER BY.
        values: of the markers of ``join``.
    """

    join: str
    by: str
    values: tuple[str, ...]


def parse_order(text: str, store: sqlite3.Connection, *, descending: bool) -> Order:
    """What a person sorts by, in SQLite's words; runs without it come last, the newest first.

    Parameters that are numbers are sorted as numbers, before those that are texts.

    Args:
        text: ``metrics.NAME``, ``params.NAME``, ``started``, ``seconds``, ``name``, ``status`` or
            ``folder``.
        store: the connection that will be asked.
        descending: whether the largest come first.

    Raises:
        CommandError: there is no such thing.
    """
    kind, dot, name = text.partition(".")
    way = "DESC" if descending else "ASC"
    if text in _OWN:
        # Written as the index has it, where the newest come first.
        by = _LAST if (text, way) == ("started", "DESC") else f"{_by(_OWN[text], way)}, {_LAST}"
        return Order("", by, ())
    if kind not in _KEPT or not dot:
        raise CommandError(
            f"runs are not sorted by {text!r}; nothing was listed.",
            hint=f"metrics.NAME, params.NAME, {', '.join(_OWN)} are what they are sorted by.",
        )
    join = f"LEFT JOIN {_KEPT[kind]} o ON o.run_id = r.id AND o.key = ?"
    by = _by("o.value", way)
    if kind == "params":
        store.create_function("number_of", 1, _number, deterministic=True)
        number = "number_of(o.value)"
        by = f"o.value IS NULL, {_by(number, way)}, o.value {way}"
    return Order(join, f"{by}, {_LAST}", (name,))


_LAST = "r.started DESC, r.id"


def _by(value: str, way: str) -> str:
    """By a value, where it is one; in SQLite NULL is less than all others."""
    return f"{value} {way}" if way == "DESC" else f"{value} IS NULL, {value} {way}"


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
