"""Calls whose text depends on more than the arguments' own text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakelet.engines.dialect.arithmetic import code_of
from lakelet.engines.dialect.casts import as_text, cast_to
from lakelet.engines.dialect.conditions import beside, piece
from lakelet.engines.dialect.kinds import kind_of, without_parentheses
from lakelet.engines.dialect.renderer import refuse
from lakelet.engines.dialect.values import unmixed
from lakelet.errors import SqlError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlglot import exp

    from lakelet.engines.dialect.renderer import Renderer

__all__ = (
    "cast_call", "coalesce", "concat", "concat_ws", "decode", "elt", "encode", "greatest",
    "if_else", "least", "literal_text", "literal_whole", "modulo", "nullif", "numeric", "nvl2",
    "positive_modulo", "rounded", "rounded_even", "sha2", "try_divide", "try_modulo",
)  # fmt: skip

_CAST_CALLS = {
    "STRING": ("text", "VARCHAR"), "TINYINT": ("whole", "TINYINT"),
    "SMALLINT": ("whole", "SMALLINT"), "INT": ("whole", "INTEGER"), "BIGINT": ("whole", "BIGINT"),
    "FLOAT": ("float", "FLOAT"), "DOUBLE": ("double", "DOUBLE"), "BOOLEAN": ("boolean", "BOOLEAN"),
    "DATE": ("date", "DATE"), "TIMESTAMP": ("timestamp", "TIMESTAMPTZ"),
    "BINARY": ("binary", "BLOB"),
}  # fmt: skip


def literal_text(r: Renderer, node: exp.Expr, what: str) -> str:
    """The value of a string literal argument.

    Raises:
        SqlError: it is not a string literal.
    """
    literal = without_parentheses(node)
    if type(literal).__name__ != "Literal" or not literal.args.get("is_string"):
        raise SqlError(f"{what} must be written out as text.", hint="use a literal in quotes.")
    return r.prepared.string(literal.name)


def literal_whole(node: exp.Expr, what: str) -> int:
    """The value of a whole-number literal argument.

    Raises:
        SqlError: it is not one.
    """
    literal = without_parentheses(node)
    sign = -1 if type(literal).__name__ == "Neg" else 1
    literal = literal.this if sign < 0 else literal
    if type(literal).__name__ != "Literal" or not literal.name.isdigit():
        raise SqlError(f"{what} must be written out as a whole number.")
    return sign * int(literal.name)


def cast_call(kind: str) -> Callable[[Renderer, exp.Expr], str]:
    """``int(x)`` and its like."""

    def render(r: Renderer, node: exp.Expr) -> str:
        suffix, target = _CAST_CALLS[kind]
        return cast_to(r.sql(node.expressions[0]), suffix, target)

    return render


def concat(r: Renderer, node: exp.Expr) -> str:
    """Texts or arrays one after the other."""
    return f"({' || '.join(piece(r, item) for item in node.expressions)})"


def reverse(r: Renderer, node: exp.Expr) -> str:
    """Text or an array backwards."""
    (value,) = node.expressions
    known = kind_of(r, value) not in {None, "null"}
    return f"lk_reverse_text({as_text(r, value)})" if known else f"lk_reverse({r.sql(value)})"


def concat_ws(r: Renderer, node: exp.Expr) -> str:
    """Texts and arrays of texts with a separator."""
    first, *rest = node.expressions
    separator = "CAST(NULL AS VARCHAR)" if kind_of(r, first) == "null" else r.sql(first)
    if not rest:
        return f"CASE WHEN {separator} IS NOT NULL THEN '' END"
    pieces = [
        piece(r, item) if kind_of(r, item) is not None else f"lk_joined({r.sql(item)}, {separator})"
        for item in rest
    ]
    return f"concat_ws({separator}, {', '.join(pieces)})"


def _guarded(r: Renderer, nodes: list[exp.Expr], text: str) -> str:
    check = unmixed(r, nodes)
    return f"CASE WHEN {check} THEN lk_mixed_error() ELSE {text} END" if check else text


def coalesce(r: Renderer, node: exp.Expr) -> str:
    """The first that is not NULL."""
    return _guarded(r, node.expressions, f"coalesce({r.list(node.expressions)})")


def greatest(r: Renderer, node: exp.Expr) -> str:
    """The greatest, NULLs left out."""
    return _guarded(r, node.expressions, f"greatest({r.list(node.expressions)})")


def least(r: Renderer, node: exp.Expr) -> str:
    """The least, NULLs left out."""
    return _guarded(r, node.expressions, f"least({r.list(node.expressions)})")


def nvl2(r: Renderer, node: exp.Expr) -> str:
    """One of two values."""
    first, second, third = node.expressions
    text = f"CASE WHEN {r.sql(first)} IS NOT NULL THEN {r.sql(second)} ELSE {r.sql(third)} END"
    return _guarded(r, [second, third], text)


def if_else(r: Renderer, node: exp.Expr) -> str:
    """One of two values by a condition."""
    first, second, third = node.expressions
    text = f"CASE WHEN {r.sql(first)} THEN {r.sql(second)} ELSE {r.sql(third)} END"
    return _guarded(r, [second, third], text)


def nullif(r: Renderer, node: exp.Expr) -> str:
    """NULL where both are equal."""
    first, second = node.expressions
    equal = f"{beside(r, first, second)} = {beside(r, second, first)}"
    return f"CASE WHEN {equal} THEN NULL ELSE {r.sql(first)} END"


def sha2(r: Renderer, node: exp.Expr) -> str:
    """SHA-2; DuckDB has the 256 bits only."""
    bits = literal_whole(node.expressions[1], "the number of bits of sha2()")
    if bits not in {0, 256}:
        raise refuse(f"sha2 with {bits} bits", hint="use sha2(text, 256).")
    return f"sha256(lk_bytes({r.sql(node.expressions[0])}))"


def encode(r: Renderer, node: exp.Expr) -> str:
    """Text to bytes."""
    if literal_text(r, node.expressions[1], "the character set").lower() != "utf-8":
        raise refuse("encode to anything but UTF-8", hint="use encode(text, 'UTF-8').")
    return f"encode({r.sql(node.expressions[0])})"


def decode(r: Renderer, node: exp.Expr) -> str:
    """Bytes to text, or a chain of comparisons in which NULL equals NULL."""
    items = node.expressions
    if len(items) == 2:
        if literal_text(r, items[1], "the character set").lower() != "utf-8":
            raise refuse("decode from anything but UTF-8", hint="use decode(bytes, 'UTF-8').")
        return f"decode({r.sql(items[0])})"
    subject, rest = items[0], items[1:]
    pairs, results = [], []
    for search, result in zip(rest[::2], rest[1::2], strict=False):
        same = f"{r.sql(subject)} IS NOT DISTINCT FROM {beside(r, search, subject)}"
        pairs.append(f"WHEN {same} THEN {r.sql(result)}")
        results.append(result)
    default = ""
    if len(rest) % 2:
        default = f" ELSE {r.sql(rest[-1])}"
        results.append(rest[-1])
    return _guarded(r, results, f"CASE {' '.join(pairs)}{default} END")


def elt(r: Renderer, node: exp.Expr) -> str:
    """The n-th of several values; a place that is not there is an error."""
    place, *values = node.expressions
    branches = " ".join(f"WHEN {i} THEN {r.sql(value)}" for i, value in enumerate(values, 1))
    failure = "lk_fail('[INVALID_ARRAY_INDEX] elt(): there is no value at that place.')"
    otherwise = f"CASE WHEN {r.sql(place)} IS NOT NULL THEN {failure} END"
    return f"CASE {r.sql(place)} {branches} ELSE {otherwise} END"


def _remainder(r: Renderer, node: exp.Expr, macro: str) -> str:
    first, second = node.expressions
    code = f"lk_code_remainder([{code_of(r, first)}, {code_of(r, second)}])"
    return f"{macro}({r.sql(first)}, {r.sql(second)}, {code})"


def modulo(r: Renderer, node: exp.Expr) -> str:
    """The remainder."""
    return _remainder(r, node, "lk_remainder")


def try_modulo(r: Renderer, node: exp.Expr) -> str:
    """The remainder, or NULL."""
    return _remainder(r, node, "lk_try_remainder")


def positive_modulo(r: Renderer, node: exp.Expr) -> str:
    """The remainder, never negative for a positive divisor."""
    return _remainder(r, node, "lk_positive_remainder")


def try_divide(r: Renderer, node: exp.Expr) -> str:
    """The quotient, or NULL."""
    first, second = node.expressions
    code = f"lk_code_quotient([{code_of(r, first)}, {code_of(r, second)}])"
    return f"lk_try_divide({r.sql(first)}, {r.sql(second)}, {code})"


def _rounding(r: Renderer, node: exp.Expr, macro: str) -> str:
    places = literal_whole(node.expressions[1], "the places") if len(node.expressions) > 1 else 0
    if not -18 <= places <= 18:
        raise refuse(f"rounding to {places} places", hint="use -18 to 18.")
    known = "_of" if kind_of(r, node.expressions[0]) == "number" else ""
    if macro == "lk_round" and r.type_of(node.expressions[0]) == "DOUBLE":
        known = "_float"
    return f"{macro}{known}({r.sql(node.expressions[0])}, {places})"


def numeric(macro: str) -> Callable[[Renderer, exp.Expr], str]:
    """A macro over a number; what is known to be one goes to its shorter form."""

    def render(r: Renderer, node: exp.Expr) -> str:
        argument = node.expressions[0] if node.expressions else node.this
        known = "_of" if kind_of(r, argument) == "number" else ""
        return f"{macro}{known}({r.sql(argument)})"

    return render


def rounded(r: Renderer, node: exp.Expr) -> str:
    """HALF_UP rounding."""
    return _rounding(r, node, "lk_round")


def rounded_even(r: Renderer, node: exp.Expr) -> str:
    """HALF_EVEN rounding."""
    return _rounding(r, node, "lk_round_even")
