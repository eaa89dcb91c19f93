"""Plus, minus, times, divided by, div, % and the type Databricks gives their results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakelet.engines.dialect.kinds import without_parentheses
from lakelet.engines.dialect.known_types import OPERATORS, code_known, operands
from lakelet.engines.dialect.renderer import Node, NodeRenderer, Renderer, refuse
from lakelet.engines.dialect.typed_arithmetic import plain, typed

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ("ARITHMETIC", "code_of", "interval_unit")

_FUNCTIONS = {"Div": "lk_divide", "Mod": "lk_remainder"}
_LONG = frozenset({"count", "count_if"})  # always BIGINT
_DATE_UNITS = frozenset({"year", "month", "week", "day"})


def interval_unit(node: exp.Expr) -> str | None:
    """The unit of an INTERVAL literal in the singular, or None for anything else."""
    node = without_parentheses(node)
    if type(node).__name__ != "Interval":
        return None
    unit = node.args.get("unit")
    named = unit is not None and type(unit).__name__ == "Var"
    return str(unit.name).lower().removesuffix("s") if unit and named else ""


def code_of(r: Renderer, node: exp.Expr) -> str:
    """SQL for the type code of a number, constant once DuckDB knows the columns' types."""
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
            sign = "-" if name == "Sub" else ""
            if unit in _DATE_UNITS:
                return f"lk_add_days({r.sql(value)}, {sign}{r.sql(interval)})"
            return f"lk_add_time({r.sql(value)}, {sign}epoch_us({r.sql(interval)}))"
    if r.locals:  # DuckDB does not tell the types of a lambda's parameters
        return plain(r, node)
    return typed(r, node) or f"lk_number({plain(r, node)}, {code_of(r, node)})"


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
