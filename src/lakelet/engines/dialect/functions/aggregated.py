"""Aggregates whose text depends on their arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakelet.engines.dialect.kinds import kind_of, without_parentheses
from lakelet.engines.dialect.literals import marked
from lakelet.engines.dialect.numeric_types import average_type, total_type
from lakelet.engines.dialect.renderer import refuse
from lakelet.engines.dialect.typed_arithmetic import average, uncast
from lakelet.errors import SqlError

if TYPE_CHECKING:
    from sqlglot import exp

    from lakelet.engines.dialect.renderer import Renderer

ONE_OF_MANY = frozenset({"first", "first_value", "any_value", "last", "last_value"})
__all__ = (
    "ONE_OF_MANY", "count", "first", "fractions", "last", "mean", "percentile",
    "percentile_approx", "summand", "total",
)  # fmt: skip


def count(r: Renderer, node: exp.Expr) -> str:
    """Rows; with several arguments, the rows in which none of them is NULL."""
    items = node.expressions
    if type(items[0]).__name__ == "Star":
        return marked("count(*)")
    texts = [r.sql(item) for item in items]
    if len(texts) == 1:
        return marked(f"count({texts[0]})")
    none_null = " AND ".join(f"{text} IS NOT NULL" for text in texts)
    return marked(f"count(CASE WHEN {none_null} THEN row({', '.join(texts)}) END)")


def _ignoring(node: exp.Expr, name: str) -> bool:
    if len(node.expressions) == 1:
        return False
    flag = node.expressions[1]
    if type(flag).__name__ == "Anonymous" and flag.name == "ignore_nulls":
        return True
    if type(flag).__name__ != "Boolean":
        raise refuse(f"{name} with anything but true or false as second argument")
    return bool(flag.this)


def summand(r: Renderer, item: exp.Expr) -> str:
    """What is summed up: text as the DOUBLE it spells (page "Implicit crosscasting")."""
    text = r.sql(item)
    kind = kind_of(r, item)
    if kind == "string":
        return f"lk_cast_double({text})"
    if kind == "null":
        return "CAST(NULL AS DOUBLE)"
    return text if kind is not None else f"lk_summand({text})"


def total(r: Renderer, node: exp.Expr) -> str:
    """The sum."""
    (item,) = node.expressions
    kind = total_type(r.type_of(item))
    if kind is not None:
        return f"CAST({marked(f'sum({uncast(r, item)})')} AS {kind})"
    text = summand(r, item)
    if kind_of(r, item) in {"string", "null"}:
        return marked(f"sum({text})")
    return f"lk_sum({marked(f'sum({text})')}, {marked(f'any_value({text})')})"


def mean(r: Renderer, node: exp.Expr) -> str:
    """The mean: of decimals a decimal of four more digits, else DOUBLE."""
    (item,) = node.expressions
    known = r.type_of(item)
    kind = average_type(known)
    if known is not None and kind == "DOUBLE":
        return f"CAST({marked(f'avg({uncast(r, item)})')} AS DOUBLE)"
    if known is not None and kind is not None:
        text = uncast(r, item)
        return average(marked(f"sum({text})"), marked(f"count({text})"), known, kind)
    text = summand(r, item)
    if kind_of(r, item) in {"string", "null"}:
        return marked(f"avg({text})")
    parts = (marked(f"{name}({text})") for name in ("sum", "count", "any_value", "avg"))
    return f"lk_average({', '.join(parts)})"


def first(r: Renderer, node: exp.Expr) -> str:
    """The first value."""
    text, ignoring = r.sql(node.expressions[0]), _ignoring(node, node.name)
    if r.over:
        return marked(f"first_value({text}{' IGNORE NULLS' if ignoring else ''})")
    return marked(f"any_value({text})") if ignoring else marked(f"first({text})")


def last(r: Renderer, node: exp.Expr) -> str:
    """The last value."""
    text, ignoring = r.sql(node.expressions[0]), _ignoring(node, node.name)
    if r.over:
        return marked(f"last_value({text}{' IGNORE NULLS' if ignoring else ''})")
    return f"lk_collected({marked(f'list({text})')})[-1]" if ignoring else marked(f"last({text})")


def fractions(node: exp.Expr) -> str:
    """A percentage, or an array of them, written out."""
    node = without_parentheses(node)
    items = [node]
    many = type(node).__name__ == "Anonymous" and node.name.lower() == "array"
    if many:
        items = list(node.expressions)
    values = []
    for item in items:
        is_number = type(item).__name__ == "Literal" and not item.args.get("is_string")
        if not is_number or not 0 <= float(item.name) <= 1:
            raise SqlError(
                "a percentage must be written out as a number from 0 to 1, or an array of such."
            )
        values.append(str(float(item.name)))
    return f"[{', '.join(values)}]" if many else values[0]


def percentile(r: Renderer, node: exp.Expr) -> str:
    """The exact percentile, interpolated."""
    value, fraction = node.expressions
    return marked(f"quantile_cont(lk_cast_double({r.sql(value)}), {fractions(fraction)})")


def percentile_approx(r: Renderer, node: exp.Expr) -> str:
    """A value of the column at a percentage: the exact one, within any accuracy asked for."""
    value, fraction = node.expressions[:2]
    return marked(f"quantile_disc({r.sql(value)}, {fractions(fraction)})")
