"""What can be said of an expression's type from its text alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

    from lakelet.engines.dialect.renderer import Renderer

__all__ = ("kind_of", "without_parentheses")

_BOOLEAN = frozenset({
    "And", "Or", "Not", "EQ", "NEQ", "GT", "GTE", "LT", "LTE", "Is", "In", "Between", "Like",
    "ILike", "RegexpLike", "Exists", "NullSafeEQ", "NullSafeNEQ", "Boolean",
})  # fmt: skip
_CASTS = {
    "TEXT": "string", "VARCHAR": "string", "TINYINT": "number", "SMALLINT": "number",
    "INT": "number", "BIGINT": "number", "DOUBLE": "number", "FLOAT": "number",
    "DECIMAL": "number", "DATE": "date", "TIMESTAMPTZ": "timestamp", "TIMESTAMPLTZ": "timestamp",
    "TIMESTAMPNTZ": "wall", "BOOLEAN": "boolean",
}  # fmt: skip


def without_parentheses(node: exp.Expr) -> exp.Expr:
    """The expression inside any parentheses."""
    while type(node).__name__ == "Paren":
        node = node.this
    return node


def kind_of(r: Renderer, node: exp.Expr) -> str | None:
    """The kind of value an expression gives, or None if unknown.

    One of ``string``, ``number``, ``boolean``, ``date``, ``timestamp``, ``wall`` and ``null``.
    None means that only the table's columns can tell; a check then runs inside DuckDB.
    """
    node = without_parentheses(node)
    name = type(node).__name__
    if name == "Literal":
        return "string" if node.args.get("is_string") else "number"
    if name in _BOOLEAN:
        return "boolean"
    if name in {"Cast", "TryCast"}:
        return _CASTS.get(node.args["to"].this.name if node.args["to"].this else "")
    if name == "Anonymous":
        from lakelet.engines.dialect.functions import find

        entry = find(node.name.lower())
        return entry.kind if entry else None
    return {
        "Null": "null", "RawString": "string", "DPipe": None, "CurrentDate": "date",
        "Div": "number", "IntDiv": "number", "Trim": "string", "Substring": None,
        "CurrentTimestamp": "timestamp", "Concat": "string", "Extract": "number",
        "StrPosition": "number", "Ceil": "number", "Floor": "number",
    }.get(name)  # fmt: skip
