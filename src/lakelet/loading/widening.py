"""Widening a column while loading: BIGINT to DOUBLE to DECIMAL, DATE to TIMESTAMP.

Only steps in which every value there is keeps saying the same; a text among numbers is rescued and
makes no text of the column.
"""

from __future__ import annotations

import duckdb

from lakelet.engines.rewrite.schema_change import change_type, table_bytes
from lakelet.errors import SchemaError
from lakelet.lake import LakeTable
from lakelet.lake.types import DataType, Decimal, Primitive
from lakelet.loading.inference.tally import Tally
from lakelet.loading.shape import Shape

__all__ = ("widen_columns", "wider_type")

_WHOLE = ("TINYINT", "SMALLINT", "INT", "BIGINT")
_DIGITS = 38


def wider_type(kind: DataType, tally: Tally) -> DataType | None:
    """The next wider type that more of the values seen fit, or None."""
    if isinstance(kind, Decimal):
        whole = max(kind.precision - kind.scale, tally.whole)
        scale = max(kind.scale, tally.scale)
        wider = Decimal(_DIGITS, scale)
        return wider if whole + scale <= _DIGITS and wider != kind and tally.numbers else None
    if not isinstance(kind, Primitive):
        return None
    if kind.name in _WHOLE:
        if kind.name != "BIGINT" and tally.integers:
            return Primitive("BIGINT")
        if tally.doubles > tally.integers:
            return Primitive("DOUBLE")
    if kind.name in (*_WHOLE, "DOUBLE", "FLOAT") and tally.numbers > tally.doubles:
        whole = max(tally.whole, 19)
        if whole + tally.scale <= _DIGITS:
            return Decimal(_DIGITS, tally.scale)
    if kind.name == "DATE" and tally.moments > tally.dates:
        return Primitive("TIMESTAMP")
    return None


def widen_columns(
    table: LakeTable, connection: duckdb.DuckDBPyConnection, shape: Shape, seen: Tally, limit: int
) -> list[str]:
    """Widen the columns whose values ask for it, each in one rewriting commit.

    Args:
        table: the table.
        connection: a connection of the load's own.
        shape: its columns.
        seen: what the values that did not fit look like.
        limit: the most bytes a rewrite may read; past it the values stay rescued.

    Returns:
        What was widened, as ``name: OLD to NEW``.
    """
    found = []
    for key, tally in seen.fields.items():
        field = shape.find(key)
        wider = wider_type(field.type, tally) if field else None
        if field is None or wider is None or table_bytes(table.open()) > limit:
            continue
        try:
            change_type(table, connection, field.column.name, wider)
        except SchemaError:  # values that are there already would not survive
            continue
        found.append(f"{field.column.name}: {field.type.sql} to {wider.sql}")
    return found
