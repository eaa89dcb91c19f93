"""Proof that DuckDB reads a file's column as the table means it, from the file's own footer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum

import duckdb
from deltalake.schema import ArrayType, MapType, PrimitiveType, StructType
from duckdb.sqltypes import DuckDBPyType

from lakelet.engines.routes.columns import Column
from lakelet.engines.routes.duckdb_types import DeltaType
from lakelet.engines.routes.footers import StoredColumn, StoredSchema
from lakelet.engines.routes.unproven import NotProvenError

__all__ = ("Reading", "prove")


class Reading(Enum):
    """What turns a stored column into the table's."""

    UNCHANGED = "the file holds it under the table's name and type"
    CONVERTED = "DuckDB's own conversion to the table's name and type is exact"
    UTC_CLOCK = "the file holds an instant as a UTC wall clock (int96, or no mark of a zone)"


# For each Delta type the stored types that DuckDB converts to it without loss and, where a value
# does not fit, with an error. Wider than the protocol's "Type Widening" only by integers that
# writers store in 32 bits without saying how few they mean.
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
_EXACT = {
    "string": ("VARCHAR",),
    "long": _INTEGERS,
    "integer": _INTEGERS[:3],
    "short": _INTEGERS[:3],
    "byte": _INTEGERS[:3],
    "float": ("FLOAT",),
    "double": ("DOUBLE", "FLOAT", *_INTEGERS[:3]),
    "boolean": ("BOOLEAN",),
    "binary": ("BLOB",),
    "date": ("DATE",),
    "timestamp": ("TIMESTAMP WITH TIME ZONE",),
    "timestamp_ntz": ("TIMESTAMP", "DATE"),
}
_ONLY_NULLS = '"NULL"'
_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)", re.IGNORECASE)
_DIGITS = {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 19}


def prove(columns: Iterable[Column], schema: StoredSchema) -> dict[str, Reading]:
    """How each column is read from a file with this footer, by name.

    Raises:
        NotProvenError: DuckDB would fail, guess, or convert with loss.
    """
    named: dict[str, list[StoredColumn]] = {}
    for stored in schema:
        named.setdefault(stored.name.lower(), []).append(stored)
    return {column.name: _prove(column, schema, named) for column in columns}


def _prove(
    column: Column, schema: StoredSchema, named: Mapping[str, list[StoredColumn]]
) -> Reading:
    stored = _find(column, schema, named)
    if stored is None or stored.sql_type == _ONLY_NULLS:
        return Reading.CONVERTED  # added later, or never filled: NULL of the table's type
    if column.delta_type == PrimitiveType("timestamp") and stored.sql_type == "TIMESTAMP":
        return Reading.UTC_CLOCK
    _check_inner_ids(column, stored)
    if isinstance(column.stored_type, PrimitiveType):
        fitting = _primitive_fits(stored.sql_type, column.stored_type.type)
    else:
        fitting = fits(duckdb.type(stored.sql_type), column.stored_type)
    if not fitting:
        raise NotProvenError(
            f"a file stores {column.name!r} as {stored.sql_type}, the table says {column.sql_type}"
        )
    same = stored.name == column.name == column.key and stored.sql_type == column.sql_type
    return Reading.UNCHANGED if same else Reading.CONVERTED


def _find(
    column: Column, schema: StoredSchema, named: Mapping[str, list[StoredColumn]]
) -> StoredColumn | None:
    if isinstance(column.key, int):
        if any(stored.field_id is None for stored in schema):
            raise NotProvenError("a file lacks the field ids the table's columns are mapped by")
        return next((stored for stored in schema if stored.field_id == column.key), None)
    # DuckDB and Spark both ignore case; of two that differ only in case DuckDB takes the first.
    found = named.get(column.key.lower(), [])
    if len(found) > 1:
        raise NotProvenError(f"a file has several columns named like {column.key!r}")
    return found[0] if found else None


def _check_inner_ids(column: Column, stored: StoredColumn) -> None:
    """In mapping mode ``id``: DuckDB finds nested fields by name, so names and ids must agree."""
    for name, number in column.inner_ids:
        for stored_name, stored_id in stored.inner_ids:
            if (stored_name == name) != (stored_id == number):
                raise NotProvenError(f"names and field ids inside {column.name!r} disagree")


def fits(stored: DuckDBPyType, delta_type: DeltaType) -> bool:
    """Whether DuckDB turns every value of a stored type into the Delta type exactly."""
    if isinstance(delta_type, PrimitiveType):
        return _primitive_fits(str(stored), delta_type.type)
    if isinstance(delta_type, ArrayType):
        return stored.id == "list" and fits(_children(stored)[0], delta_type.element_type)
    if isinstance(delta_type, MapType):
        if stored.id != "map":
            return False
        key, value = _children(stored)
        return fits(key, delta_type.key_type) and fits(value, delta_type.value_type)
    if isinstance(delta_type, StructType):
        return stored.id == "struct" and _struct_fits(stored, delta_type)
    return False


def _children(stored: DuckDBPyType) -> list[DuckDBPyType]:
    return [kind for _, kind in stored.children if isinstance(kind, DuckDBPyType)]


def _struct_fits(stored: DuckDBPyType, delta_type: StructType) -> bool:
    """Fields match by name; one missing from the file is NULL, but one at least must match."""
    names = (str(name).lower() for name, _ in stored.children)
    there = dict(zip(names, _children(stored), strict=True))
    shared = [field for field in delta_type.fields if field.name.lower() in there]
    return bool(shared) and all(fits(there[f.name.lower()], f.type) for f in shared)


def _primitive_fits(stored: str, wanted: str) -> bool:
    target = _DECIMAL.fullmatch(wanted)
    if target is None:
        return stored in _EXACT.get(wanted, ())
    precision, scale = int(target[1]), int(target[2])
    source = _DECIMAL.fullmatch(stored)
    if source is None:
        return _DIGITS.get(stored, 99) <= precision - scale
    whole = int(source[1]) - int(source[2])
    return int(source[2]) <= scale and whole <= precision - scale
