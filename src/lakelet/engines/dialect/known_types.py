"""The DuckDB type of what an expression becomes, told while the query is translated.

`type_of` promises: where it names a type, DuckDB gives the rendered expression exactly that type.
Operators and functions are then written plainly instead of as macros that ask DuckDB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakelet.engines.dialect.kinds import kind_of, without_parentheses
from lakelet.engines.dialect.literals import decimal_type
from lakelet.engines.dialect.nested_types import element_type, field_type
from lakelet.engines.dialect.numeric_types import (
    average_type,
    code_of_type,
    combined,
    common_type,
    scale_of,
    total_type,
    type_of_code,
)
from lakelet.engines.dialect.scopes import column_type, is_source, is_told_apart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlglot import exp

    from lakelet.engines.dialect.renderer import Renderer

__all__ = ("OPERATORS", "code_known", "integer_code", "operands", "type_known")

OPERATORS = {"Add": "sum", "Sub": "sum", "Mul": "product", "Div": "quotient", "Mod": "remainder"}
_PLAIN = frozenset({"Add", "Sub", "Mul"})
_OF_KIND = {
    "string": "VARCHAR", "boolean": "BOOLEAN", "date": "DATE", "wall": "TIMESTAMP",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
}  # fmt: skip
# Functions that give their argument's type, and whole numbers of one size.
_SAME = frozenset({"min", "max", "any_value", "first", "last", "first_value", "last_value"})
_LONG = frozenset({"count", "count_if"})
_INT = frozenset({
    "year", "quarter", "month", "day", "dayofmonth", "dayofweek", "dayofyear", "hour", "minute",
    "length", "row_number", "rank", "dense_rank",
})  # fmt: skip
_CHOICES = frozenset({"coalesce", "ifnull", "nvl"})


def operands(node: exp.Expr) -> list[exp.Expr]:
    """The operands of a chain of one operator, so that a long sum stays one step deep."""
    name, right = type(node).__name__, node.expression
    left = node.this
    group = {"Add", "Sub"} if name in {"Add", "Sub"} else {name}
    chain = operands(left) if type(left).__name__ in group and name in _PLAIN else [left]
    return [*chain, right]


def integer_code(text: str) -> int:
    """The code of an integer literal, which tells its digits."""
    return -(1000 if int(text) < 2**31 else 2000) - len(text.lstrip("0") or "0")


def _literal_code(text: str) -> int:
    if "e" in text.lower():
        return 2
    if "." not in text and int(text) < 2**63:
        return integer_code(text)
    precision, scale = decimal_type(text)
    return precision * 100 + scale


def code_known(r: Renderer, node: exp.Expr) -> int | None:
    """The type code of a number, or None. FLOAT counts as unknown: it is not mixed with others."""
    node = without_parentheses(node)
    name = type(node).__name__
    if name == "Neg":
        return code_known(r, node.this)
    if name == "Literal" and not node.args.get("is_string"):
        return _literal_code(node.name)
    if name in OPERATORS:
        codes = [code_known(r, operand) for operand in operands(node)]
        known = [code for code in codes if code is not None]
        return combined(OPERATORS[name], known) if len(known) == len(codes) else None
    code = code_of_type(r.type_of(node))
    return None if code == 1 else code


def natural_scale(r: Renderer, node: exp.Expr) -> int | None:
    """Digits behind the point of what DuckDB computes for a tree of + - *; None for a DOUBLE."""
    node = without_parentheses(node)
    name = type(node).__name__
    if name == "Neg":
        return natural_scale(r, node.this)
    if name not in _PLAIN:
        code = code_known(r, node)
        return None if code is None or code == 2 else scale_of(code)
    left, right = natural_scale(r, node.this), natural_scale(r, node.expression)
    if left is None or right is None:
        return None
    return left + right if name == "Mul" else max(left, right)


def _arithmetic(r: Renderer, node: exp.Expr) -> str | None:
    code = None if r.locals else code_known(r, node)
    if code is None:
        return None
    if type(node).__name__ == "Mod":
        return type_of_code(code) if code < 100 else None
    if type(node).__name__ != "Div" and code >= 100 and natural_scale(r, node) != scale_of(code):
        return None  # more than 38 digits: refused while the query is bound
    return type_of_code(code)


def _negative(r: Renderer, node: exp.Expr) -> str | None:
    inner = node.this
    if type(inner).__name__ == "Literal" and inner.name in {"2147483648", "9223372036854775808"}:
        return None  # the least INT and BIGINT, written otherwise
    found = r.type_of(inner)
    return found if code_of_type(found) is not None else None


def _number(r: Renderer, node: exp.Expr) -> str | None:
    code = _literal_code(node.name)
    return type_of_code(code) if code < 0 or code // 100 <= 38 else None


def _choice(r: Renderer, nodes: Sequence[exp.Expr]) -> str | None:
    types = [r.type_of(node) for node in nodes if kind_of(r, node) != "null"]
    return common_type(types) if types else None


def _case(r: Renderer, node: exp.Expr) -> str | None:
    results = [branch.args["true"] for branch in node.args["ifs"]]
    return _choice(r, results + ([node.args["default"]] if node.args.get("default") else []))


def _if(r: Renderer, node: exp.Expr) -> str | None:
    return _choice(r, [n for n in (node.args["true"], node.args.get("false")) if n])


def _call(r: Renderer, node: exp.Expr) -> str | None:
    name = node.name.lower()
    if name in _LONG:
        return "BIGINT"
    if name in _INT:
        return "INTEGER"
    if name == "split":
        return "VARCHAR[]"
    items = list(node.expressions)
    if name == "round" and r.type_of(items[0]) == "DOUBLE":
        return "DOUBLE"
    if name in _CHOICES:
        return _choice(r, items)
    if len(items) != 1:
        return None
    if name in {"sum", "avg", "mean"}:
        item = items[0].expressions[0] if type(items[0]).__name__ == "Distinct" else items[0]
        known = r.type_of(item)
        if kind_of(r, item) == "string":
            return "DOUBLE"
        return total_type(known) if name == "sum" else average_type(known)
    return r.type_of(items[0]) if name in _SAME else None


def _column(r: Renderer, node: exp.Expr) -> str | None:
    if node.args.get("catalog") or type(node.this).__name__ != "Identifier":
        return None
    before = [str(node.args[part].name) for part in ("db", "table") if node.args.get(part)]
    names = [*before, node.name]
    if names[0] in r.locals:
        return None
    if len(names) == 1:
        return column_type(r.scopes, "", names[0].lower())
    found = column_type(r.scopes, names[0].lower(), names[1].lower())
    fields = names[2:]
    if found is None and not is_source(r.scopes, names[0].lower()):
        found, fields = column_type(r.scopes, "", names[0].lower()), names[1:]
    for field in fields:
        found = field_type(found, field)
    return _told(found)


def _cast(r: Renderer, node: exp.Expr) -> str | None:
    from lakelet.engines.dialect.casts import type_name

    target = type_name(node.args["to"])[1].replace(" ", "")
    return "TIMESTAMP WITH TIME ZONE" if target == "TIMESTAMPTZ" else target


def _field(r: Renderer, node: exp.Expr) -> str | None:
    return _told(field_type(r.type_of(node.this), node.expression.name))


def _element(r: Renderer, node: exp.Expr) -> str | None:
    return _told(element_type(r.type_of(node.this)))


def _told(kind: str | None) -> str | None:
    return kind if kind is not None and is_told_apart(kind) else None


def _subquery(r: Renderer, node: exp.Expr) -> str | None:
    columns = r.columns_given(node.this)
    return columns[0][1] if columns and len(columns) == 1 else None


_RULES = {
    "Column": _column, "Literal": _number, "Case": _case, "If": _if, "Anonymous": _call,
    "Cast": _cast, "TryCast": _cast, "Subquery": _subquery,
    "Bracket": _element, "Dot": _field,
    "Neg": _negative, "Paren": lambda r, node: r.type_of(node.this),
    "Window": lambda r, node: r.type_of(node.this),
    "Filter": lambda r, node: r.type_of(node.this),
    "IntDiv": lambda r, node: "BIGINT",
    **dict.fromkeys(OPERATORS, _arithmetic),
}  # fmt: skip


def type_known(r: Renderer, node: exp.Expr) -> str | None:
    """The DuckDB type of an expression, or None where it is not certain."""
    name = type(node).__name__
    if name != "Literal" or not node.args.get("is_string"):
        rule = _RULES.get(name)
        found = rule(r, node) if rule else None
        if found is not None or (name in _RULES and name != "Anonymous"):
            return found
    return _OF_KIND.get(kind_of(r, node, typed=False) or "")
