"""Store assignment: how a value becomes one of its column's type, or is refused.

Databricks' ANSI rules (page "ANSI compliance", "Store assignment"): a number goes into any numeric
type or is an error where it is too large, everything plain goes into STRING, dates and timestamps
go into one another; text goes into nothing but STRING.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

from lakelet.engines.dialect.casts import cast_to
from lakelet.engines.dialect.macros import definitions
from lakelet.engines.duckdb_types import VOID, with_nulls
from lakelet.errors import SchemaError
from lakelet.lake.names import literal, quote
from lakelet.lake.types import Array, Column, DataType, Decimal, Map, Primitive, Struct

__all__ = ("Assignment", "macros_of")

_WHOLE = {"TINYINT", "SMALLINT", "INT", "BIGINT"}
_NUMBERS = {*_WHOLE, "DOUBLE", "FLOAT"}
_TIMES = {"DATE": "date", "TIMESTAMP": "timestamp", "TIMESTAMP_NTZ": "wall"}
_KINDS = {"DATE": "date", "TIMESTAMP": "timestamp", "TIMESTAMP_NTZ": "wall", "STRING": "string",
          "BOOLEAN": "boolean"}  # fmt: skip
_NULL = '"NULL"'


class Assignment:
    """Turns values into values of columns, and remembers which macros that takes."""

    def __init__(self) -> None:
        self._names: Iterator[int] = count()
        self._place = ""

    def convert(self, sql: str, source: str, column: Column, *, table: str) -> str:
        """SQL for the value as one of the column.

        Args:
            sql: the value.
            source: its type as DuckDB writes it.
            column: where it goes.
            table: for the message.

        Raises:
            SchemaError: the column's type takes no value of that type.
        """
        target = column.type
        if source == _NULL or source == target.duckdb:
            return f"CAST({sql} AS {target.duckdb})"
        kind = with_nulls(source)
        self._place = f"the column {column.name} of {table}"
        found = self._value(sql, kind, target)
        if found is None:
            raise _refused(table, column, kind)
        return f"CAST({found} AS {target.duckdb})"

    def _value(self, sql: str, source: DataType, target: DataType) -> str | None:
        if source == target:
            return sql
        if source == VOID:
            return f"CAST({sql} AS {target.duckdb})"
        if isinstance(source, Array) and isinstance(target, Array):
            return self._each(sql, source.element, target.element)
        if isinstance(source, Map) and isinstance(target, Map):
            return self._map(sql, source, target)
        if isinstance(source, Struct) and isinstance(target, Struct):
            return self._struct(sql, source, target)
        if isinstance(source, Primitive | Decimal) and isinstance(target, Primitive | Decimal):
            return _plain(sql, source, target, self._place)
        return None

    def _each(self, sql: str, source: DataType, target: DataType) -> str | None:
        name = f"lakelet_{next(self._names)}"
        inner = self._value(name, source, target)
        if inner is None:
            return None
        return f"list_transform({sql}, lambda {name}: CAST({inner} AS {target.duckdb}))"

    def _map(self, sql: str, source: Map, target: Map) -> str | None:
        name = f"lakelet_{next(self._names)}"
        key = self._value(f"{name}.key", source.key, target.key)
        value = self._value(f"{name}.value", source.value, target.value)
        if key is None or value is None:
            return None
        pair = f"struct_pack(key := {key}, value := CAST({value} AS {target.value.duckdb}))"
        return f"map_from_entries(list_transform(map_entries({sql}), lambda {name}: {pair}))"

    def _struct(self, sql: str, source: Struct, target: Struct) -> str | None:
        """Fields go where their names say; both sides must have the same ones."""
        given = {name.lower(): (name, kind) for name, kind in source.fields}
        if sorted(given) != sorted(name.lower() for name, _ in target.fields):
            return None
        fields = []
        for name, kind in target.fields:
            own, own_kind = given[name.lower()]
            inner = self._value(f"struct_extract({sql}, {literal(own)})", own_kind, kind)
            if inner is None:
                return None
            fields.append(f"{quote(name)} := CAST({inner} AS {kind.duckdb})")
        return f"CASE WHEN {sql} IS NOT NULL THEN struct_pack({', '.join(fields)}) END"


def _name(kind: Primitive | Decimal) -> str:
    return kind.name if isinstance(kind, Primitive) else "DECIMAL"


def _plain(
    sql: str, source: Primitive | Decimal, target: Primitive | Decimal, place: str
) -> str | None:
    old, new = _name(source), _name(target)
    numbers = {*_NUMBERS, "DECIMAL"}
    if old in numbers and new in numbers:
        return _number(sql, target, place)
    if new == "STRING":
        known = "number" if old in numbers else _KINDS.get(old)
        return cast_to(sql, "text", "VARCHAR", kind=known)
    if old in _TIMES and new in _TIMES:
        return cast_to(sql, _TIMES[new], target.duckdb, kind=_KINDS[old])
    return None


def _number(sql: str, target: Primitive | Decimal, place: str) -> str:
    name = _name(target)
    suffix = "whole" if name in _WHOLE else name.lower()
    if suffix in ("double", "float"):
        return cast_to(sql, suffix, target.duckdb, kind="number")
    attempt = cast_to(sql, suffix, target.duckdb, kind="number", trying=True)
    said = literal(f" does not fit {place}, which is {target.sql}.")
    failure = f"'[CAST_OVERFLOW_IN_TABLE_INSERT] the value ' || CAST({sql} AS VARCHAR) || {said}"
    return f"coalesce({attempt}, CASE WHEN {sql} IS NOT NULL THEN lk_fail({failure}) END)"


def _refused(table: str, column: Column, kind: DataType) -> SchemaError:
    return SchemaError(
        f"{table}: the column {column.name} is {column.type.sql}, the value is {kind.sql}; "
        "nothing was written.",
        hint=f"write CAST(… AS {column.type.sql}) where that is what you mean.",
    )


def macros_of(values: Iterable[str]) -> tuple[str, ...]:
    """The macros that some converted values need, in the order to create them."""
    return definitions(" ".join(values))
