"""A script cut into its statements, at the semicolons that are none of a text, name or comment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lakelet.engines.dialect.tokens import Token, tokenize

__all__ = ("Piece", "split_statements")


@dataclass(frozen=True, slots=True)
class Piece:
    """One statement of a script.

    Attributes:
        text: the statement, without the semicolon.
        line: the line of the script it begins in, counted from 1.
    """

    text: str
    line: int

    @property
    def first_line(self) -> str:
        """What it begins with, for people."""
        return self.text.split("\n", 1)[0].rstrip()


def split_statements(text: str, dialect: Literal["databricks", "duckdb"]) -> list[Piece]:
    """The statements of a script, in order; what holds nothing but blanks and comments is none.

    Raises:
        SqlError: a string, quoted name or comment has no end.
    """
    found: list[Piece] = []
    held: list[Token] = []
    body = False  # within $$ … $$, which only DuckDB's tokens keep whole
    for at, token in enumerate(tokens := tokenize(text, dialect)):
        follows = tokens[at + 1].text if at + 1 < len(tokens) else ""
        if token.text == follows == "$" and not (at and tokens[at - 1].text == "$"):
            body = not body
        if token.text == ";" and token.kind == "operator" and not body:
            found += _piece(text, held)
            held = []
        elif held or token.kind != "space":
            held.append(token)
    return found + _piece(text, held)


def _piece(text: str, tokens: list[Token]) -> list[Piece]:
    while tokens and tokens[-1].kind == "space":
        tokens = tokens[:-1]
    if not tokens:
        return []
    start, end = tokens[0].start, tokens[-1].start + len(tokens[-1].text)
    return [Piece(text[start:end], text.count("\n", 0, start) + 1)]
