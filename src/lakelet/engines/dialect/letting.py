"""Operands of calls that repeat them, computed and bound once.

DuckDB writes a macro's argument out wherever the macro's body names it, so that calls inside calls
would grow by powers: four casts inside one another took a minute to bind. What a lambda's parameter
stands for is bound once, however often it is named, and is a value to whatever is around it. Its
type is not told while a query is bound, though: where that decides, an operand is repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from lakelet.engines.dialect.kinds import without_parentheses
from lakelet.engines.dialect.macros import ask_types
from lakelet.lake.names import quote

if TYPE_CHECKING:
    from sqlglot import exp

    from lakelet.engines.dialect.renderer import Renderer

__all__ = ("once", "operands_of")

_MACRO = "lk_"
_LONG = 400
"""Characters of an operand from which on it is not repeated, macros or not."""
_ROWS = frozenset(
    {"Window", "Subquery", "Exists", "Select", "Filter", "WithinGroup", "IgnoreNulls"}
)
_PLAIN = frozenset({
    "Literal", "Column", "Null", "Boolean", "Lambda", "Var", "Identifier", "Interval", "Star",
    "DataType", "RawString", "Any", "All", "Alias",
})  # fmt: skip
_SUMS = frozenset({"Add", "Sub", "Mul"})
# The parts of each node that are computed in any case, and that it may write several times.
_OPERANDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("Cast", "TryCast", "Ceil", "Floor", "JSONExtract"), ("this",)),
    **dict.fromkeys(("DPipe", "Div", "Mod", "IntDiv", "Like", "ILike", "RegexpLike", "Trim"),
                    ("this", "expression")),
    **dict.fromkeys(("EQ", "NEQ", "GT", "GTE", "LT", "LTE", "NullSafeEQ", "NullSafeNEQ"),
                    ("this", "expression")),
    "Substring": ("this", "start", "length"), "StrPosition": ("this", "substr", "position"),
    "Extract": ("expression",), "Transform": ("this",), "Between": ("this", "low", "high"),
    "In": ("this", "expressions"), "Bracket": ("this", "expressions"),
}  # fmt: skip
_LAZY = frozenset({"coalesce", "ifnull", "nvl", "nvl2", "if", "iff", "decode", "elt"})
"""Functions that do not compute all their arguments for every row."""


def once(r: Renderer, operands: Sequence[exp.Expr], write: Callable[[], str]) -> str:
    """What ``write`` makes of some operands, in which each heavy one is named, not repeated.

    Args:
        r: writes the operands; while ``write`` runs it has their texts, or their names.
        operands: nodes that ``write`` writes, all of which are computed in any case. One of which
            that is not so (a branch of a CASE) would fail rows that do not ask for it.
        write: writes what is made of them.
    """
    nodes = {id(node): node for node in operands if type(node).__name__ not in _PLAIN}
    texts = {key: r.sql(node) for key, node in nodes.items()}
    heavy = [key for key, text in texts.items() if _MACRO in text or len(text) > _LONG]
    with r.knowing(texts):
        if not heavy:
            return write()
    # Aggregates and queries cannot stand in a lambda: beside a heavy operand they are named, too.
    named = [key for key in texts if key in heavy or _gathers(nodes[key])]
    with r.letting() as name:
        whole = quote(name)
        names = {
            key: whole if len(named) == 1 else f"{whole}.f{place}"
            for place, key in enumerate(named)
        }
        with r.knowing(texts | names, names):
            body = write()
    if ask_types(body) or (len(named) == 1 and body.count(whole) == 1 and _MACRO not in body):
        with r.knowing(texts):
            return write()
    value = texts[named[0]]
    if len(named) > 1:
        fields = (f"'f{place}': {texts[key]}" for place, key in enumerate(named))
        value = f"{{{', '.join(fields)}}}"
    return f"list_transform([{value}], lambda {whole}: {body})[1]"


def operands_of(node: exp.Expr) -> list[exp.Expr]:
    """The nodes whose values a node is made of; none where it repeats none of them."""
    name = type(node).__name__
    if name in _SUMS:
        return list(_summed(node))
    if name == "Anonymous":
        from lakelet.engines.dialect.functions import find

        entry = find(node.name.lower())
        strict = entry is not None and entry.role == "scalar" and node.name.lower() not in _LAZY
        return list(node.expressions) if strict else []
    found: list[exp.Expr] = []
    for part in _OPERANDS.get(name, ()):
        value = node.args.get(part)
        found += value if isinstance(value, list) else [value] if value else []
    return found


def _summed(node: exp.Expr) -> Iterator[exp.Expr]:
    """What is added, subtracted and multiplied in a tree of these, as it is written."""
    inner = without_parentheses(node)
    name = type(inner).__name__
    if name in _SUMS:
        yield from _summed(inner.this)
        yield from _summed(inner.expression)
    elif name == "Neg":
        yield from _summed(inner.this)
    else:
        yield inner


def _gathers(node: exp.Expr) -> bool:
    """Whether a value is of several rows, or of another query."""
    from lakelet.engines.dialect.functions import find

    for one in without_parentheses(node).walk():
        name = type(one).__name__
        if name in _ROWS:
            return True
        if name == "Anonymous":
            entry = find(one.name.lower())
            if entry is not None and entry.role != "scalar":
                return True
    return False
