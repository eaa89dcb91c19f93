"""The types Databricks gives the results of arithmetic, computed while a query is translated.

The same rules as the macros of macros_numbers.py, which compute them while a query is bound, by the
same type codes (see macros.py). Source: pages "Arithmetic operators", "DECIMAL type", "sum", "avg".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import reduce

__all__ = (
    "DOUBLE", "average_type", "code_of_type", "combined", "common_type", "scale_of", "total_type",
    "type_of_code",
)  # fmt: skip

DOUBLE = 2
_INTEGERS = {"TINYINT": -3, "SMALLINT": -5, "INTEGER": -10, "BIGINT": -20}
_CODES = {**_INTEGERS, "FLOAT": 1, "DOUBLE": DOUBLE}
_NAMES = {code: name for name, code in _CODES.items()}
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")


def code_of_type(name: str | None) -> int | None:
    """The type code of a number's DuckDB type, or None for any other type."""
    found = _DECIMAL.fullmatch(name or "")
    return int(found[1]) * 100 + int(found[2]) if found else _CODES.get(name or "")


def type_of_code(code: int) -> str:
    """The DuckDB type of a type code."""
    if code >= 100:
        return f"DECIMAL({code // 100},{code % 100})"
    return _NAMES[_without_digits(code)]


def scale_of(code: int) -> int:
    """Digits behind the point."""
    return code % 100 if code >= 100 else 0


def _without_digits(code: int) -> int:
    """An integer literal's code as that of its type."""
    return -(-code // 100) if code < -100 else code


def _size(code: int) -> tuple[int, int]:
    """Precision and scale of a decimal, or of an integer taken as one."""
    return (-code % 100, 0) if code < 0 else (code // 100, code % 100)


def combined(operator: str, codes: Iterable[int]) -> int:
    """The code of the result of one operator over two or more numbers.

    Args:
        operator: ``sum`` (also a difference), ``product``, ``quotient`` or ``remainder``.
        codes: codes of the operands, in order.
    """
    return reduce(lambda a, b: _pair(operator, a, b), codes)


def _pair(operator: str, a: int, b: int) -> int:
    if a == b == 1:
        return 1
    if a in (1, DOUBLE) or b in (1, DOUBLE):
        return DOUBLE
    if a < 0 and b < 0:
        return DOUBLE if operator == "quotient" else min(_without_digits(a), _without_digits(b))
    (pa, sa), (pb, sb) = _size(a), _size(b)
    if operator == "sum":
        scale = max(sa, sb)
        precision = max(pa - sa, pb - sb) + scale + 1
    elif operator == "product":
        scale, precision = sa + sb, pa + pb + 1
    elif operator == "quotient":
        scale = max(6, sa + pb + 1)
        precision = pa - sa + sb + scale
    else:
        scale = max(sa, sb)
        precision = min(pa - sa, pb - sb) + scale
    if precision > 38:  # DecimalType.adjustPrecisionScale
        return 3800 + max(38 - (precision - scale), min(scale, 6))
    return precision * 100 + scale


def total_type(name: str | None) -> str | None:
    """The type of sum() over a type: BIGINT for integers, ten more digits for a decimal."""
    code = code_of_type(name)
    if code is None:
        return None
    if code >= 100:
        return type_of_code(min(code // 100 + 10, 38) * 100 + code % 100)
    return "BIGINT" if code < 0 else "DOUBLE"


def average_type(name: str | None) -> str | None:
    """The type of avg() over a type: four more digits for a decimal, else DOUBLE."""
    code = code_of_type(name)
    if code is None:
        return None
    if code >= 100:
        return type_of_code(min(code // 100 + 4, 38) * 100 + min(code % 100 + 4, 38))
    return "DOUBLE"


def common_type(names: Iterable[str | None]) -> str | None:
    """The type of a choice among values of some types, where DuckDB and Databricks agree on it."""
    found = set(names)
    if len(found) == 1:
        return found.pop()
    codes = {code_of_type(name) for name in found}
    if None in codes or 1 in codes:
        return None
    known = {code for code in codes if code is not None}
    if DOUBLE in known:
        return "DOUBLE"
    if known <= {-10, -20}:
        return "BIGINT"
    if any(code < 0 and code != -10 for code in known):
        return None  # DuckDB takes a BIGINT for 19 digits and a literal for fewer
    sizes = [_size(code) for code in known]
    scale = max(s for _, s in sizes)
    precision = max(p - s for p, s in sizes) + scale
    return f"DECIMAL({precision},{scale})" if precision <= 38 else None
