"""Comparisons and conditions; a literal takes the type of what it is compared with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lakelet.engines.dialect.kinds import kind_of, without_parentheses
from lakelet.engines.dialect.literals import text_as
from lakelet.engines.dialect.renderer import Node, NodeRenderer, Renderer, refuse
from lakelet.errors import SqlError

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ("CONDITIONS", "beside", "condition", "piece")

_OPERATORS = {
    "EQ": "=", "NEQ": "<>", "GT": ">", "GTE": ">=", "LT": "<", "LTE": "<=",
    "NullSafeEQ": "IS NOT DISTINCT FROM", "NullSafeNEQ": "IS DISTINCT FROM",
}  # fmt: skip
_FILTERS = frozenset({"WHERE", "HAVING", "QUALIFY", "FILTER", "ON"})
_PREDICATES = frozenset({"Is", "In", "Between", "Like", "ILike", "RegexpLike", "Not"})


def beside(r: Renderer, value: exp.Expr, other: exp.Expr) -> str:
    """``value`` as it is to be compared with ``other``.

    Databricks converts a string beside a number, date or timestamp to that type, exactly or with
    an error (page "Data type rules"); DuckDB would round '1.7' to 2. A literal is therefore
    converted by our own casts, and any other text beside another type is refused.

    Raises:
        SqlError: it is refused.
    """
    value_kind, other_kind = kind_of(r, value), kind_of(r, other)
    text = r.sql(value)
    literal = without_parentheses(value)
    is_number = value_kind == "number" and _is_literal(literal)
    if is_number and r.type_of(other) == "FLOAT":
        return f"CAST({text} AS DOUBLE)"
    if other_kind == value_kind or "null" in {value_kind, other_kind}:
        return text
    if _is_text_literal(value) and not _is_local(r, other):
        value_of = r.prepared.string(literal.name)
        return text_as(value_of, r.type_of(other)) or f"lk_text_as({text}, {r.sql(other)})"
    mixed = "string" in {value_kind, other_kind} and None not in {value_kind, other_kind}
    if mixed and not _is_text_literal(other):
        raise SqlError(
            f"[DATATYPE_MISMATCH] a {value_kind} is compared with a {other_kind}; cast one of them."
        )
    if value_kind == "number" and kind_of(r, other, typed=False) not in {None, "string"}:
        return text  # both are known; DuckDB converts or refuses
    if type(without_parentheses(other)).__name__ == "Literal" or _is_local(r, other):
        return text
    if is_number:
        return f"lk_number_beside({text}, {r.sql(other)})"
    return text


def _is_text_literal(node: exp.Expr) -> bool:
    node = without_parentheses(node)
    return type(node).__name__ == "Literal" and bool(node.args.get("is_string"))


def condition(r: Renderer, node: exp.Expr, place: str) -> str:
    """A value that decides something, such as which rows WHERE keeps.

    Raises:
        SqlError: it is plainly not BOOLEAN, which DuckDB would convert.
    """
    kind = kind_of(r, node)
    if kind not in {None, "boolean", "null"}:
        name = "DATATYPE_MISMATCH" + ".FILTER_NOT_BOOLEAN" * (place in _FILTERS)
        raise SqlError(
            f"[{name}] {place} takes a condition, not a {kind}.",
            hint="compare it with something, for example x <> 0.",
        )
    return r.sql(node)


def _is_literal(node: exp.Expr) -> bool:
    return type(node.this if type(node).__name__ == "Neg" else node).__name__ == "Literal"


def _is_local(r: Renderer, node: exp.Expr) -> bool:
    """Whether a value depends on a lambda's parameter, whose type DuckDB does not tell."""
    if not r.locals:
        return False
    return any(
        found.name in r.locals for found in node.walk() if type(found).__name__ == "Identifier"
    )


def _comparison(r: Renderer, node: exp.Expr) -> str:
    left, right = node.this, node.expression
    for side in (left, right):
        if type(side).__name__ in _PREDICATES:
            raise refuse("a comparison beside IS, IN, LIKE or NOT", hint="add parentheses.")
    operator = _OPERATORS[type(node).__name__]
    if type(right).__name__ in {"Any", "All"}:
        raise refuse(f"{type(right).__name__.upper()} (subquery)", hint="use IN or EXISTS.")
    return f"({beside(r, left, right)} {operator} {beside(r, right, left)})"


def _between(r: Renderer, node: exp.Expr) -> str:
    value, low, high = node.this, node.args["low"], node.args["high"]
    # Written as two comparisons, since each bound may change how the value is compared.
    first = f"{beside(r, value, low)} >= {beside(r, low, value)}"
    second = f"{beside(r, value, high)} <= {beside(r, high, value)}"
    if beside(r, value, low) == beside(r, value, high):
        return (
            f"({beside(r, value, low)} BETWEEN {beside(r, low, value)} "
            f"AND {beside(r, high, value)})"
        )
    return f"({first} AND {second})"


def _in(r: Renderer, node: exp.Expr) -> str:
    if node.args.get("query"):
        return f"({r.sql(node.this)} IN {r.sql(node.args['query'])})"
    if not node.expressions:
        raise SqlError("IN () is refused: the list is empty.", hint="name at least one value.")
    items = ", ".join(beside(r, item, node.this) for item in node.expressions)
    return f"({r.sql(node.this)} IN ({items}))"


def _like(operator: str, escape: str = "\\") -> NodeRenderer:
    def render(r: Renderer, node: exp.Expr) -> str:
        from lakelet.engines.dialect.casts import as_text

        pattern = node.expression
        if type(pattern).__name__ in {"Any", "All"}:
            raise refuse("LIKE ANY and LIKE ALL", hint="write LIKE … OR LIKE ….")
        negated = "NOT " if node.args.get("negate") else ""
        suffix = f" ESCAPE '{escape.replace(chr(39), chr(39) * 2)}'"
        text = r.sql(pattern)
        if type(pattern).__name__ == "Literal":
            literal = r.prepared.string(pattern.name)
            mark = re.escape(escape)
            if re.search(f"{mark}(?![%_]|{mark})", re.sub(mark + mark, "", literal)):
                raise SqlError(
                    f"[INVALID_FORMAT] the pattern {literal!r} has its escape character "
                    f"{escape} before something other than %, _ or itself."
                )
            if escape not in literal:
                suffix = ""
        else:
            text = f"lk_like_pattern({text}, '{escape.replace(chr(39), chr(39) * 2)}')"
        return f"({as_text(r, node.this)} {negated}{operator} {text}{suffix})"

    return render


def _escape(r: Renderer, node: exp.Expr) -> str:
    mark = r.prepared.string(node.expression.name)
    kind = type(node.this).__name__
    if len(mark) != 1 or kind not in {"Like", "ILike"}:
        raise refuse("this ESCAPE", hint="name one character.")
    operator = "LIKE" if kind == "Like" else "ILIKE"
    return _like(operator, mark)(r, node.this)


def _is(r: Renderer, node: exp.Expr) -> str:
    kind = type(node.expression).__name__
    if kind not in {"Null", "Boolean"}:
        raise refuse(f"IS {node.expression.sql('databricks')}")
    return f"({r.sql(node.this)} IS {r.sql(node.expression)})"


def _regexp(r: Renderer, node: exp.Expr) -> str:
    from lakelet.engines.dialect.casts import as_text
    from lakelet.engines.dialect.patterns import pattern_for_search

    pattern = pattern_for_search(r, node.expression)
    return f"regexp_matches({as_text(r, node.this)}, {pattern})"


def _joined(operator: str) -> NodeRenderer:
    def render(r: Renderer, node: exp.Expr) -> str:
        # A long chain leans to the left; walking it keeps Python's stack shallow.
        parts, at = [node.expression], node.this
        while type(at) is type(node):
            parts.append(at.expression)
            at = at.this
        parts.append(at)
        return "(" + f" {operator} ".join(_part(r, part, operator) for part in parts[::-1]) + ")"

    return render


def _part(r: Renderer, node: exp.Expr, operator: str) -> str:
    # Text is converted here by Databricks as well, so it is left alone.
    return r.sql(node) if kind_of(r, node) == "string" else condition(r, node, operator)


def _concat(r: Renderer, node: exp.Expr) -> str:
    for side in (node.this, node.expression):
        # Databricks gives || the rank of + and -; the parser ranks it lower.
        if type(side).__name__ in {"Add", "Sub"}:
            raise refuse("|| beside + or - without parentheses", hint="add parentheses.")
    return f"({' || '.join(piece(r, side) for side in (node.this, node.expression))})"


def piece(r: Renderer, node: exp.Expr) -> str:
    """One of several values that are joined: as text, unless it is an array or bytes."""
    from lakelet.engines.dialect.casts import as_text

    kind = kind_of(r, node)
    if kind == "null":
        return "CAST(NULL AS VARCHAR)"
    return as_text(r, node) if kind is not None else f"lk_piece({r.sql(node)})"


_BOTH = frozenset({"this", "expression"})
CONDITIONS: dict[str, Node] = {
    **{name: Node(_comparison, _BOTH) for name in _OPERATORS},
    "And": Node(_joined("AND"), _BOTH),
    "Or": Node(_joined("OR"), _BOTH),
    "Not": Node(lambda r, node: f"(NOT {_part(r, node.this, 'NOT')})", frozenset({"this"})),
    "Between": Node(_between, frozenset({"this", "low", "high"})),
    "In": Node(_in, frozenset({"this", "expressions", "query"})),
    "Is": Node(_is, _BOTH),
    "Like": Node(_like("LIKE"), _BOTH | {"negate"}),
    "ILike": Node(_like("ILIKE"), _BOTH | {"negate"}),
    "Escape": Node(_escape, _BOTH),
    "RegexpLike": Node(_regexp, _BOTH),
    "DPipe": Node(_concat, _BOTH),
}
