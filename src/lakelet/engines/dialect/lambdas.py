"""Names of lambda parameters that no column can have.

DuckDB takes a lambda's parameter for a column of the same name where macros stand inside one
another, so a table with a column ``n`` would break a macro whose lambda counts with ``n``.
"""

from __future__ import annotations

from lakelet.engines.dialect.tokens import Token, name_of, tokenize
from lakelet.lake.names import quote

__all__ = ("with_own_parameters",)


def with_own_parameters(sql: str) -> str:
    """DuckDB text whose lambdas have parameters of other names, each only where it is known."""
    if "lambda" not in sql:
        return sql
    tokens = tokenize(sql, "duckdb")
    texts = [token.text for token in tokens]
    for start, token in enumerate(tokens):
        if token.word == "LAMBDA":
            _rename(tokens, texts, start)
    return "".join(texts)


def _rename(tokens: list[Token], texts: list[str], start: int) -> None:
    names: set[str] = set()
    at = start + 1
    while at < len(tokens) and tokens[at].text != ":":
        if tokens[at].kind in ("word", "name"):
            names.add(name_of(tokens[at]).lower())
        at += 1
    for place in range(start + 1, _end(tokens, at + 1)):
        token = tokens[place]
        known = token.kind in ("word", "name") and name_of(token).lower() in names
        if known and not _is_part(tokens, place):
            texts[place] = quote(f"lakelet {name_of(token).lower()}")


def _end(tokens: list[Token], at: int) -> int:
    """Where the body that begins at a token is over."""
    depth = 0
    while at < len(tokens):
        text = tokens[at].text if tokens[at].kind == "operator" else ""
        if depth == 0 and text in {",", ")", "]", "}"}:
            return at
        depth += (text in {"(", "[", "{"}) - (text in {")", "]", "}"})
        at += 1
    return at


def _is_part(tokens: list[Token], place: int) -> bool:
    """Whether a name is a field's, a function's or an argument's, not the parameter."""
    before = tokens[place - 1].text if place else ""
    after = "".join(token.text for token in tokens[place + 1 : place + 4]).lstrip()
    return before == "." or after.startswith(("(", ":="))
