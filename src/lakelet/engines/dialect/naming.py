"""The name a result column gets when the query gives it none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

    from lakelet.engines.dialect.renderer import Renderer

__all__ = ("output_name",)

_OPERATORS = {
    "Add": "+", "Sub": "-", "Mul": "*", "Div": "/", "Mod": "%", "IntDiv": "div", "EQ": "=",
    "NEQ": "<>", "GT": ">", "GTE": ">=", "LT": "<", "LTE": "<=", "And": "AND", "Or": "OR",
}  # fmt: skip


def output_name(r: Renderer, node: exp.Expr) -> str | None:
    """The name Databricks gives an unnamed column, or None where DuckDB's is the same.

    Follows Spark's habit: ``sum(x)``, ``(a + 1)``, ``CAST(a AS INT)``; a long or unusual
    expression is named by its own text.
    """
    kind = type(node).__name__
    if kind in {"Star", "Aliases"} or (kind == "Column" and node.name != ""):
        return None
    if kind == "Dot":
        return str(node.expression.name)
    return _name(r, node)


def _name(r: Renderer, node: exp.Expr) -> str:
    kind = type(node).__name__
    if kind == "Column":
        return str(node.name)
    if kind == "Paren":
        return _name(r, node.this)
    if kind == "Star":
        return "1"
    if kind == "Literal":
        return r.prepared.string(node.name) if node.args.get("is_string") else str(node.name)
    if kind in _OPERATORS:
        return f"({_name(r, node.this)} {_OPERATORS[kind]} {_name(r, node.expression)})"
    if kind == "Anonymous":
        return f"{node.name.lower()}({', '.join(_name(r, arg) for arg in node.expressions)})"
    if kind == "Distinct":
        return "DISTINCT " + ", ".join(_name(r, arg) for arg in node.expressions)
    if kind == "Cast":
        return f"CAST({_name(r, node.this)} AS {node.args['to'].sql('databricks')})"
    if kind == "Neg":
        return f"(- {_name(r, node.this)})"
    if kind == "Subquery":
        return "scalarsubquery()"
    text = re.sub(r":lakelet_question_\d+", "?", str(node.sql("databricks")))
    return re.sub("\ue000[0-9]+\ue000", lambda m: r.prepared.string(m.group()), text)
