"""What can be said of an expression's kind, from its text and the types of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

    from lakelet.engines.dialect.renderer import Renderer

__all__ = ("DATE_UNITS", "interval_unit", "kind_of", "kind_of_type", "without_parentheses")

_BOOLEAN = frozenset({
    "And", "Or", "Not", "EQ", "NEQ", "GT", "GTE", "LT", "LTE", "Is", "In", "Between", "Like",
    "ILike", "RegexpLike", "Exists", "NullSafeEQ", "NullSafeNEQ", "Boolean",
})  # fmt: skip
_DAYS = frozenset({"date_add", "dateadd"})
DATE_UNITS = frozenset({"year", "month", "week", "day"})
"""Units of which some added to a date make a date; of others they make a timestamp."""
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


def interval_unit(node: exp.Expr) -> str | None:
    """The unit of an INTERVAL literal in the singular, or None for anything else."""
    node = without_parentheses(node)
    if type(node).__name__ != "Interval":
        return None
    unit = node.args.get("unit")
    named = unit is not None and type(unit).__name__ == "Var"
    return str(unit.name).lower().removesuffix("s") if unit and named else ""


def kind_of(r: Renderer, node: exp.Expr, *, typed: bool = True) -> str | None:
    """The kind of value an expression gives, or None if unknown.

    One of ``string``, ``number``, ``boolean``, ``date``, ``timestamp``, ``wall`` and ``null``.
    None means that only DuckDB can tell; a check then runs inside it.

    Args:
        r: knows the types of columns.
        node: the expression.
        typed: whether those types count.
    """
    found = _kind_of_text(r, node, typed=typed)
    if found is not None or not typed:
        return found
    return kind_of_type(r.type_of(without_parentheses(node)))


def kind_of_type(kind: str | None) -> str | None:
    """The kind of a DuckDB type's values, or None."""
    return "number" if (kind or "").startswith("DECIMAL(") else _OF_TYPE.get(kind or "")


def _joined(r: Renderer, nodes: list[exp.Expr], *, typed: bool) -> str | None:
    """The kind of several values joined: text where one of them is certainly no array or bytes."""
    kinds = {kind_of(r, node, typed=typed) for node in nodes} - {None, "null"}
    return "string" if kinds else None


def _moved(r: Renderer, node: exp.Expr, *, typed: bool) -> str | None:
    """The kind of a date or time an interval later or earlier; None of any other sum."""
    for value, interval in ((node.this, node.expression), (node.expression, node.this)):
        if (unit := interval_unit(interval)) and not interval_unit(value):
            kind = kind_of(r, value, typed=typed)
            if kind == "date" and unit not in DATE_UNITS:
                return "timestamp"
            return kind if kind in {"date", "timestamp", "wall"} else None
    return None


def _kind_of_text(r: Renderer, node: exp.Expr, *, typed: bool) -> str | None:
    node = without_parentheses(node)
    name = type(node).__name__
    if name == "Literal":
        return "string" if node.args.get("is_string") else "number"
    if name in _BOOLEAN:
        return "boolean"
    if name in {"Cast", "TryCast"}:
        return _CASTS.get(node.args["to"].this.name if node.args["to"].this else "")
    if name in {"Add", "Sub"}:
        return _moved(r, node, typed=typed)
    if name == "DPipe":
        return _joined(r, [node.this, node.expression], typed=typed)
    if name == "Substring":
        return _joined(r, [node.this], typed=typed)
    if name == "Anonymous" and node.name.lower() in {"concat", "reverse"}:
        return _joined(r, node.expressions, typed=typed)
    if name == "Anonymous" and node.name.lower() in _DAYS and len(node.expressions) == 2:
        return "date"
    if name == "Anonymous":
        from lakelet.engines.dialect.functions import find

        entry = find(node.name.lower())
        return entry.kind if entry else None
    return {
        "Null": "null", "RawString": "string", "CurrentDate": "date",
        "Div": "number", "IntDiv": "number", "Trim": "string",
        "CurrentTimestamp": "timestamp", "Concat": "string", "Extract": "number",
        "StrPosition": "number", "Ceil": "number", "Floor": "number",
    }.get(name)  # fmt: skip
