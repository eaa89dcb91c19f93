"""Choosing among values, and casts written as calls."""

from __future__ import annotations

from lakelet.engines.dialect.functions import special
from lakelet.engines.dialect.functions.entry import Function

__all__ = ("CONDITIONALS",)

_COALESCE = "the first value that is not NULL"
_IF = Function(special.if_else, 3, 3, "the second if the first is true, else the third")


def _cast(kind: str, result: str) -> Function:
    return Function(special.cast_call(kind), 1, 1, f"cast to {kind}", result)


CONDITIONALS: dict[str, Function] = {
    "coalesce": Function(special.coalesce, 1, None, _COALESCE),
    "nvl": Function(special.coalesce, 2, 2, _COALESCE),
    "ifnull": Function(special.coalesce, 2, 2, _COALESCE),
    "nvl2": Function(special.nvl2, 3, 3, "the second if the first is not NULL, else the third"),
    "nullif": Function(special.nullif, 2, 2, "NULL if both are equal, else the first"),
    "iff": _IF,
    "if": _IF,
    "isnull": Function("({0} IS NULL)", 1, 1, "whether it is NULL", "boolean"),
    "isnotnull": Function("({0} IS NOT NULL)", 1, 1, "whether it is not NULL", "boolean"),
    "equal_null": Function(
        "({0} IS NOT DISTINCT FROM {1})", 2, 2, "whether both are equal or both NULL", "boolean"
    ),
    "nullifzero": Function(
        "CASE WHEN {0} = 0 THEN NULL ELSE {0} END", 1, 1, "NULL in place of 0", "number"
    ),
    "zeroifnull": Function("coalesce({0}, 0)", 1, 1, "0 in place of NULL", "number"),
    "raise_error": Function("lk_fail('[USER_RAISED_EXCEPTION] ' || {0})", 1, 1, "fails the query"),
    "string": _cast("STRING", "string"),
    "tinyint": _cast("TINYINT", "number"),
    "smallint": _cast("SMALLINT", "number"),
    "int": _cast("INT", "number"),
    "bigint": _cast("BIGINT", "number"),
    "float": _cast("FLOAT", "number"),
    "double": _cast("DOUBLE", "number"),
    "boolean": _cast("BOOLEAN", "boolean"),
    "date": _cast("DATE", "date"),
    "timestamp": _cast("TIMESTAMP", "timestamp"),
    "binary": _cast("BINARY", ""),
}
