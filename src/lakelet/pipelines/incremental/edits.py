"""Other questions made of a query: its keys alone, some keys' rows, all its doubles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lakelet.pipelines.incremental.shape import group_items

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ("AFFECTED", "key_name", "keys_only", "of_affected", "with_doubles")

AFFECTED = ("lakelet refresh", "affected")
"""The table of affected keys, as an edited query names it."""
_ALIAS = "lakelet affected"


def key_name(place: int) -> str:
    """The name of a key's column in the table of affected keys."""
    return f"lakelet key {place}"


def keys_only(tree: exp.Expr, keys: Sequence[int]) -> exp.Expr:
    """The keys of a grouped query's input rows, one row for each of them."""
    from sqlglot import exp

    select = _inside(tree)
    values = group_items(select, keys)
    select.set(
        "expressions",
        [
            exp.alias_(value.copy(), key_name(place), quoted=True)
            for place, value in zip(keys, values, strict=True)
        ],
    )
    for clause in ("group", "having", "order"):
        select.set(clause, None)
    return tree


def of_affected(tree: exp.Expr, keys: Sequence[int]) -> exp.Expr:
    """A grouped query over those input rows only whose keys are affected."""
    from sqlglot import exp

    select = _inside(tree)
    on: exp.Expr | None = None
    for place, value in zip(keys, group_items(select, keys), strict=True):
        ours = exp.column(key_name(place), table=_ALIAS, quoted=True)
        same = exp.NullSafeEQ(this=ours, expression=exp.Paren(this=value.copy()))
        on = same if on is None else exp.And(this=on, expression=same)
    source = exp.table_(AFFECTED[1], db=AFFECTED[0], quoted=True, alias=_ALIAS)
    source.args["alias"].this.set("quoted", True)
    join = exp.Join(this=source, side="LEFT", kind="SEMI", on=on)
    select.set("joins", [*(select.args.get("joins") or []), join])
    return tree


def with_doubles(tree: exp.Expr) -> exp.Expr:
    """A query of the shape *distinct* with every row as often as its inputs give it."""
    select = _inside(tree)
    select.set("distinct", False if type(select).__name__ == "Union" else None)
    if type(select).__name__ == "Union":
        for side in (select.this, select.expression):
            with_doubles(side)
    return tree


def _inside(tree: exp.Expr) -> exp.Expr:
    while type(tree).__name__ == "Subquery":
        tree = tree.this
    return tree
