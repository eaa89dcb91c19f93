"""The types of Python values, where nobody declared them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal as PythonDecimal
from typing import Any

from lakelet.errors import PipelineError
from lakelet.lake.types import Array, Column, DataType, Decimal, Primitive, Struct

__all__ = ("columns_of_rows", "plain")

_MOST = 1 << 63


class _MixedError(Exception):
    """Two types that have none in common."""


def plain(value: Any) -> Any:
    """NumPy's numbers and arrays as Python's; anything else as it is."""
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return value.tolist()
    return value


def columns_of_rows(rows: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    """The columns of rows by their values; text where every value is None.

    Raises:
        PipelineError: a column holds values of several kinds, or of one that no table stores.
    """
    kinds: dict[str, DataType | None] = {}
    for row in rows:
        for name, value in row.items():
            before = kinds.get(name)
            try:
                kinds[name] = _both(before, _kind(plain(value)))
            except _MixedError:
                shown = before.sql if before is not None else "empty"
                raise PipelineError(
                    f"the column {name} is {shown} in earlier rows and {value!r} of type "
                    f"{type(value).__name__} in a later one.",
                    hint="say what it is: schema=… in the decorator.",
                ) from None
    return tuple(Column(str(name), _settled(kind)) for name, kind in kinds.items())


def _settled(kind: DataType | None) -> DataType:
    if isinstance(kind, Struct):
        return Struct(tuple((name, _settled(inner)) for name, inner in kind.fields))
    if isinstance(kind, Array):
        return Array(_settled(kind.element))
    return Primitive("STRING") if kind is None or kind == _NONE else kind


_NONE = Primitive("VOID")


def _kind(value: Any) -> DataType:
    if value is None:
        return _NONE
    if isinstance(value, Mapping):
        return Struct(tuple((str(name), _kind(inner)) for name, inner in value.items()))
    if isinstance(value, list | tuple):
        found: DataType = _NONE
        for inner in value:
            found = _both(found, _kind(inner))
        return Array(found)
    if isinstance(value, PythonDecimal):
        if not value.is_finite():
            raise _MixedError
        exponent = value.normalize().as_tuple().exponent
        assert isinstance(exponent, int)
        return Decimal(38, min(38, max(0, -exponent)))
    if isinstance(value, int) and not isinstance(value, bool) and not -_MOST <= value < _MOST:
        return Decimal(38, 0)
    if isinstance(value, dt.datetime):
        return Primitive("TIMESTAMP_NTZ" if value.tzinfo is None else "TIMESTAMP")
    for kind, name in _PLAIN:
        if isinstance(value, kind):
            return Primitive(name)
    raise _MixedError


_PLAIN: tuple[tuple[Any, str], ...] = (
    (bool, "BOOLEAN"), (int, "BIGINT"), (float, "DOUBLE"), (str, "STRING"),
    ((bytes, bytearray, memoryview), "BINARY"), (dt.date, "DATE"),
)  # fmt: skip
_NUMBERS = ("BIGINT", "DOUBLE")


def _both(one: DataType | None, other: DataType) -> DataType:
    """The type that holds the values of both.

    Raises:
        _MixedError: there is none.
    """
    if one is None or one in (_NONE, other):
        return other
    if other == _NONE:
        return one
    if isinstance(one, Struct) and isinstance(other, Struct):
        fields: dict[str, DataType] = dict(one.fields)
        for name, kind in other.fields:
            fields[name] = _both(fields.get(name), kind)
        return Struct(tuple(fields.items()))
    if isinstance(one, Array) and isinstance(other, Array):
        return Array(_both(one.element, other.element))
    if {getattr(one, "name", ""), getattr(other, "name", "")} == set(_NUMBERS):
        return Primitive("DOUBLE")
    decimals = [kind for kind in (one, other) if isinstance(kind, Decimal)]
    if len(decimals) == 2 or (decimals and Primitive("BIGINT") in (one, other)):
        return Decimal(38, max(kind.scale for kind in decimals))
    raise _MixedError
