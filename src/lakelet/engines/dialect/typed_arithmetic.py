"""Arithmetic on numbers whose types are known: DuckDB's own operators, and casts written out.

What macros_numbers.py decides while a query is bound is decided here; the values are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakelet.engines.dialect.kinds import interval_unit, without_parentheses
from lakelet.engines.dialect.known_types import code_known
from lakelet.engines.dialect.numeric_types import code_of_type, scale_of
from lakelet.engines.dialect.values import case_text

if TYPE_CHECKING:
    from sqlglot import exp

    from lakelet.engines.dialect.renderer import Renderer

__all__ = ("average", "plain", "quotient", "typed", "uncast")

_SYMBOLS = {"Add": "+", "Sub": "-", "Mul": "*"}
_LONG = 200
"""Characters of an operand from which on it is not repeated."""


def plain(r: Renderer, node: exp.Expr) -> str:
    """A tree of + - * and negation as DuckDB writes it, without any check."""
    inner = without_parentheses(node)
    name = type(inner).__name__
    if name in _SYMBOLS and not (interval_unit(inner.this) or interval_unit(inner.expression)):
        return f"({plain(r, inner.this)} {_SYMBOLS[name]} {plain(r, inner.expression)})"
    if name == "Neg":
        return f"(- {plain(r, inner.this)})"
    return r.sql(inner)


def typed(r: Renderer, node: exp.Expr) -> str | None:
    """An operator's result in the type Databricks gives it; None where a macro must decide."""
    kind = r.type_of(node)
    if kind is None:
        return None
    name = type(node).__name__
    if name in _SYMBOLS:
        return f"CAST({plain(r, node)} AS {kind})"
    left, right = code_known(r, node.this), code_known(r, node.expression)
    if left is None or right is None:
        return None
    a, b = r.sql(node.this), r.sql(node.expression)
    if name == "Div":
        if kind == "DOUBLE":
            value = f"CAST({a} AS DOUBLE) / CAST({b} AS DOUBLE)"
        else:
            value = quotient((a, left), (b, right), kind)
        return f"lk_unless_zero({a}, {b}, {value})"
    return None


def quotient(a: tuple[str, int], b: tuple[str, int], kind: str, *, once: bool = False) -> str:
    """A / b rounded half up to a decimal type, without a check of b.

    Args:
        a: SQL and type code of a decimal or whole number.
        b: the same.
        kind: the decimal type.
        once: whether the operands must not be repeated.
    """
    code = code_of_type(kind)
    assert code is not None
    scale = scale_of(code)
    more = max(scale - scale_of(a[1]) + scale_of(b[1]), 0)
    above, below = _unscaled(*a), _unscaled(*b)
    if more:
        above = f"({above} * CAST('1{'0' * more}' AS HUGEINT))"
    once = once or max(len(above), len(below)) > _LONG
    divided = f"lk_half_up{'_once' if once else ''}({above}, {below})"
    unit = f"CAST('0.{'0' * (scale - 1)}1' AS DECIMAL({scale},{scale}))"
    return f"CAST(CAST({divided} AS DECIMAL(38,0)) * {unit} AS {kind})"


def _unscaled(sql: str, code: int) -> str:
    """The digits of a number as one whole number: 1.50 gives 150."""
    scale = scale_of(code)
    if not scale:
        return f"CAST({sql} AS HUGEINT)"
    if code // 100 + scale > 38:
        return f"lk_unscaled({sql})"
    ten = f"CAST('1{'0' * scale}' AS DECIMAL({scale + 1},0))"
    return f"CAST(CAST({sql} AS DECIMAL(38,{scale})) * {ten} AS HUGEINT)"


def average(total: str, count: str, item: str, kind: str) -> str:
    """The mean of decimals from their sum and number.

    Args:
        total: SQL of the sum.
        count: SQL of the number of values.
        item: the values' type.
        kind: the mean's type.
    """
    code = code_of_type(item)
    assert code is not None
    above = (total, 3800 + scale_of(code))
    mean = quotient(above, (count, -20), kind, once=True)
    return f"CASE WHEN {count} > 0 THEN {mean} END"


def uncast(r: Renderer, node: exp.Expr) -> str:
    """A number of known type for an aggregate, which needs its value and not its digits' type.

    Databricks' type holds every exact result, so a cast to it never changes or fails a value.
    """
    inner = without_parentheses(node)
    name = type(inner).__name__
    if r.type_of(inner) is None or r.locals:
        return r.sql(node)
    if name in _SYMBOLS:
        return plain(r, inner)
    if name == "Case":
        return case_text(r, inner, lambda result: uncast(r, result))
    return r.sql(node)
