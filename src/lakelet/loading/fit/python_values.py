"""Python values in the form from which ``from_json`` makes exactly those values, strictly."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal as PythonDecimal
from typing import Any

from lakelet.errors import SchemaError
from lakelet.lake.types import Array, DataType, Decimal, Map, Struct
from lakelet.loading.fit.exact import decimal_places
from lakelet.loading.fit.json_text import Number, Pairs

__all__ = ("json_value",)

_INTEGERS = ("TINYINT", "SMALLINT", "INT", "BIGINT")
_BITS = {"TINYINT": 7, "SMALLINT": 15, "INT": 31, "BIGINT": 63}
_INF = float("inf")


def json_value(value: Any, kind: DataType, where: str) -> Any:
    """A value for a column, as `dump_json` takes it.

    Args:
        value: the value.
        kind: the column's type.
        where: what to call the column in messages.

    Raises:
        SchemaError: the type does not hold the value.
    """
    if value is None:
        return None
    if isinstance(kind, Struct) and isinstance(value, Mapping):
        types = dict(kind.fields)
        if unknown := [name for name in value if name not in types]:
            raise SchemaError(f"{where} has no field {unknown[0]!r}; nothing was written.")
        return Pairs([(n, json_value(v, types[n], f"{where}.{n}")) for n, v in value.items()])
    if isinstance(kind, Map) and isinstance(value, Mapping):
        return Pairs([(str(k), json_value(v, kind.value, where)) for k, v in value.items()])
    if isinstance(kind, Array) and isinstance(value, list | tuple):
        return [json_value(item, kind.element, where) for item in value]
    found = _scalar(value, "DECIMAL" if isinstance(kind, Decimal) else getattr(kind, "name", ""))
    if found is None or (isinstance(kind, Decimal) and not _fits(value, kind)):
        raise SchemaError(
            f"{where} is {kind.sql}, the value is {value!r} of type {type(value).__name__}; "
            "nothing was written."
        )
    return found


def _fits(value: PythonDecimal | int, kind: Decimal) -> bool:
    """Whether a decimal type holds a number without rounding it."""
    number = PythonDecimal(value)
    if not number.is_finite():
        return False
    whole, scale = decimal_places(number)
    return scale <= kind.scale and whole <= kind.precision - kind.scale


def _scalar(value: Any, name: str) -> Any:
    if isinstance(value, bool):
        return value if name == "BOOLEAN" else None
    if name in _INTEGERS and isinstance(value, int):
        bits = _BITS[name]
        return Number(value) if -(1 << bits) <= value < 1 << bits else None
    if name in ("DOUBLE", "FLOAT") and isinstance(value, float | int):
        return str(value) if value != value or value in (_INF, -_INF) else Number(repr(value))
    if name == "DECIMAL" and isinstance(value, PythonDecimal | int):
        return format(PythonDecimal(value), "f")
    if name == "STRING" and isinstance(value, str):
        return value
    if name == "BINARY" and isinstance(value, bytes | bytearray | memoryview):
        # DuckDB's own way to write bytes as text.
        return "".join(f"\\x{byte:02X}" for byte in bytes(value))
    if isinstance(value, dt.datetime):
        return _moment(value, name)
    if name == "DATE" and isinstance(value, dt.date):
        return value.isoformat()
    return None


def _moment(value: dt.datetime, name: str) -> str | None:
    if name == "TIMESTAMP" and value.tzinfo is not None:
        return value.astimezone(dt.UTC).isoformat(sep=" ")
    return value.isoformat(sep=" ") if name == "TIMESTAMP_NTZ" and value.tzinfo is None else None
