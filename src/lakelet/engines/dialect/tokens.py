"""An exact split of SQL text into tokens: strings, quoted names and comments stay whole.

Both dialects are covered. Databricks: ``'…'`` and ``"…"`` are strings with backslash escapes,
``r'…'`` is raw, a backtick quotes a name, block comments nest (page "STRING type", "Comments").
DuckDB: ``'…'`` is a string without escapes, ``E'…'`` has them, ``"…"`` quotes a name, ``$$…$$``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from lakelet.errors import SqlError

__all__ = ("Token", "name_of", "place_in", "text_of", "tokenize")

Kind = Literal["word", "name", "string", "number", "space", "operator"]
_SIMPLE_ESCAPES = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL text with its place; ``space`` covers blanks and comments."""

    kind: Kind
    text: str
    start: int

    @property
    def word(self) -> str:
        """The token in upper case if it is a bare word, else the empty string."""
        return self.text.upper() if self.kind == "word" else ""


@cache
def _pattern(dialect: str) -> re.Pattern[str]:
    if dialect == "databricks":
        strings = (
            r"(?P<raw>[rR](?:'[^']*'|\"[^\"]*\"))"
            r"|(?P<string>'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\")"
            r"|(?P<name>`(?:[^`]|``)*`)"
        )
    else:
        strings = (
            r"(?P<escaped>[eE]'(?:[^'\\]|\\.|'')*')"
            r"|(?P<dollar>\$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?\$(?P=tag)\$)"
            r"|(?P<string>'(?:[^']|'')*')"
            r"|(?P<name>\"(?:[^\"]|\"\")*\")"
        )
    return re.compile(
        r"(?P<space>\s+|--[^\n]*)"
        r"|(?P<block>/\*)"
        r"|" + strings + r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[A-Za-z_]*)"
        r"|(?P<word>[^\W\d]\w*)"
        r"|(?P<operator><=>|<=|>=|<>|!=|==|\|\||::|->|=>|.)",
        re.DOTALL,
    )


def _end_of_comment(text: str, start: int) -> int:
    depth, at = 0, start
    while at < len(text):
        if text.startswith("/*", at):
            depth, at = depth + 1, at + 2
        elif text.startswith("*/", at):
            depth, at = depth - 1, at + 2
            if not depth:
                return at
        else:
            at += 1
    raise SqlError("the comment that starts with /* has no end.", hint="close it with */.")


def tokenize(text: str, dialect: Literal["databricks", "duckdb"] = "databricks") -> list[Token]:
    """Split ``text`` into tokens whose texts joined give it back.

    Raises:
        SqlError: a string, quoted name or comment has no end.
    """
    pattern, tokens, at = _pattern(dialect), [], 0
    while at < len(text):
        found = pattern.match(text, at)
        assert found is not None
        kind, end = found.lastgroup or "operator", found.end()
        if kind == "block":
            kind, end = "space", _end_of_comment(text, at)
        elif kind == "operator" and found.group() in "'\"`" and found.group() != "":
            raise SqlError(
                f"the quote {found.group()} at character {at + 1} is never closed.",
                hint="close it, or double it inside the text.",
            )
        elif kind in {"raw", "escaped", "dollar", "tag"}:
            kind = "string"
        tokens.append(Token(kind, text[at:end], at))  # type: ignore[arg-type]
        at = end
    return tokens


def name_of(token: Token) -> str:
    """The identifier a bare word or quoted name stands for, case kept."""
    if token.kind != "name":
        return token.text
    mark = token.text[0]
    return token.text[1:-1].replace(mark * 2, mark)


@cache
def _escape_pattern() -> re.Pattern[str]:
    return re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-3][0-7]{2})|(.))", re.DOTALL)


def _unescape(found: re.Match[str]) -> str:
    short, long, octal, single = found.groups()
    if short or long:
        return chr(int(short or long, 16))
    if octal:
        return chr(int(octal, 8))
    # LIKE reads \% and \_ itself, so the string keeps the backslash.
    return "\\" + single if single in "%_" else _SIMPLE_ESCAPES.get(single, single)


def text_of(token: Token) -> str:
    """The value of a Databricks string token (page "STRING type": escapes, raw strings)."""
    if token.text[0] in "rR":
        return token.text[2:-1]
    mark = token.text[0]
    # A doubled quote is protected first, so that an escaped quote beside it is not misread.
    body = token.text[1:-1]
    if "\\" not in body:
        return body.replace(mark * 2, mark)
    pieces = re.split(r"(\\.)", body, flags=re.DOTALL)
    doubled = "".join(p if p[:1] == "\\" else p.replace(mark * 2, mark) for p in pieces)
    return _escape_pattern().sub(_unescape, doubled)


def place_in(text: str, at: int) -> str:
    """A place in a text as people count: ``line 2, column 8``."""
    line = text.count("\n", 0, at) + 1
    return f"line {line}, column {at - (text.rfind(chr(10), 0, at) + 1) + 1}"
