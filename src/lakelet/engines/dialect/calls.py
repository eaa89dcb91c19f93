"""Function calls: found in the table or refused; aggregates with FILTER, DISTINCT and OVER."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lakelet.engines.dialect.casts import as_text
from lakelet.engines.dialect.conditions import condition
from lakelet.engines.dialect.functions import Function, find, table
from lakelet.engines.dialect.functions.strings import TEXTS
from lakelet.engines.dialect.kinds import kind_of
from lakelet.engines.dialect.literals import MARKS
from lakelet.engines.dialect.queries import order_items
from lakelet.engines.dialect.renderer import Node, Renderer, refuse
from lakelet.engines.dialect.shortening import shortened
from lakelet.errors import SqlError

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ("CALLS", "call_text", "entry_of", "fill")

# Gives NULLs a place among the values of a window function only where DuckDB supports it.
_NULL_MODES = {"IgnoreNulls": " IGNORE NULLS", "RespectNulls": ""}


def entry_of(name: str, count: int) -> Function:
    """The table's entry for a call with ``count`` arguments.

    Raises:
        SqlError: there is no such entry, or it takes another number of arguments.
    """
    entry = find(name)
    if entry is None:
        raise refuse(f"{name}()", table())
    if count < entry.low or (entry.high is not None and count > entry.high):
        takes = str(entry.low) if entry.low == entry.high else f"{entry.low} to {entry.high}"
        if entry.high is None:
            takes = f"{entry.low} or more"
        raise SqlError(
            f"{name}() takes {takes} argument{'s' * (takes != '1')}, not {count}.",
            hint=f"{name}: {entry.doc}.",
        )
    return entry


def fill(sql: str | dict[int, str], arguments: list[str], modifiers: tuple[str, str, str]) -> str:
    """A template with its arguments, and an aggregate's DISTINCT, order and suffix put in."""
    template = sql if isinstance(sql, str) else sql[len(arguments)]
    distinct, inner, suffix = modifiers

    def marked(found: re.Match[str]) -> str:
        name, inside = found.group(1), found.group(2)
        return f"{name}({distinct}{inside}{inner}){suffix}"

    template = re.sub(r"<(\w+)\((.*?)\)>", marked, template)
    pieces = re.split(r"(\{\w+\})", template)
    return "".join(_filled(piece, arguments) for piece in pieces)


def _filled(piece: str, arguments: list[str]) -> str:
    if piece == "{all}":
        return ", ".join(arguments)
    if re.fullmatch(r"\{\d+\}", piece):
        return arguments[int(piece[1:-1])]
    return piece


def call_text(
    r: Renderer, node: exp.Expr, *, inner: str = "", suffix: str = "", over: bool = False
) -> str:
    """A call by the table; ``suffix`` holds an aggregate's FILTER and OVER, ``inner`` its order.

    Raises:
        SqlError: the function is not in the table, or not with such arguments.
    """
    name = node.name.lower()
    arguments, distinct = list(node.expressions), ""
    if arguments and type(arguments[0]).__name__ == "Distinct":
        arguments, distinct = list(arguments[0].expressions), "DISTINCT "
    entry = entry_of(name, len(arguments))
    if (distinct or suffix) and entry.role not in {"aggregate", "window"}:
        raise refuse(f"DISTINCT, FILTER or OVER with {name}()")
    if entry.role == "window" and not over:
        raise SqlError(f"{name}() needs OVER (…).", hint=f"{name}() OVER (ORDER BY …).")
    if callable(entry.sql):
        r.over = over
        plain = type(node)(this=node.this, expressions=arguments)
        return _modified(entry.sql(r, plain), (distinct, inner, suffix))
    wanted = TEXTS.get(name, frozenset())
    texts = [as_text(r, one) if at in wanted else r.sql(one) for at, one in enumerate(arguments)]
    sql = entry.sql if isinstance(entry.sql, str) else entry.sql[len(texts)]
    sql = shortened(sql, [kind_of(r, argument) for argument in arguments])
    return fill(sql, texts, (distinct, inner, suffix))


def _modified(text: str, modifiers: tuple[str, str, str]) -> str:
    """A written call with DISTINCT, order and suffix put in at its marks."""
    distinct, inner, suffix = modifiers
    start, end = MARKS
    pattern = f"{start}(\\w+)\\(([^{start}{end}]*)\\){end}"
    return re.sub(pattern, lambda m: f"{m.group(1)}({distinct}{m.group(2)}{inner}){suffix}", text)


def _window_text(r: Renderer, node: exp.Expr) -> str:
    args = node.args
    if args.get("alias") and not args.get("this"):
        raise refuse("this window")
    pieces = []
    if args.get("partition_by"):
        pieces.append(f"PARTITION BY {r.list(args['partition_by'])}")
    if args.get("order"):
        pieces.append(order_items(r, args["order"]))
    if args.get("spec"):
        pieces.append(_frame(r, args["spec"]))
    return " ".join(pieces)


def _frame(r: Renderer, spec: exp.Expr) -> str:
    args = spec.args
    if args.get("exclude"):
        raise refuse("EXCLUDE in a window frame")

    def bound(value: object, side: object) -> str:
        text = value if isinstance(value, str) else r.sql(value)  # type: ignore[arg-type]
        return (
            f"{text} {side or ''}".strip().upper() if isinstance(value, str) else f"{text} {side}"
        )

    start = bound(args["start"], args.get("start_side"))
    if not args.get("end"):
        return f"{args['kind']} {start}"
    return f"{args['kind']} BETWEEN {start} AND {bound(args['end'], args.get('end_side'))}"


def _refuse_unordered(call: exp.Expr, window: exp.Expr) -> None:
    """Refuse a function that counts rows in their order where they have none.

    Which row is the first would be chance (pages "lag", "row_number", "ntile", "rank").
    """
    name = call.name.lower()
    entry = find(name)
    if entry is not None and entry.role == "window" and not window.args.get("order"):
        shown = name if call.expressions else f"{name}()"
        raise SqlError(
            f"the window function {shown} needs an order of the rows; nothing was run.",
            hint=f"add ORDER BY inside: {name}(…) OVER (PARTITION BY … ORDER BY …).",
        )


def _window(r: Renderer, node: exp.Expr) -> str:
    named = node.args.get("alias")
    definition = node
    if named is not None:
        found = r.windows.get(named.name.lower())
        if found is None:
            raise SqlError(f"there is no WINDOW {named.name} in this SELECT.")
        definition = found
    over = f" OVER ({_window_text(r, definition)})"
    inner, suffix, mode = node.this, "", ""
    while type(inner).__name__ in {"Filter", *_NULL_MODES}:
        if type(inner).__name__ == "Filter":
            suffix = _filter_text(r, inner)
        else:
            mode = _NULL_MODES[type(inner).__name__]
        inner = inner.this
    _refuse_unordered(inner, definition)
    return call_text(r, inner, inner=mode, suffix=suffix + over, over=True)


def _filter(r: Renderer, node: exp.Expr) -> str:
    return call_text(r, node.this, suffix=_filter_text(r, node))


def _filter_text(r: Renderer, node: exp.Expr) -> str:
    return f" FILTER (WHERE {condition(r, node.expression.this, 'FILTER')})"


CALLS: dict[str, Node] = {
    "Anonymous": Node(lambda r, node: call_text(r, node), frozenset({"this", "expressions"})),
    "Window": Node(
        _window, frozenset({"this", "partition_by", "order", "spec", "alias", "over", "first"})
    ),
    "Filter": Node(_filter, frozenset({"this", "expression"})),
}
