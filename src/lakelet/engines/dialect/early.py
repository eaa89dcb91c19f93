"""What is refused on sight of the tokens, which a parser would forgive or read as something else.

Sources: pages "SELECT", "Literals", "DECIMAL type"; Spark's grammar ``SqlBaseParser.g4``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakelet.engines.dialect.tokens import place_in
from lakelet.errors import SqlError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lakelet.engines.dialect.tokens import Token

__all__ = ("refuse_by_token",)

_STREAMS = frozenset({"AS", "WHERE", "JOIN", "GROUP", "ORDER", "LIMIT"})
_LENGTHS = frozenset({"VARCHAR", "CHAR", "CHARACTER"})
# Types whose name before a text looks like a literal; only DATE, TIMESTAMP… and INTERVAL make one.
_UNTYPED = frozenset({
    "DECIMAL", "DEC", "NUMERIC", "INT", "INTEGER", "BIGINT", "LONG", "SMALLINT", "SHORT", "TINYINT",
    "BYTE", "DOUBLE", "FLOAT", "REAL", "STRING", "VARCHAR", "CHAR", "BINARY", "BOOLEAN",
})  # fmt: skip
_ENDINGS = {
    "DECIMAL": "BD", "DEC": "BD", "NUMERIC": "BD", "BIGINT": "L", "LONG": "L", "SMALLINT": "S",
    "SHORT": "S", "TINYINT": "Y", "BYTE": "Y", "DOUBLE": "D", "FLOAT": "F", "REAL": "F",
}  # fmt: skip


def refuse_by_token(tokens: Sequence[Token], text: str) -> None:
    """Refuse forms that are told by two or three tokens beside one another.

    Raises:
        SqlError: such a form is there.
    """
    solid = [token for token in tokens if token.kind != "space"]
    while solid and solid[-1].text == ";":
        solid.pop()
    for at, token in enumerate(solid):
        before = solid[at - 1] if at else None
        after = solid[at + 1] if at + 1 < len(solid) else None
        if before is not None and after is not None:
            _refuse_stream(before, token, after)
            _refuse_division(before, token)
        if token.kind == "operator" and token.text == ",":
            _refuse_last_comma(solid, at, text)
        elif token.word in _UNTYPED:
            _refuse_untyped(solid, at, text)


def _refuse_stream(before: Token, token: Token, after: Token) -> None:
    names_a_table = after.kind in {"word", "name"} or after.text == "("
    if token.word != "STREAM" or before.word not in {"FROM", "JOIN"} or not names_a_table:
        return
    if after.word not in _STREAMS:
        raise SqlError(
            "STREAM is refused: a query reads a table as it stands.",
            hint="use STREAM in a pipeline's definition, or leave the word out here.",
        )


def _refuse_division(before: Token, token: Token) -> None:
    if before.text == token.text == "/" and token.start == before.start + 1:
        raise SqlError(
            "// is no operator of Databricks' SQL.",
            hint="whole numbers are divided with div: 7 div 2; a comment begins with --.",
        )


def _refuse_last_comma(solid: Sequence[Token], at: int, text: str) -> None:
    """Refuse a comma with nothing behind it; the parser would take it for none."""
    after, second = (solid[i] if i < len(solid) else None for i in (at + 1, at + 2))
    pair = (after.word if after else "", second.word if second else "")
    ends = after is None or after.text == ")" or pair in {("GROUP", "BY"), ("ORDER", "BY")}
    # A column may be called "from"; then FROM or a comma follows it.
    ends = ends or (pair[0] == "FROM" and pair[1] != "FROM" and not (second and second.text == ","))
    if ends:
        where = f" ({place_in(text, solid[at].start)})"
        before = "the end" if after is None else after.text
        raise SqlError(
            f"[PARSE_SYNTAX_ERROR] nothing stands between the comma and {before}{where}.",
            hint="take the comma out.",
        )


def _refuse_untyped(solid: Sequence[Token], at: int, text: str) -> None:
    token, before = solid[at], solid[at - 1] if at else None
    is_type = before is not None and (before.word == "AS" or before.text == "::")
    end = at + 1
    sized = end + 1 < len(solid) and solid[end].text == "(" and solid[end + 1].kind == "number"
    if sized:
        if is_type and token.word in _LENGTHS:
            raise SqlError(
                f"{token.word}({solid[end + 1].text}) is refused: text has no length limit here.",
                hint="use STRING, with left(text, n) to cut it.",
            )
        while end < len(solid) and solid[end].text != ")":
            end += 1
        end += 1
    follows = solid[end] if end < len(solid) else None
    if is_type or (before is not None and before.text == ".") or follows is None:
        return
    if follows.kind == "string":
        kind = text[token.start : follows.start].strip()
        ending = _ENDINGS.get(token.word)
        plain = follows.text[1:-1]
        short = f", or {plain}{ending}" if ending and plain.replace(".", "", 1).isdigit() else ""
        if ending == "BD" and not sized:
            kind = "DECIMAL(10,2)"
        raise SqlError(
            f"[UNSUPPORTED_TYPED_LITERAL] {token.word} before a text makes no literal "
            f"({place_in(text, token.start)}).",
            hint=f"write CAST({follows.text} AS {kind}){short}.",
        )
