"""Widening a column while loading: BIGINT to DOUBLE to DECIMAL, DATE to TIMESTAMP.

Only steps in which every value there is keeps saying the same; a text among numbers is rescued and
makes no text of the column.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from lakelet.engines.rewrite.schema_change import change_type, table_bytes
from lakelet.errors import SchemaError
from lakelet.lake import LakeTable
from lakelet.lake.types import DataType, Decimal, Primitive
from lakelet.loading.inference.tally import Tally
from lakelet.loading.shape import Shape

__all__ = ("Widened", "refuse_narrower", "widen_columns", "wider_type")

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


def _holds_less(kind: DataType, other: DataType) -> bool:
    """Whether another type holds less: a narrower number or moment.

    The same type holds as much: whoever widens again after a kill finds the column widened already,
    and goes on with the values that were rescued.
    """
    if kind == other:
        return False
    if isinstance(kind, Decimal) and isinstance(other, Decimal):
        whole, others = kind.precision - kind.scale, other.precision - other.scale
        return others <= whole and other.scale <= kind.scale
    if not isinstance(kind, Primitive) or not isinstance(other, Primitive):
        return isinstance(kind, Decimal) and isinstance(other, Primitive) and other.name in _WHOLE
    if other.name in _WHOLE:
        held = (*_WHOLE[_WHOLE.index(other.name) :], "FLOAT", "DOUBLE")
        return kind.name in held
    return (kind.name, other.name) in (("DOUBLE", "FLOAT"), ("TIMESTAMP", "DATE"))


def refuse_narrower(column: str, kind: DataType, other: DataType) -> None:
    """Refuse to widen a column to a type that holds less than its own.

    Raises:
        SchemaError: it holds less; nothing was changed.
    """
    if _holds_less(kind, other):
        raise SchemaError(
            f"{column} is {kind.sql}, and {other.sql} holds less than that; nothing was changed.",
            hint="name a type that holds more, such as BIGINT, DOUBLE or STRING.",
        )


@dataclass(frozen=True, slots=True)
class Widened:
    """What became of columns whose values did not fit.

    Attributes:
        done: what was widened, as ``name: OLD to NEW``.
        left: columns that keep their type, as ``name stays OLD: why``; their values are rescued.
    """

    done: list[str]
    left: list[str]


def widen_columns(
    table: LakeTable, connection: duckdb.DuckDBPyConnection, shape: Shape, seen: Tally, limit: int
) -> Widened:
    """Widen the columns whose values ask for it, each in one rewriting commit.

    Args:
        table: the table.
        connection: a connection of the load's own.
        shape: its columns.
        seen: what the values that did not fit look like.
        limit: the most bytes a rewrite may read; past it the values stay rescued.
    """
    found = Widened([], [])
    for key, tally in seen.fields.items():
        field = shape.find(key)
        if field is None:
            continue
        name, kind = field.column.name, field.type
        wider = wider_type(kind, tally)
        if wider is None:
            why = _why_not(kind, tally)
        elif (size := table_bytes(table.open())) > limit:
            why = f"{wider.sql} would rewrite {size:,} bytes, and widen_limit is {limit:,}"
        else:
            try:
                change_type(table, connection, name, wider)
            except SchemaError:
                why = f"values that are there would not survive as {wider.sql}"
            else:
                found.done.append(f"{name}: {kind.sql} to {wider.sql}")
                continue
        if why:
            found.left.append(f"{name} stays {kind.sql}: {why}")
    return found


def _why_not(kind: DataType, tally: Tally) -> str:
    """Why no wider type takes the values of a column; '' where they all fit."""
    if isinstance(kind, Decimal):
        digits = max(kind.precision - kind.scale, tally.whole) + max(kind.scale, tally.scale)
        fit = tally.numbers if digits <= _DIGITS else 0
    elif isinstance(kind, Primitive):
        digits = max(tally.whole, 19) + tally.scale
        known = {"DOUBLE": tally.doubles, "FLOAT": tally.doubles, "BOOLEAN": tally.booleans,
                 "DATE": tally.dates, "TIMESTAMP": tally.moments}  # fmt: skip
        fit = tally.integers if kind.name in _WHOLE else known.get(kind.name, tally.count)
    else:
        return ""
    if fit >= tally.count:
        return ""
    if tally.numbers > fit and digits > _DIGITS:
        return f"the {_DIGITS} digits of a DECIMAL may be too few for its numbers"
    return "values of another kind make no other type of it"
