"""New columns out of a tally: names, hints, and how many a table may have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lakelet.lake.types import Column, DataType
from lakelet.loading.inference.tally import Tally
from lakelet.loading.shape import MAX_COLUMNS, METADATA, RESCUED, Shape, column_for

__all__ = ("hinted", "new_columns")


def new_columns(
    root: Tally,
    shape: Shape,
    hints: Mapping[str, DataType],
    *,
    tolerance: float,
    others: Iterable[str] = (),
) -> list[Column]:
    """Columns for the fields of ``root`` that fill none yet.

    A field that is always null makes no column. Of two names that differ only in case the later
    makes none, and its values are rescued.

    Args:
        root: what the records looked like.
        shape: the columns there are.
        hints: types by field or column name in lower case; they win over what was seen.
        tolerance: the share of a field's values that its type must fit.
        others: names that are taken besides.
    """
    taken = {field.column.name.lower() for field in shape.fields}
    taken |= {other.lower() for other in others} | {RESCUED, METADATA}
    found: list[Column] = []
    for key, tally in root.fields.items():
        if not key or shape.find(key) is not None or len(taken) >= MAX_COLUMNS:
            continue
        kind = hints.get(key.lower()) or tally.kind(tolerance)
        column = column_for(key, kind, taken) if kind is not None else None
        if column is not None:
            taken.add(column.name.lower())
            found.append(column)
    return found


def hinted(hints: Iterable[Column]) -> dict[str, DataType]:
    """Hints by name in lower case."""
    return {column.name.lower(): column.type for column in hints}
