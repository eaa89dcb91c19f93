"""Types that a person gives for columns, checked against the columns there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lakelet.errors import SchemaError
from lakelet.lake import TableName
from lakelet.lake.types import Array, Column, DataType, Map, Struct
from lakelet.loading.shape import Shape

__all__ = ("check_hints", "refuse_not_null", "unused_hints")


def refuse_not_null(hints: Iterable[Column]) -> None:
    """Refuse a hint that says more than a type.

    Raises:
        SchemaError: NOT NULL among the hints.
    """
    for hint in hints:
        if not hint.nullable:
            raise SchemaError(
                f"the hint {hint.name} {hint.type.sql} says NOT NULL, which a hint cannot: values "
                "that do not fit leave NULL behind. Nothing was loaded.",
                hint="leave NOT NULL out; ALTER TABLE … ALTER COLUMN … SET NOT NULL, or CREATE "
                "TABLE before the load, has it checked.",
            )


def check_hints(name: TableName, columns: Sequence[Column], hints: Iterable[Column]) -> None:
    """Compare hints with the columns that a table has.

    Raises:
        SchemaError: a column has another type than its hint says.
    """
    shape = Shape.of(columns)
    for hint in hints:
        field = shape.find(hint.name)
        if field is not None and not _agree(hint.type, field.type):
            column = field.column.name
            raise SchemaError(
                f"the hint {hint.name} {hint.type.sql} contradicts {name}, whose column {column} "
                f"is {field.type.sql}; nothing was loaded.",
                hint=f"leave the hint out; or change the column first: ALTER TABLE {name} ALTER "
                f"COLUMN {column} TYPE {hint.type.sql}.",
            )


def _agree(hint: DataType, there: DataType) -> bool:
    if isinstance(hint, Struct) and isinstance(there, Struct):
        known = {name.lower(): kind for name, kind in there.fields}
        return all(_agree(kind, known.get(name.lower(), kind)) for name, kind in hint.fields)
    if isinstance(hint, Array) and isinstance(there, Array):
        return _agree(hint.element, there.element)
    if isinstance(hint, Map) and isinstance(there, Map):
        return _agree(hint.key, there.key) and _agree(hint.value, there.value)
    return hint == there


def unused_hints(columns: Sequence[Column], hints: Iterable[Column]) -> list[str]:
    """Hints that no column has the name of, as a person wrote them."""
    shape = Shape.of(columns)
    return [f"{hint.name} {hint.type.sql}" for hint in hints if shape.find(hint.name) is None]
