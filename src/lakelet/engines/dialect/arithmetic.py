"""Plus, minus, times, divided by, div, % and the type Databricks gives their results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakelet.engines.dialect.kinds import without_parentheses
from lakelet.engines.dialect.literals import decimal_type
from lakelet.engines.dialect.renderer import Node, NodeRenderer, Renderer, refuse

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ("ARITHMETIC", "code_of", "interval_unit")

_PLAIN = {"Add": "+", "Sub": "-", "Mul": "*"}
_CODES = {"Add": "sum", "Sub": "sum", "Mul": "product", "Div": "quotient", "Mod": "remainder"}
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


def _operands(node: exp.Expr) -> list[exp.Expr]:
    """The operands of a chain of one operator, so that a long sum stays one step deep."""
    name, right = type(node).__name__, node.expression
    left = node.this
    group = {"Add", "Sub"} if name in {"Add", "Sub"} else {name}
    chain = _operands(left) if type(left).__name__ in group and name in _PLAIN else [left]
    return [*chain, right]


def _integer_code(text: str) -> str:
    digits = len(text.lstrip("0") or "0")
    return str(-(1000 if int(text) < 2**31 else 2000) - digits)


def code_of(r: Renderer, node: exp.Expr) -> str:
    """SQL for the type code of a number, constant once DuckDB knows the columns' types."""
    node = without_parentheses(node)
    name = type(node).__name__
    if name == "Neg":
        return code_of(r, node.this)
    if name in _CODES:
        codes = ", ".join(code_of(r, operand) for operand in _operands(node))
        return f"lk_code_{_CODES[name]}([{codes}])"
    if name == "Literal" and not node.args.get("is_string"):
        text = node.name.lower()
        if "e" in text:
            return "2"
        if "." not in text and int(text) < 2**63:
            return _integer_code(text)
        precision, scale = decimal_type(text)
        return str(precision * 100 + scale)
    if name == "Anonymous" and node.name.lower() == "sum" and len(node.expressions) == 1:
        (item,) = node.expressions
        item = item.expressions[0] if type(item).__name__ == "Distinct" else item
        return f"lk_code_total(lk_code(typeof(any_value({r.sql(item)}))))"
    if name == "Anonymous" and node.name.lower() in _LONG:
        return "-20"
    return f"lk_code(typeof({r.sql(node)}))"


def _plain(r: Renderer, node: exp.Expr) -> str:
    """A tree of + - * and negation as DuckDB writes it, without any check."""
    inner = without_parentheses(node)
    name = type(inner).__name__
    if name in _PLAIN and not (interval_unit(inner.this) or interval_unit(inner.expression)):
        return f"({_plain(r, inner.this)} {_PLAIN[name]} {_plain(r, inner.expression)})"
    if name == "Neg":
        return f"(- {_plain(r, inner.this)})"
    return r.sql(inner)


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
        return _plain(r, node)
    return f"lk_number({_plain(r, node)}, {code_of(r, node)})"


def _checked(r: Renderer, node: exp.Expr) -> str:
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
