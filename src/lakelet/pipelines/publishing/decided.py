"""What a decision about rescued fields means for the flows that take files into the table.

A flow keeps the columns in which it reads its files, since a query may make others of them. What a
person decides about the table (a wider type, a field that fills a column, a field made one) has
to reach these columns too: else the next file comes in the old type, and stops the update.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lakelet.lake.types import Column

__all__ = ("DECIDED", "with_decisions")

DECIDED = "columns decided on"
"""Where a publication names the columns that were made of rescued fields by hand."""


def with_decisions(
    inputs: Mapping[str, Any], before: Sequence[Column], now: Sequence[Column]
) -> dict[str, Any]:
    """What a streaming table was made from, once its columns were changed by hand.

    Args:
        inputs: what its publication says.
        before: the table's columns then.
        now: its columns by now.
    """
    old = {column.name.lower(): column for column in before}
    new = {column.name.lower(): column for column in now}
    changed = {name: column for name, column in new.items() if old.get(name) not in (None, column)}
    added = [column.name for name, column in new.items() if name not in old]
    found = {
        key: _decided(state, old, changed) if key.startswith("flow ") else state
        for key, state in inputs.items()
    }
    if added:
        found[DECIDED] = [*found.get(DECIDED, ()), *added]
    return found


def _decided(state: Any, old: Mapping[str, Column], changed: Mapping[str, Column]) -> Any:
    if not isinstance(state, dict) or "columns" not in state:
        return state
    columns = []
    for column in map(Column.from_delta, state["columns"]):
        name = column.name.lower()
        decided = changed.get(name)
        # Of another type before, it was the query that made the table's column; that still holds.
        if decided is not None and old[name].type == column.type:
            metadata = dict(column.metadata) | dict(decided.metadata)
            column = replace(column, type=decided.type, metadata=tuple(sorted(metadata.items())))
        columns.append(column.delta)
    return {**state, "columns": columns}
