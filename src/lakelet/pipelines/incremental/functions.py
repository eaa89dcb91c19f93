"""Which functions stand in the way: those whose value is not a matter of the rows alone."""

from __future__ import annotations

from lakelet.engines.dialect.functions import find

__all__ = ("STEADY", "is_aggregate", "is_unsteady")

_UNSTEADY = frozenset(
    {
        "now",
        "current_timestamp",
        "current_date",
        "curdate",
        "localtimestamp",
        "unix_timestamp",
        "to_unix_timestamp",
        "rand",
        "random",
        "randn",
        "uuid",
        "shuffle",
        "monotonically_increasing_id",
        "input_file_name",
    }
)
STEADY = frozenset(
    {
        "count",
        "count_if",
        "sum",
        "avg",
        "mean",
        "min",
        "max",
        "stddev",
        "stddev_samp",
        "stddev_pop",
        "std",
        "variance",
        "var_samp",
        "var_pop",
        "corr",
        "covar_pop",
        "covar_samp",
        "median",
        "percentile",
        "percentile_approx",
        "approx_percentile",
        "approx_count_distinct",
        "bool_and",
        "every",
        "bool_or",
        "some",
        "bit_and",
        "bit_or",
        "bit_xor",
    }
)
"""Aggregates that give the same for the same rows in any order."""


def is_aggregate(name: str) -> bool:
    """Whether a function makes one value of many rows."""
    entry = find(name)
    return entry is not None and entry.role == "aggregate"


def is_unsteady(name: str) -> bool:
    """Whether a function may give another value for the same row."""
    return name in _UNSTEADY
