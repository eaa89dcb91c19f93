"""explode and its like: one row becomes several (pages "explode", "LATERAL VIEW clause")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakelet.engines.dialect.renderer import refuse
from lakelet.errors import SqlError
from lakelet.lake.names import quote
from lakelet.workspace.quantities import counted

if TYPE_CHECKING:
    from sqlglot import exp

    from lakelet.engines.dialect.renderer import Renderer

__all__ = ("generated_items", "is_generator", "lateral_view")

_NAMES = {"explode": ["col"], "explode_outer": ["col"], "posexplode": ["pos", "col"]}


def is_generator(node: exp.Expr) -> bool:
    """Whether an item of SELECT makes several rows of one."""
    inner = node.this if type(node).__name__ in {"Alias", "Aliases"} else node
    if type(inner).__name__ != "Anonymous":
        return False
    from lakelet.engines.dialect.functions import find

    entry = find(inner.name.lower())
    return entry is not None and entry.role == "generator"


def _columns(r: Renderer, call: exp.Expr, names: list[str]) -> str:
    name, (argument,) = call.name.lower(), call.expressions
    text = r.sql(argument)
    if name == "inline":
        if names:
            raise refuse("inline with column names", hint="leave the names out.")
        return f"unnest({text}, max_depth := 2)"
    names = names or _NAMES[name]
    if len(names) != len(_NAMES[name]):
        raise SqlError(
            f"{name}() gives {counted(len(_NAMES[name]), 'column')}, not {len(names)}.",
            hint="explode() of a map is refused; use map_keys() and map_values().",
        )
    if name == "explode_outer":
        text = f"lk_or_null({text})"
    values = f"unnest({text}) AS {quote(names[-1])}"
    if name == "posexplode":
        places = f"unnest(CAST(range(len({text})) AS INTEGER[])) AS {quote(names[0])}"
        return f"{places}, {values}"
    return values


def generated_items(r: Renderer, node: exp.Expr) -> str:
    """A generator standing alone in SELECT, with its names if it has any."""
    kind = type(node).__name__
    if kind == "Alias":
        return _columns(r, node.this, [node.alias])
    if kind == "Aliases":
        return _columns(r, node.this, [name.name for name in node.expressions])
    return _columns(r, node, [])


def lateral_view(r: Renderer, node: exp.Expr) -> str:
    """LATERAL VIEW [OUTER] generator(…) name AS columns."""
    call, alias = node.this, node.args.get("alias")
    if not is_generator(call):
        raise refuse("LATERAL VIEW without explode() or posexplode()")
    name = alias.name if alias else ""
    columns = [column.name for column in (alias.args.get("columns") if alias else None) or []]
    if node.args.get("outer"):
        if call.name.lower() != "explode":
            raise refuse("LATERAL VIEW OUTER other than explode()")
        call = call.copy()
        call.set("this", "explode_outer")
    inner = _columns(r, call, columns)
    return f" CROSS JOIN LATERAL (SELECT {inner}) AS {quote(name or 'lateral view')}"
