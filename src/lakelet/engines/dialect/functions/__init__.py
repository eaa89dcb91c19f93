"""The table of tested functions: what stands here runs, everything else is refused by name."""

from __future__ import annotations

from functools import cache

from lakelet.engines.dialect.functions.entry import Function

__all__ = ("Function", "find", "table")


@cache
def table() -> dict[str, Function]:
    """All functions by their Databricks name in lower case."""
    from lakelet.engines.dialect.functions import (
        aggregates,
        arrays,
        conditionals,
        dates,
        numbers,
        strings,
        windows,
    )

    return {
        **strings.STRINGS,
        **numbers.NUMBERS,
        **conditionals.CONDITIONALS,
        **dates.DATES,
        **arrays.ARRAYS,
        **aggregates.AGGREGATES,
        **windows.WINDOWS,
    }


def find(name: str) -> Function | None:
    """The entry of a function, or None when it is not in the table."""
    return table().get(name)
