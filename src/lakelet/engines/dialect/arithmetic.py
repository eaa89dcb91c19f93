"""Plus, minus, times, divided by, div, % and the type Databricks gives their results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakelet.engines.dialect.kinds import DATE_UNITS, interval_unit, kind_of, without_parentheses
from lakelet.engines.dialect.known_types import OPERATORS, code_known, operands
from lakelet.engines.dialect.renderer import Node, NodeRenderer, Renderer, refuse
from lakelet.engines.dialect.typed_arithmetic import plain, typed

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ("ARITHMETIC", "code_of")

_FUNCTIONS = {"Div": "lk_divide", "Mod": "lk_remainder"}
_TIMES = frozenset({"timestamp", "wall"})
_LONG = frozenset({"count", "count_if"})  # always BIGINT


def code_of(r: Renderer, node: exp.Expr) -> str:
    """SQL for the type code of a number, constant once DuckDB knows the columns' types."""
    if (known_as := r.name_of(node)) is not None and code_known(r, node) is None:
        return f"lk_code(typeof({known_as}))"
    node = without_parentheses(node)
    if (known := code_known(r, node)) is not None:
        return str(known)
    name = type(node).__name__
    if name == "Neg":
        return code_of(r, node.this)
    if name in OPERATORS:
        codes = ", ".join(code_of(r, operand) for operand in operands(node))
        return f"lk_code_{OPERATORS[name]}([{codes}])"
    if name == "Anonymous" and node.name.lower() == "sum" and len(node.expressions) == 1:
        (item,) = node.expressions
        item = item.expressions[0] if type(item).__name__ == "Distinct" else item
        from lakelet.engines.dialect.functions.aggregated import summand

        return f"lk_code_total(lk_code(typeof(any_value({summand(r, item)}))))"
    if name == "Anonymous" and node.name.lower() in _LONG:
        return "-20"
    return f"lk_code(typeof({r.sql(node)}))"


def _arithmetic(r: Renderer, node: exp.Expr) -> str:
    name = type(node).__name__
    for value, interval in ((node.this, node.expression), (node.expression, node.this)):
        unit = interval_unit(interval)
        if unit and name in {"Add", "Sub"} and not interval_unit(value):
            if name == "Sub" and interval is node.this:
                raise refuse("an interval minus something else")
            return _moved(r, value, interval, unit, "-" if name == "Sub" else "")
    if r.locals:  # DuckDB does not tell the types of a lambda's parameters
        return plain(r, node)
    return typed(r, node) or f"lk_number({plain(r, node)}, {code_of(r, node)})"


def _moved(r: Renderer, value: exp.Expr, interval: exp.Expr, unit: str, sign: str) -> str:
    """A date or time an interval later, or earlier."""
    kind, text = kind_of(r, value), r.sql(value)
    if unit in DATE_UNITS:
        days = f"{sign}{r.sql(interval)}"
        if kind == "date":
            return f"CAST({text} + {days} AS DATE)"
        return f"({text} + {days})" if kind in _TIMES else f"lk_add_days({text}, {days})"
    micros = f"{sign}epoch_us({r.sql(interval)})"
    if kind == "date":
        return f"(CAST({text} AS TIMESTAMPTZ) + lk_micros({micros}))"
    return f"({text} + lk_micros({micros}))" if kind in _TIMES else f"lk_add_time({text}, {micros})"


def _checked(r: Renderer, node: exp.Expr) -> str:
    if (known := typed(r, node)) is not None:
        return known
    function = _FUNCTIONS[type(node).__name__]
    return f"{function}({r.sql(node.this)}, {r.sql(node.expression)}, {code_of(r, node)})"


def _whole_division(r: Renderer, node: exp.Expr) -> str:
    return f"lk_div({r.sql(node.this)}, {r.sql(node.expression)})"


def _negative(r: Renderer, node: exp.Expr) -> str:
    inner = node.this
    if type(inner).__name__ == "Literal" and not inner.args.get("is_string"):
        if inner.name in {"2147483648", "9223372036854775808"}:
            kind = "INTEGER" if len(inner.name) == 10 else "BIGINT"
            return f"CAST('-{inner.name}' AS {kind})"
        return f"-{r.sql(inner)}"
    return f"(- {r.sql(inner)})"


def _bitwise(operator: str) -> NodeRenderer:
    def render(r: Renderer, node: exp.Expr) -> str:
        for side in (node.this, node.expression):
            # Databricks binds & before ^ before |; the parser takes them as equals.
            if type(side).__name__.startswith("Bitwise") and type(side) is not type(node):
                raise refuse("& ^ | mixed without parentheses", hint="add parentheses.")
        left, right = r.sql(node.this), r.sql(node.expression)
        return f"xor({left}, {right})" if operator == "^" else f"({left} {operator} {right})"

    return render


_BOTH = frozenset({"this", "expression"})
ARITHMETIC: dict[str, Node] = {
    "Add": Node(_arithmetic, _BOTH),
    "Sub": Node(_arithmetic, _BOTH),
    "Mul": Node(_arithmetic, _BOTH),
    "Div": Node(_checked, _BOTH | {"typed"}),
    "Mod": Node(_checked, _BOTH),
    "IntDiv": Node(_whole_division, _BOTH),
    "Neg": Node(_negative, frozenset({"this"})),
    "BitwiseAnd": Node(_bitwise("&"), _BOTH),
    "BitwiseOr": Node(_bitwise("|"), _BOTH),
    "BitwiseXor": Node(_bitwise("^"), _BOTH),
    "BitwiseNot": Node(lambda r, node: f"(~{r.sql(node.this)})", frozenset({"this"})),
}
