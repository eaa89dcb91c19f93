"""DuckDB's type texts as types of the lake."""

from __future__ import annotations

import re

from lakelet.errors import SchemaError
from lakelet.lake.type_text import parse_type
from lakelet.lake.types import Array, DataType, Map, Primitive, Struct

__all__ = ("VOID", "from_duckdb", "has_null", "with_nulls")

VOID = Primitive("VOID")
"""The type of NULL alone, which no column has."""
# As a type, not as the name of a field.
_NULL = re.compile(r'"NULL"(?=[,)\[]|$)')
# Lossless homes in Delta for types that only DuckDB has.
_WIDER = {
    "UTINYINT": "SMALLINT",
    "USMALLINT": "INT",
    "UINTEGER": "BIGINT",
    "UUID": "STRING",
    "JSON": "STRING",
    "ENUM": "STRING",
    '"NULL"': "STRING",
    "TIMESTAMP_S": "TIMESTAMP_NTZ",
    "TIMESTAMP_MS": "TIMESTAMP_NTZ",
    "TIMESTAMP": "TIMESTAMP_NTZ",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "HUGEINT": "DECIMAL(38,0)",
    "UBIGINT": "DECIMAL(20,0)",
}


def from_duckdb(text: str) -> DataType:
    """The lake's type for a DuckDB type as DuckDB writes it.

    DuckDB's TIMESTAMP is a wall clock, which the lake calls TIMESTAMP_NTZ.

    Raises:
        SchemaError: a type Delta has no home for, such as INTERVAL or TIME.
    """
    if text in _WIDER:
        return parse_type(_WIDER[text])
    text = _NULL.sub("VARCHAR", text)
    if text.startswith("ENUM("):
        return Primitive("STRING")
    try:
        found = parse_type(text.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMP_LTZ"))
    except SchemaError:
        raise SchemaError(
            f"a column of DuckDB type {text} cannot be stored in a Delta table.",
            hint="cast it, for example to STRING or DOUBLE.",
        ) from None
    return _zones(found, parse_type(text.replace("TIMESTAMP WITH TIME ZONE", "DATE")))


def has_null(text: str) -> bool:
    """Whether DuckDB knows of nothing but NULL in a type, or in a part of it."""
    return _NULL.search(text) is not None


def with_nulls(text: str) -> DataType:
    """As `from_duckdb`, with the type VOID where DuckDB knows of nothing but NULL."""
    return _voids(from_duckdb(text), from_duckdb(_NULL.sub("BOOLEAN", text)))


def _voids(found: DataType, marked: DataType) -> DataType:
    """``found`` with VOID where ``marked`` has BOOLEAN for the STRING that stands for NULL."""
    if isinstance(found, Array) and isinstance(marked, Array):
        return Array(_voids(found.element, marked.element))
    if isinstance(found, Map) and isinstance(marked, Map):
        return Map(_voids(found.key, marked.key), _voids(found.value, marked.value))
    if isinstance(found, Struct) and isinstance(marked, Struct):
        pairs = zip(found.fields, marked.fields, strict=True)
        return Struct(tuple((name, _voids(kind, other)) for (name, kind), (_, other) in pairs))
    return found if found == marked else VOID


def _zones(found: DataType, marked: DataType) -> DataType:
    """``found`` with TIMESTAMP_NTZ where DuckDB said TIMESTAMP without a zone.

    ``marked`` is the same tree in which moments with a zone are written as DATE.
    """
    if isinstance(found, Array) and isinstance(marked, Array):
        return Array(_zones(found.element, marked.element))
    if isinstance(found, Map) and isinstance(marked, Map):
        return Map(_zones(found.key, marked.key), _zones(found.value, marked.value))
    if isinstance(found, Struct) and isinstance(marked, Struct):
        pairs = zip(found.fields, marked.fields, strict=True)
        return Struct(tuple((name, _zones(kind, other)) for (name, kind), (_, other) in pairs))
    if found == Primitive("TIMESTAMP") and marked == Primitive("TIMESTAMP"):
        return Primitive("TIMESTAMP_NTZ")
    return found
