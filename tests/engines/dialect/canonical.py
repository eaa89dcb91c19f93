"""Answers of two engines in one form, so that they can be compared."""

from __future__ import annotations

import datetime as dt
import decimal
import math
from typing import Any

ZONE = "Europe/Berlin"

_TYPES = {
    "TINYINT": "tinyint", "SMALLINT": "smallint", "INTEGER": "int", "BIGINT": "bigint",
    "FLOAT": "float", "DOUBLE": "double", "VARCHAR": "string", "BOOLEAN": "boolean",
    "DATE": "date", "TIMESTAMP WITH TIME ZONE": "timestamp", "TIMESTAMP": "timestamp_ntz",
    "BLOB": "binary", '"NULL"': "void",
}  # fmt: skip


def query_of(text: str) -> str:
    """A case is a whole query or an expression."""
    starts = text.split(None, 1)[0].lower()
    return text if starts in {"select", "with", "values"} else f"SELECT {text} AS r"


def type_of(name: str) -> str:
    """A DuckDB type by its Databricks name; nested types only by their kind."""
    if name.startswith("DECIMAL(") and not name.endswith("[]"):
        return name.lower().replace(" ", "")
    if name.endswith("[]"):
        return "array"
    if name.startswith(("MAP(", "STRUCT(")):
        return name.split("(")[0].lower()
    return _TYPES.get(name, name)


def value_of(value: Any) -> Any:
    """A value as plain JSON; floats by their shortest text, instants in UTC."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return f"{value:.12g}" if math.isfinite(value) else str(value)
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    if isinstance(value, bytes | bytearray):
        return "0x" + bytes(value).hex()
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(dt.UTC).replace(tzinfo=None)
            return value.isoformat(sep=" ") + "Z"
        return value.isoformat(sep=" ")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): value_of(item) for key, item in value.items()}
    if hasattr(value, "asDict"):
        return {key: value_of(item) for key, item in value.asDict().items()}
    if isinstance(value, list | tuple):
        return [value_of(item) for item in value]
    return str(value)
