"""DuckDB macros that give operators and functions their exact meaning.

Column types are known only to DuckDB, so the macros decide by ``typeof`` while a query is bound:
``from_json('null', '"TYPE"')`` is a NULL of a computed type, ``cast_to_type`` casts to it, and
``struct_extract`` by a computed name keeps one branch and drops the others. All of it is constant
and folds away before the query runs.

A type code stands for a numeric type in such computations: precision * 100 + scale for DECIMAL,
-3, -5, -10, -20 for TINYINT to BIGINT (the digits Databricks gives them as decimals), -1000 - n or
-2000 - n for an INT or BIGINT literal of n digits, 1 FLOAT, 2 DOUBLE, 0 for everything else.
"""

from __future__ import annotations

import re
from functools import cache

from lakelet.engines.dialect.lambdas import with_own_parameters

__all__ = ("ask_types", "definitions")

_MACRO = re.compile(r"\blk_\w+")
# What must be constant while a query is bound, and is computed from types.
_CONSTANT = ("cast_to_type(", "struct_extract(")


@cache
def _sources() -> dict[str, str]:
    """Each macro's parameters and body by its name."""
    from lakelet.engines.dialect import (
        macros_arrays,
        macros_casts,
        macros_dates,
        macros_numbers,
        macros_text,
    )

    modules = (macros_numbers, macros_casts, macros_text, macros_dates, macros_arrays)
    return {
        name: with_own_parameters(body)
        for module in modules
        for name, body in module.MACROS.items()
    }


def ask_types(sql: str) -> bool:
    """Whether ``sql`` decides by types while it is bound; of a lambda's parameter none are told."""
    return any(part in sql for part in _CONSTANT) or any(
        _asks_types(name) for name in set(_MACRO.findall(sql))
    )


@cache
def _asks_types(name: str) -> bool:
    body = _sources().get(name, "").partition(" AS ")[2]
    # It casts to the type of another argument, which is written out.
    return bool(body) and name != "lk_try_to" and ask_types(body.replace(name, ""))


def definitions(sql: str) -> tuple[str, ...]:
    """The statements that create the macros ``sql`` uses, each after those it needs itself."""
    names = _MACRO.findall(sql)
    if not names:
        return ()
    sources = _sources()
    ordered: dict[str, str] = {}

    def need(name: str) -> None:
        if name in ordered or name not in sources:
            return
        head, body = sources[name].split(" AS ", 1)
        for inner in _MACRO.findall(body):
            if inner != name:
                need(inner)
        ordered[name] = f"CREATE OR REPLACE TEMP MACRO {name}{head} AS {body}"

    for name in names:
        need(name)
    return tuple(ordered.values())
