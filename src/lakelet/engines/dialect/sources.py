"""What stands in FROM: tables, table functions, joins, lateral views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakelet.engines.dialect.conditions import condition
from lakelet.engines.dialect.generators import lateral_view
from lakelet.engines.dialect.renderer import Node, Renderer, refuse
from lakelet.engines.dialect.timetravel import Moment
from lakelet.engines.dialect.translation import (
    STREAM_OPTION,
    TableFunctionCall,
    TableReference,
    view_name,
    without_catalog,
)
from lakelet.errors import SqlError, nearest
from lakelet.lake.names import quote

if TYPE_CHECKING:
    from sqlglot import exp

    from lakelet.engines.dialect.scopes import Columns

__all__ = ("SOURCES", "TABLE_FUNCTIONS", "add_source", "refer")

# Table functions of higher layers: their owners make a view of the result.
TABLE_FUNCTIONS = frozenset({"read_files", "table_changes"})


def refer(r: Renderer, parts: tuple[str, ...], moment: Moment | None) -> TableReference:
    """Note that the query reads a table, once for each moment of it."""
    parts = without_catalog(parts)
    suffix = moment.suffix if moment else ""
    view = view_name(parts, suffix)
    reference = TableReference(
        parts,
        moment.version if moment else None,
        moment.timestamp if moment else None,
        view,
    )
    return r.tables.setdefault(view, reference)


def _alias(node: exp.Expr, default: str | None) -> str:
    alias = node.args.get("alias")
    name = (alias.name if alias else "") or default
    columns = (alias.args.get("columns") if alias else None) or []
    listed = f"({', '.join(quote(column.name) for column in columns)})" if columns else ""
    return f" AS {quote(name)}{listed}" if name else ""


def _parts_of(node: exp.Expr) -> tuple[str, ...]:
    parts = [part for part in (node.args.get(key) for key in ("catalog", "db", "this")) if part]
    if any(type(part).__name__ != "Identifier" for part in parts):
        raise refuse("a table name of more than three parts")
    names = [part.name for part in parts]
    by_path = len(names) == 2 and parts[1].args.get("quoted") and "/" in names[1]
    if by_path and names[0].lower() != "delta":
        raise SqlError(
            f"{names[0]}.`{names[1]}` is refused: only Delta tables are read by path.",
            hint="read other files with read_files('path', format => …).",
        )
    return ("delta", names[1]) if by_path else tuple(name.lower() for name in names)


def _joined(r: Renderer, node: exp.Expr) -> str:
    return "".join(r.sql(join) for join in node.args.get("joins") or [])


def _table(r: Renderer, node: exp.Expr) -> str:
    if type(node.this).__name__ == "Anonymous":
        return _table_function(r, node) + _joined(r, node)
    pinned = r.prepared.pinned_table(node.name)
    if pinned:
        parts, reference = pinned.parts, refer(r, pinned.parts, pinned.moment)
        text, columns = reference.view + _alias(node, parts[-1]), r.columns(reference)
    else:
        parts = _parts_of(node)
        if len(parts) == 1 and r.is_common_name(parts[0]):
            text, columns = quote(parts[0]), r.common_columns(parts[0])
        else:
            reference = refer(r, parts, None)
            text, columns = reference.view, r.columns(reference)
        text += _alias(node, None)
    add_source(r, node, parts[-1], columns)
    return text + _joined(r, node)


def add_source(r: Renderer, node: exp.Expr, default: str, columns: Columns | None) -> None:
    """Note a source by its alias, with the names its alias gives to columns."""
    alias = node.args.get("alias")
    renamed = (alias.args.get("columns") if alias else None) or []
    if columns is not None and renamed:
        names = [column.name.lower() for column in renamed]
        columns = [
            (names[i] if i < len(names) else name, kind) for i, (name, kind) in enumerate(columns)
        ]
    r.add_source((alias.name if alias else "") or default, columns)


def _literal(r: Renderer, node: exp.Expr, function: str) -> object:
    kind = type(node).__name__
    if kind == "Literal":
        if node.args.get("is_string"):
            return r.prepared.string(node.name)
        return int(node.name) if node.name.isdigit() else float(node.name)
    if kind == "Neg":
        value = _literal(r, node.this, function)
        if isinstance(value, int | float):
            return -value
    if kind == "Boolean":
        return bool(node.this)
    if kind == "Null":
        return None
    raise SqlError(
        f"an argument of {function} is not a literal.",
        hint="write it out as text, a number, TRUE, FALSE or NULL.",
    )


def _table_function(r: Renderer, node: exp.Expr) -> str:
    call = node.this
    name = call.name.lower()
    if name in {"explode", "explode_outer", "posexplode", "posexplode_outer", "inline"}:
        raise refuse(f"{name} in FROM", hint=f"write SELECT {name}(…), or LATERAL VIEW {name}(…).")
    if name == "range":
        return _range(r, node)
    if name not in TABLE_FUNCTIONS:
        close = nearest(name, TABLE_FUNCTIONS)
        raise refuse(f"the table function {name}", hint=f"did you mean {close}?" if close else None)
    positional: list[object] = []
    named: list[tuple[str, object]] = []
    for argument in call.expressions:
        if type(argument).__name__ == "Kwarg":
            value = _literal(r, argument.expression, name)
            named.append((argument.this.name.lower(), value))
        else:
            positional.append(_literal(r, argument, name))
    view = quote(f"{name}@{len(r.calls)}")
    new = any(option == STREAM_OPTION for option, _ in named)
    metadata = r.metadata and name == "read_files" and not new
    r.calls.append(TableFunctionCall(name, tuple(positional), tuple(named), view, metadata))
    add_source(r, node, name, None)
    if metadata and r.scopes:
        alias = node.args.get("alias")
        r.scopes[-1].hidden.append((alias.name if alias else "") or name)
    return view + _alias(node, name)


def _range(r: Renderer, node: exp.Expr) -> str:
    """The rows start … end - 1 (page "range table-valued function"); one to three arguments."""
    arguments = [r.sql(argument) for argument in node.this.expressions]
    if not 1 <= len(arguments) <= 3:
        raise refuse(f"range with {len(arguments)} arguments", hint="use one to three.")
    inner = f"(SELECT range AS id FROM range({', '.join(arguments)}))"
    add_source(r, node, "range", [("id", None)])
    return inner + _alias(node, "range")


_SIDES = {"": "", "LEFT": "LEFT ", "RIGHT": "RIGHT ", "FULL": "FULL "}
_KINDS = {
    "": "",
    "INNER": "INNER ",
    "OUTER": "",
    "SEMI": "SEMI ",
    "ANTI": "ANTI ",
    "CROSS": "CROSS ",
}


def _join(r: Renderer, node: exp.Expr) -> str:
    args = node.args
    side, kind = (args.get("side") or "").upper(), (args.get("kind") or "").upper()
    method = (args.get("method") or "").upper()
    if side not in _SIDES or kind not in _KINDS or method not in {"", "NATURAL"}:
        raise refuse(" ".join(word for word in (method, side, kind, "JOIN") if word))
    if kind in {"SEMI", "ANTI"}:
        if side not in {"", "LEFT"} or method:
            raise refuse(f"{side} {kind} JOIN", ["left semi join", "left anti join"])
        side = ""
    words = f"{'NATURAL ' if method else ''}{_SIDES[side]}{_KINDS[kind]}JOIN"
    source = r.sql(node.this)
    if r.scopes and (method or kind in {"SEMI", "ANTI"} or args.get("using")):
        r.scopes[-1].plain_star = False
    on, using = args.get("on"), args.get("using")
    if on is not None:
        return f" {words} {source} ON {condition(r, on, 'ON')}"
    if using:
        return f" {words} {source} USING ({', '.join(quote(column.name) for column in using)})"
    if method or kind == "CROSS":
        return f" {words} {source}"
    if side or kind in {"SEMI", "ANTI"}:
        raise SqlError(
            f"{words} without ON or USING is refused.", hint="say what rows match: ON a.id = b.id."
        )
    return f" CROSS JOIN {source}"


def _lateral(r: Renderer, node: exp.Expr) -> str:
    inner = node.this
    if node.args.get("view"):
        text = lateral_view(r, node)
        add_source(r, node, "", None)
        return text
    if type(inner).__name__ != "Subquery":
        raise refuse("LATERAL with a table function", hint="use a LATERAL subquery.")
    text = r.sql(inner)
    add_source(r, node, "", None)
    return f"LATERAL {text}" + _alias(node, None)


SOURCES: dict[str, Node] = {
    "Table": Node(_table, frozenset({"this", "db", "catalog", "alias", "joins"})),
    "Join": Node(_join, frozenset({"this", "side", "kind", "method", "on", "using"})),
    "Lateral": Node(_lateral, frozenset({"this", "view", "outer", "alias", "ordinality"})),
}
