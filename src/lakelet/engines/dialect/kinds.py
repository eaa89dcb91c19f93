"""What can be said of an expression's kind, from its text and the types of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

    from lakelet.engines.dialect.renderer import Renderer

__all__ = ("kind_of", "kind_of_type", "without_parentheses")

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


_OF_TYPE = {
    "VARCHAR": "string", "BOOLEAN": "boolean", "DATE": "date", "TIMESTAMP": "wall",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE"), "number"),
}  # fmt: skip


def kind_of(r: Renderer, node: exp.Expr, *, typed: bool = True) -> str | None:
    """The kind of value an expression gives, or None if unknown.

    One of ``string``, ``number``, ``boolean``, ``date``, ``timestamp``, ``wall`` and ``null``.
    None means that only DuckDB can tell; a check then runs inside it.

    Args:
        r: knows the types of columns.
        node: the expression.
        typed: whether those types count.
    """
    found = _kind_of_text(r, node)
    if found is not None or not typed:
        return found
    return kind_of_type(r.type_of(without_parentheses(node)))


def kind_of_type(kind: str | None) -> str | None:
    """The kind of a DuckDB type's values, or None."""
    return "number" if (kind or "").startswith("DECIMAL(") else _OF_TYPE.get(kind or "")


def _kind_of_text(r: Renderer, node: exp.Expr) -> str | None:
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
