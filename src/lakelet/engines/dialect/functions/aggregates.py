"""Functions over many rows."""

from __future__ import annotations

from lakelet.engines.dialect.functions.entry import Function

__all__ = ("AGGREGATES",)

AGGREGATES: dict[str, Function] = {
    "sum": Function("lk_sum(<sum({0})>, <any_value({0})>)", 1, 1, "the sum", "number", "aggregate"),
    "min": Function("<min({0})>", 1, 1, "the least value", None, "aggregate"),
    "max": Function("<max({0})>", 1, 1, "the greatest value", None, "aggregate"),
}
