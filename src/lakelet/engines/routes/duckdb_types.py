"""The DuckDB type that holds a Delta type's values exactly."""

from __future__ import annotations

import re

import duckdb
from deltalake.schema import ArrayType, MapType, PrimitiveType, StructType, VariantType

from lakelet.errors import UnsupportedTableError

__all__ = (
    "VIRTUAL_COLUMNS",
    "DeltaType",
    "glob_literal",
    "quote_name",
    "quote_text",
    "to_duckdb_type",
)

DeltaType = PrimitiveType | ArrayType | MapType | StructType | VariantType

VIRTUAL_COLUMNS = frozenset({"filename", "file_row_number", "file_index", "rowid", "file_size"})
"""What DuckDB adds to every Parquet scan; a table's own column of such a name would hide it."""

_PRIMITIVES = {
    "string": "VARCHAR",
    "long": "BIGINT",
    "integer": "INTEGER",
    "short": "SMALLINT",
    "byte": "TINYINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "binary": "BLOB",
    "date": "DATE",
    # A Delta timestamp is an instant, a timestamp_ntz a wall clock: two types, never one.
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "timestamp_ntz": "TIMESTAMP",
}


def quote_name(name: str) -> str:
    """A name as an SQL identifier, whatever characters it holds."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def glob_literal(path: str) -> str:
    """A path whose own ``*``, ``?`` and ``[`` DuckDB does not take for wildcards."""
    return re.sub(r"([*?\[])", r"[\1]", path)


def to_duckdb_type(delta_type: DeltaType) -> str:
    """The DuckDB type text for a Delta type, nested types included.

    Source: Delta Transaction Log Protocol, "Schema Serialization Format".

    Raises:
        UnsupportedTableError: the type is one this stack cannot hold exactly (variant, void,
            intervals, geometries).
    """
    if isinstance(delta_type, PrimitiveType):
        name = delta_type.type
        if name.startswith("decimal"):
            return name.upper()
        if name in _PRIMITIVES:
            return _PRIMITIVES[name]
    if isinstance(delta_type, ArrayType | MapType | StructType):
        # As DuckDB spells it, so that the text can be compared with what DESCRIBE shows.
        return str(duckdb.type(_nested_type(delta_type)))
    raise UnsupportedTableError(
        f"the type {delta_type} has no exact equal in DuckDB; nothing was read.",
        hint="read it with the engine that wrote it, or leave the column out there.",
    )


def _nested_type(delta_type: ArrayType | MapType | StructType) -> str:
    if isinstance(delta_type, ArrayType):
        return to_duckdb_type(delta_type.element_type) + "[]"
    if isinstance(delta_type, MapType):
        key = to_duckdb_type(delta_type.key_type)
        return f"MAP({key}, {to_duckdb_type(delta_type.value_type)})"
    inner = (f"{quote_name(f.name)} {to_duckdb_type(f.type)}" for f in delta_type.fields)
    return f"STRUCT({', '.join(inner)})"
