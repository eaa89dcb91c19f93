"""The DuckDB type that holds a Delta type's values exactly."""

from __future__ import annotations

import json
import re

import duckdb
from deltalake.schema import ArrayType, MapType, PrimitiveType, StructType, VariantType

from lakelet.errors import SchemaError, UnsupportedTableError
from lakelet.lake.types import from_delta

__all__ = (
    "VIRTUAL_COLUMNS",
    "DeltaType",
    "glob_literal",
    "to_duckdb_type",
)

DeltaType = PrimitiveType | ArrayType | MapType | StructType | VariantType

VIRTUAL_COLUMNS = frozenset({"filename", "file_row_number", "file_index", "rowid", "file_size"})
"""What DuckDB adds to every Parquet scan; a table's own column of such a name would hide it."""


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
    plain = isinstance(delta_type, PrimitiveType)
    try:
        text = from_delta(delta_type.type if plain else json.loads(delta_type.to_json())).duckdb
    except SchemaError:
        raise UnsupportedTableError(
            f"the type {delta_type} has no exact equal in DuckDB; nothing was read.",
            hint="read it with the engine that wrote it, or leave the column out there.",
        ) from None
    # As DuckDB spells it, so that the text can be compared with what DESCRIBE shows.
    return text if plain else str(duckdb.type(text))
