"""What the values of one field looked like, counted, and the narrowest type most of them fit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from lakelet.lake.types import Array, DataType, Decimal, Map, Primitive, Struct
from lakelet.loading.fit.exact import Fitter, exact_number, moment
from lakelet.loading.fit.json_text import Number, Pairs

__all__ = ("MAX_DEPTH", "MAX_KEYS", "Tally", "names_a_field")

MAX_KEYS = 200
"""An object with more different keys than this becomes a MAP."""

MAX_DEPTH = 32
"""Objects and arrays further inside one another than this are kept as text, in a STRING.

delta-rs reads no schema whose JSON is nested 128 levels deep, and each STRUCT takes three of them.
"""

_MAX_DIGITS = 38


class Tally:
    """Counts over the non-null values of a field; parts of objects and arrays have their own."""

    __slots__ = (
        "arrays", "booleans", "count", "dates", "depth", "doubles", "element", "fields", "folded",
        "integers", "moments", "numbers", "objects", "scale", "texts", "whole",
    )  # fmt: skip

    def __init__(self, depth: int = 0) -> None:
        """Begin to count the values so many objects and arrays deep in a record."""
        self.depth = depth
        self.count = 0
        self.integers = self.doubles = self.numbers = self.booleans = 0
        self.texts = self.dates = self.moments = 0
        self.objects = self.arrays = 0
        self.whole = self.scale = 0
        self.fields: dict[str, Tally] = {}
        self.folded: dict[str, str] = {}
        self.element: Tally | None = None

    def field(self, key: str) -> Tally | None:
        """The tally of one key, or None where its name, but for case, is already another's."""
        known = self.fields.get(key)
        if known is None:
            if self.folded.setdefault(key.lower(), key) != key:
                return None
            known = self.fields[key] = Tally(self.depth + 1)
        return known

    def items(self) -> Tally:
        """The tally of an array's elements."""
        if self.element is None:
            self.element = Tally(self.depth + 1)
        return self.element

    def see(self, value: Any) -> None:
        """Count one value from `parse_json`, exactly."""
        if value is None:
            return
        self.count += 1
        if isinstance(value, Number):
            self.see_number(value)
        elif isinstance(value, bool):
            self.booleans += 1
        elif self.depth >= MAX_DEPTH and isinstance(value, list):
            self.texts += 1
        elif isinstance(value, Pairs):
            self.objects += 1
            for key, item in value:
                inner = self.field(key)
                if inner is not None:
                    inner.see(item)
        elif isinstance(value, list):
            self.arrays += 1
            inner = self.items()
            for item in value:
                inner.see(item)
        else:
            self.texts += 1
            self.see_time(value)

    def see_cell(self, cell: str) -> None:
        """Count one CSV cell, exactly. A number with leading zeros is text: it may be a code."""
        self.count += 1
        if _is_number(cell):
            self.see_number(cell)
        elif cell.lower() in ("true", "false"):
            self.booleans += 1
        else:
            self.texts += 1
            self.see_time(cell)

    def see_number(self, text: str) -> None:
        """Count one number by its text.

        Written with a fraction or an exponent it is no whole number, though it fits BIGINT if it is
        one: the next file's may not be.
        """
        fitter, number = _FITTER, exact_number(text)
        whole = not any(mark in text for mark in ".eE")
        if whole and isinstance(fitter.number(text, _BIGINT), Number):
            self.integers += 1
        if isinstance(fitter.number(text, _DOUBLE), str):
            self.doubles += 1
        if number is not None:
            self.numbers += 1
            _, digits, exponent = number.as_tuple()
            self.scale = max(self.scale, -int(exponent))
            self.whole = max(self.whole, len(digits) + int(exponent))

    def see_time(self, text: str) -> None:
        """Count one text if it is a date or a moment."""
        if len(text) >= 10 and text[:4].isdigit() and moment(text) is not None:
            self.moments += 1
            self.dates += len(text) == 10

    def kind(self, tolerance: float) -> DataType | None:
        """The narrowest type that at least ``tolerance`` of the values fit; None without any."""
        if not self.count:
            return None
        need = math.ceil(self.count * tolerance - 1e-9)
        if self.objects >= need:
            return self._object(tolerance)
        if self.arrays >= need:
            inner = self.element.kind(tolerance) if self.element else None
            return Array(inner or _STRING)
        for found, kind in self._scalars():
            if found >= need:
                return kind
        return _STRING

    def _scalars(self) -> Iterator[tuple[int, DataType]]:
        yield self.integers, _BIGINT
        yield self.doubles, _DOUBLE
        if self.scale + max(self.whole, 0) <= _MAX_DIGITS:
            yield self.numbers, Decimal(_MAX_DIGITS, max(self.scale, 0))
        yield self.booleans, Primitive("BOOLEAN")
        yield self.dates, Primitive("DATE")
        yield self.moments, Primitive("TIMESTAMP")

    def _object(self, tolerance: float) -> DataType:
        kinds = {
            key: tally.kind(tolerance) for key, tally in self.fields.items() if names_a_field(key)
        }
        known = {key: kind for key, kind in kinds.items() if kind is not None}
        if len(self.fields) > MAX_KEYS or not known:
            return Map(_STRING, self.merged().kind(tolerance) or _STRING)
        return Struct(tuple(known.items()))

    def merged(self) -> Tally:
        """The tally of all an object's values, whatever their key."""
        whole = Tally(self.depth + 1)
        for tally in self.fields.values():
            whole.add(tally)
        return whole

    def add(self, other: Tally) -> None:
        """Take another tally's counts in."""
        for name in ("count", "integers", "doubles", "numbers", "booleans", "texts", "dates",
                     "moments", "objects", "arrays"):  # fmt: skip
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.whole, self.scale = max(self.whole, other.whole), max(self.scale, other.scale)
        for key, inner in other.fields.items():
            mine = self.field(key)
            if mine is not None:
                mine.add(inner)
        if other.element is not None:
            self.items().add(other.element)


def names_a_field(key: str) -> bool:
    """Whether a key can name a field inside a STRUCT: Arrow has no NUL in names."""
    return bool(key) and "\0" not in key


def _is_number(cell: str) -> bool:
    bare = cell.lstrip("+-")
    if bare.lower() in ("nan", "inf", "infinity"):
        return True
    return exact_number(cell) is not None and not (bare[0] == "0" and bare[1:2].isdigit())


_BIGINT = Primitive("BIGINT")
_DOUBLE = Primitive("DOUBLE")
_STRING = Primitive("STRING")
_FITTER = Fitter("UTC")
