"""Functions over many rows (pages "Built-in functions", aggregate section)."""

from __future__ import annotations

from lakelet.engines.dialect.functions import aggregated
from lakelet.engines.dialect.functions.entry import Function

__all__ = ("AGGREGATES",)


def _aggregate(sql: str, doc: str, kind: str | None = None, high: int = 1) -> Function:
    return Function(sql, high, high, doc, kind, "aggregate")


_D = "lk_cast_double({0})"
_E = "lk_cast_double({1})"
_MEAN = Function(aggregated.mean, 1, 1, "the mean", "number", "aggregate")
_STDDEV = _aggregate(f"<stddev_samp({_D})>", "the standard deviation of a sample", "number")
_VARIANCE = _aggregate(f"<var_samp({_D})>", "the variance of a sample", "number")
_LIST = _aggregate("lk_collected(<list({0})>)", "the values that are not NULL, as an array")
_EVERY = _aggregate("<bool_and({0})>", "whether it holds for all rows", "boolean")
_SOME = _aggregate("<bool_or({0})>", "whether it holds for any row", "boolean")
_FIRST = Function(
    aggregated.first, 1, 2, "the first value; with true, the first that is not NULL", None,
    "aggregate",
)  # fmt: skip
_LAST = Function(
    aggregated.last, 1, 2, "the last value; with true, the last that is not NULL", None,
    "aggregate",
)  # fmt: skip
_PERCENTILE_APPROX = Function(
    aggregated.percentile_approx, 2, 3, "a value at a percentage; exact here", None, "aggregate"
)
_JOINED = Function(
    {1: "<string_agg({0}, '')>", 2: "<string_agg({0}, {1})>"},
    1, 2, "the texts joined, NULLs left out", "string", "aggregate",
)  # fmt: skip

AGGREGATES: dict[str, Function] = {
    "count": Function(
        aggregated.count, 1, None, "the rows, or the rows without NULL", "number", "aggregate"
    ),
    "count_if": Function(
        "<count(CASE WHEN {0} THEN 1 END)>",
        1,
        1,
        "the rows for which it holds",
        "number",
        "aggregate",
    ),
    "sum": Function(aggregated.total, 1, 1, "the sum", "number", "aggregate"),
    "avg": _MEAN,
    "mean": _MEAN,
    "min": _aggregate("<min({0})>", "the least value"),
    "max": _aggregate("<max({0})>", "the greatest value"),
    "min_by": _aggregate("<arg_min_null({0}, {1})>", "the first where the second is least", high=2),
    "max_by": _aggregate(
        "<arg_max_null({0}, {1})>", "the first where the second is greatest", high=2
    ),
    "first": _FIRST,
    "first_value": _FIRST,
    "any_value": _FIRST,
    "last": _LAST,
    "last_value": _LAST,
    "collect_list": _LIST,
    "array_agg": _LIST,
    "collect_set": _aggregate(
        "list_distinct(coalesce(<list({0})>, []))",
        "the different values that are not NULL, in no order",
    ),
    "approx_count_distinct": _aggregate(
        "<approx_count_distinct({0})>", "about how many values differ (HyperLogLog)", "number"
    ),
    "stddev": _STDDEV,
    "stddev_samp": _STDDEV,
    "std": _STDDEV,
    "stddev_pop": _aggregate(f"<stddev_pop({_D})>", "the standard deviation", "number"),
    "variance": _VARIANCE,
    "var_samp": _VARIANCE,
    "var_pop": _aggregate(f"<var_pop({_D})>", "the variance", "number"),
    "corr": _aggregate(f"<corr({_D}, {_E})>", "the correlation", "number", 2),
    "covar_pop": _aggregate(f"<covar_pop({_D}, {_E})>", "the covariance", "number", 2),
    "covar_samp": _aggregate(
        f"<covar_samp({_D}, {_E})>", "the covariance of a sample", "number", 2
    ),
    "median": _aggregate(f"<quantile_cont({_D}, 0.5)>", "the middle value", "number"),
    "percentile": Function(
        aggregated.percentile,
        2,
        2,
        "the value at a percentage, between rows where needed",
        "number",
        "aggregate",
    ),
    "percentile_approx": _PERCENTILE_APPROX,
    "approx_percentile": _PERCENTILE_APPROX,
    "bool_and": _EVERY,
    "every": _EVERY,
    "bool_or": _SOME,
    "some": _SOME,
    "bit_and": _aggregate("<bit_and({0})>", "all bits by AND", "number"),
    "bit_or": _aggregate("<bit_or({0})>", "all bits by OR", "number"),
    "bit_xor": _aggregate("<bit_xor({0})>", "all bits by XOR", "number"),
    "mode": _aggregate("<mode({0})>", "a most frequent value that is not NULL"),
    "listagg": _JOINED,
    "string_agg": _JOINED,
    "grouping": Function(
        "CAST(grouping({0}) AS TINYINT)", 1, 1, "1 where a column is rolled up", "number"
    ),
    "grouping_id": Function(
        "CAST(grouping_id({all}) AS BIGINT)", 1, None, "the columns rolled up, as bits", "number"
    ),
}
