"""Whether a value fits a type, decided exactly, one value at a time.

**A value fits when it survives the conversion**: written back it says the same, spelling of zeros
and exponents aside. This module is the rule; the SQL beside it (`json_sql`, `csv_sql`) only picks
out, fast, records for which the answer is plainly yes.

What fits is returned in a form from which DuckDB's ``from_json`` makes exactly that value.
"""

from __future__ import annotations

import base64
import datetime as dt
import re
import struct
from decimal import Decimal as Exact
from decimal import InvalidOperation
from functools import lru_cache
from typing import Any

from lakelet.lake.types import Array, DataType, Decimal, Map, Primitive, Struct
from lakelet.loading.fit.json_text import Number, Pairs, dump_json

__all__ = ("BASE64", "MISFIT", "Fitter", "decimal_places", "exact_number", "moment")

MISFIT: Any = object()
"""Stands for a value that does not fit."""

_INTEGERS = {"BIGINT": 63, "INT": 31, "SMALLINT": 15, "TINYINT": 7}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?"
    r"(Z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_NOT_FINITE = {"nan": "nan", "infinity": "inf", "+infinity": "inf", "-infinity": "-inf",
               "inf": "inf", "-inf": "-inf", "+inf": "inf"}  # fmt: skip
_MAX_EXPONENT = 400
# RFC 4648; with the padding, and no bits left over, so that one text stands for the bytes.
BASE64 = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?"
_BASE64 = re.compile(BASE64)


def exact_number(text: str) -> Exact | None:
    """The number a text says, exactly; None where it is none or its exponent is out of all use."""
    if not _NUMBER.fullmatch(text):
        return None
    try:
        number = Exact(text)
    except InvalidOperation:
        return None
    return number if not number or abs(number.adjusted()) <= _MAX_EXPONENT else None


def moment(text: str) -> tuple[str, bool] | None:
    """An ISO 8601 date with an optional time, as DuckDB reads it, and whether it names a zone.

    None for anything else, for days and times there are none of, and for fractions of a second
    finer than a microsecond.
    """
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    day, hour, minute, second, fraction, zone = match.groups()
    if zone and hour is None:
        return None
    micro = (fraction or "").rstrip("0")
    if len(micro) > 6:
        return None
    try:
        dt.date.fromisoformat(day)
        dt.time(int(hour or 0), int(minute or 0), int(second or 0))
    except ValueError:
        return None
    time = f"{hour or '00'}:{minute or '00'}:{second or '00'}.{micro.ljust(6, '0')}"
    offset = "+00:00" if zone == "Z" else _offset(zone)
    return (f"{day} {time}{offset}", bool(zone)) if offset is not None else None


def _offset(zone: str | None) -> str | None:
    if zone is None:
        return ""
    digits = zone[1:].replace(":", "").ljust(4, "0")
    if int(digits[:2]) > 15 or int(digits[2:]) > 59:
        return None
    return f"{zone[0]}{digits[:2]}:{digits[2:]}"


@lru_cache(maxsize=4096)
def _in_zone(wall: str, zone: str) -> str | None:
    """A time on clocks in ``zone`` with its offset; None where clocks skip it in spring.

    Of the two moments that an hour repeated in autumn can mean, the later one is taken, as DuckDB
    (ICU) does.
    """
    import pytz

    try:
        local = pytz.timezone(zone).localize(dt.datetime.fromisoformat(wall), is_dst=None)
    except pytz.NonExistentTimeError:
        return None
    except pytz.AmbiguousTimeError:
        local = pytz.timezone(zone).localize(dt.datetime.fromisoformat(wall), is_dst=False)
    except OverflowError:
        return None
    utc = local.astimezone(dt.UTC).replace(tzinfo=None)
    return f"{utc.isoformat(sep=' ', timespec='microseconds')}+00:00"


class Fitter:
    """Fits values to types in one time zone, collecting what does not fit by its path.

    Attributes:
        rescued: path and JSON text of every value that does not fit.
        unknown: paths of fields inside objects that their STRUCT does not have.
    """

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self.rescued: list[tuple[str, str]] = []
        self.unknown: list[str] = []

    def json(self, value: Any, kind: DataType, path: str) -> Any:
        """A parsed JSON value as a value of ``kind``; parts that do not fit go to ``rescued``."""
        if value is None:
            return None
        found = MISFIT
        if isinstance(kind, Struct) and isinstance(value, Pairs):
            return self._struct(value, kind, path)
        if isinstance(kind, Array) and type(value) is list:
            return [self.json(v, kind.element, f"{path}[{i}]") for i, v in enumerate(value)]
        if isinstance(kind, Map) and isinstance(value, Pairs):
            return self._map(value, kind, path)
        if isinstance(kind, Primitive | Decimal):
            found = self._leaf(value, kind)
        if found is MISFIT:
            self.rescued.append((path, dump_json(value)))
            return None
        return found

    def _struct(self, value: Pairs, kind: Struct, path: str) -> Pairs:
        types = dict(kind.fields)
        folded = {name.lower(): name for name in types}
        found: dict[str, Any] = {}
        for key, item in value:
            name = key if key in types else folded.get(key.lower())
            if name is None or name in found:
                if item is not None:
                    self.rescued.append((f"{path}.{key}", dump_json(item)))
                    if name is None:
                        self.unknown.append(f"{path}.{key}")
            else:
                found[name] = self.json(item, types[name], f"{path}.{key}")
        return Pairs(found.items())

    def _map(self, value: Pairs, kind: Map, path: str) -> Pairs:
        found: dict[str, Any] = {}
        for key, item in value:
            if key in found or not _encodable(key):
                self.rescued.append((f"{path}.{key}", dump_json(item)))
            else:
                found[key] = self.json(item, kind.value, f"{path}.{key}")
        return Pairs(found.items())

    def _leaf(self, value: Any, kind: Primitive | Decimal) -> Any:
        name = kind.name if isinstance(kind, Primitive) else "DECIMAL"
        if name == "STRING":
            text = value if isinstance(value, str) else dump_json(value)
            return str(text) if _encodable(text) else MISFIT
        if isinstance(value, Number):
            return self.number(value, kind)
        if isinstance(value, bool):
            return value if name == "BOOLEAN" else MISFIT
        if isinstance(value, str) and name in ("DATE", "TIMESTAMP", "TIMESTAMP_NTZ"):
            return self.time(value, name)
        if isinstance(value, str) and name == "BINARY":
            return _bytes(value)
        return MISFIT

    def text(self, cell: str, kind: DataType) -> Any:
        """A CSV cell as a value of ``kind``, or `MISFIT`."""
        if isinstance(kind, Struct | Array | Map):
            return MISFIT
        name = kind.name if isinstance(kind, Primitive) else "DECIMAL"
        if name == "STRING":
            return cell if _encodable(cell) else MISFIT
        if name == "BOOLEAN":
            return {"true": True, "false": False}.get(cell.lower(), MISFIT)
        if name in ("DATE", "TIMESTAMP", "TIMESTAMP_NTZ"):
            return self.time(cell, name)
        if name == "BINARY":
            return _bytes(cell)
        return self.number(cell, kind)

    def number(self, text: str, kind: Primitive | Decimal) -> Any:
        """A number's text as a value of a numeric type, or `MISFIT`."""
        number = exact_number(text)
        if isinstance(kind, Decimal):
            return _decimal(number, kind)
        if kind.name in _INTEGERS:
            if number is None or number.adjusted() > 20 or number != number.to_integral_value():
                return MISFIT
            whole = int(number)
            limit = 1 << _INTEGERS[kind.name]
            return Number(str(whole)) if -limit <= whole < limit else MISFIT
        if kind.name in ("DOUBLE", "FLOAT"):
            return _floating(text, number, single=kind.name == "FLOAT")
        return MISFIT

    def time(self, text: str, name: str) -> Any:
        """A date's or moment's text as a value of a type of time, or `MISFIT`."""
        if name == "DATE":
            if not _DATE.fullmatch(text):
                return MISFIT
            try:
                dt.date.fromisoformat(text)
            except ValueError:
                return MISFIT
            return text
        found = moment(text)
        if found is None:
            return MISFIT
        canonical, has_zone = found
        if name == "TIMESTAMP_NTZ":
            return MISFIT if has_zone else canonical
        if not has_zone:
            return _in_zone(canonical, self.zone) or MISFIT
        return canonical


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _bytes(text: str) -> Any:
    """Bytes told in base64 as DuckDB reads them from JSON, or `MISFIT`."""
    if not _BASE64.fullmatch(text):
        return MISFIT
    return "".join([f"\\x{byte:02X}" for byte in base64.b64decode(text)])


def decimal_places(number: Exact) -> tuple[int, int]:
    """How many digits a number needs before the point, and how many behind it."""
    # Not by `normalize`, which rounds to the 28 digits of Python's context.
    _, digits, exponent = number.as_tuple()
    end = len(digits)
    while end > 1 and not digits[end - 1]:
        end -= 1
    exponent = int(exponent) + len(digits) - end
    return (max(0, end + exponent) if number else 0), max(0, -exponent) if number else 0


def _decimal(number: Exact | None, kind: Decimal) -> Any:
    if number is None:
        return MISFIT
    whole, scale = decimal_places(number)
    if scale > kind.scale or whole > kind.precision - kind.scale:
        return MISFIT
    return format(number, "f")


def _floating(text: str, number: Exact | None, *, single: bool) -> Any:
    if number is None:
        special = _NOT_FINITE.get(text.lower())
        return special if special is not None else MISFIT
    value = float(text)
    if value in (float("inf"), float("-inf")):
        return MISFIT
    if single:
        nearest = _single(value)
        # Told by its few digits, or by all that a double needs for it.
        survives = (nearest == value and Exact(repr(value)) == number) or any(
            Exact(f"{nearest:.{digits}g}") == number for digits in (6, 7, 8, 9)
        )
    else:
        survives = Exact(repr(value)) == number
    return Number(repr(value)) if survives else MISFIT


def _single(value: float) -> float:
    """The nearest IEEE 754 single; infinite where there is none."""
    try:
        found: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return float("inf")
    return found
