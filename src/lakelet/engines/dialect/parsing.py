"""From Databricks SQL text to a syntax tree, with nothing decided by the parser.

The parser's own knowledge of functions is switched off, so that every call arrives under the name
the user wrote and only our tables give it a meaning. Strings and time travel are taken out first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from lakelet.engines.dialect.early import refuse_by_token
from lakelet.engines.dialect.timetravel import Pinned, pin_tables
from lakelet.engines.dialect.tokens import place_in, text_of, tokenize
from lakelet.errors import SqlError

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.dialects.dialect import Dialect
    from sqlglot.errors import SqlglotError

__all__ = ("Prepared", "marker_number", "parse_expression", "parse_query", "prepare")

_MARKER = "lakelet_question_"  # and the number of a ?
_MARK = "\ue000"  # a private-use character: wraps the number of a string kept aside
_WORDS = frozenset({
    "SELECT", "FROM", "WHERE", "GROUP", "ORDER", "BY", "HAVING", "LIMIT", "JOIN", "ON", "USING",
    "UNION", "EXCEPT", "INTERSECT", "CASE", "WHEN", "THEN", "ELSE", "END", "AND", "OR", "NOT", "IN",
    "IS", "AS", "WITH", "DISTINCT", "TABLE", "VALUES", "SET", "CROSS", "INNER", "FULL", "LEFT",
    "RIGHT", "NULL", "FOR", "TO", "INTO",
})  # fmt: skip
_QUERY_STARTS = frozenset({"SELECT", "WITH", "VALUES", "("})
_SPECIAL_FORMS = ("CAST", "TRY_CAST", "EXTRACT", "POSITION", "TRIM", "SUBSTRING", "CEIL", "FLOOR")


def marker_number(name: str) -> int | None:
    """Which ``?`` of the text a marker's name stands for, or None for one that was named."""
    number = name.removeprefix(_MARKER)
    return int(number) if number != name and number.isdigit() else None


@dataclass(slots=True)
class Prepared:
    """Text ready for the parser, with what was taken out of it.

    Attributes:
        text: for the parser.
        strings: those that were taken out.
        pinned: tables that travel in time.
        places: where each piece of the text begins, here and in the source.
        source: what it was made of.
        markers: how many ``?`` there are.
    """

    text: str
    strings: list[str] = field(default_factory=list)
    pinned: list[Pinned] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)
    source: str = ""
    markers: int = 0

    def place(self, at: int) -> str:
        """A place in this text as one in the text it was made of: ``line 2, column 8``."""
        before = [(here, there) for here, there in self.places if here <= at]
        here, there = before[-1] if before else (0, 0)
        return place_in(self.source, min(there + at - here, len(self.source)))

    def string(self, text: str) -> str:
        """The value of a string literal as the user meant it."""
        if text.startswith(_MARK):
            return self.strings[int(text.strip(_MARK))]
        return text

    def pinned_table(self, name: str) -> Pinned | None:
        """The time-travelling table for which ``name`` stands in the text, if it is one."""
        return self.pinned[int(name.strip(_MARK))] if name.startswith(_MARK) else None


def prepare(text: str) -> Prepared:
    """Take strings and time travel out of Databricks SQL text.

    Raises:
        SqlError: unclosed quotes, an unreadable moment, or a form that is refused on sight.
    """
    tokens = tokenize(text)
    refuse_by_token(tokens, text)
    result = Prepared("", pinned=pin_tables(tokens, "databricks"), source=text)
    starts = {pinned.first: (i, pinned.last) for i, pinned in enumerate(result.pinned)}
    pieces: list[str] = []
    at = length = 0
    while at < len(tokens):
        token = tokens[at]
        result.places.append((length, token.start))
        if at in starts:
            number, last = starts[at]
            pieces.append(f"`{_MARK}{number}{_MARK}`")
            at = last
        elif token.kind == "string":
            value = text_of(token)
            if not re.fullmatch(r"[\w .:,/+-]*", value) or _MARK in value:
                result.strings.append(value)
                value = f"{_MARK}{len(result.strings) - 1}{_MARK}"
            pieces.append(f"'{value}'")
        elif token.kind == "operator" and token.text == "?":
            result.markers += 1
            pieces.append(f" :{_MARKER}{result.markers} ")
        elif token.kind == "space":
            pieces.append(" " if token.text[:1] != "\n" else "\n")
        else:
            pieces.append(token.text)
        length += len(pieces[-1])
        at += 1
    result.text = "".join(pieces)
    return result


@cache
def _dialect() -> type[Dialect]:
    from sqlglot.dialects.databricks import Databricks

    known = Databricks.Parser.FUNCTION_PARSERS
    special = {name: known[name] for name in _SPECIAL_FORMS}
    parser = type("Parser", (Databricks.Parser,), {"FUNCTIONS": {}, "FUNCTION_PARSERS": special})
    return type("LakeletDatabricks", (Databricks,), {"Parser": parser})


def _parse(prepared: Prepared, into: str | None = None) -> exp.Expr:
    from sqlglot.errors import SqlglotError

    dialect = _dialect()()
    try:
        trees = dialect.parse(prepared.text)
    except SqlglotError as error:
        raise _unreadable(prepared, error) from None
    found = [tree for tree in trees if tree is not None]
    if len(found) != 1:
        raise SqlError(
            f"one statement is expected here, not {len(found)}.", hint="run them one at a time."
        )
    return found[0]


def _unreadable(prepared: Prepared, error: SqlglotError) -> SqlError:
    """What the parser did not understand, and where, in the words of the text."""
    found: list[dict[str, Any]] = getattr(error, "errors", None) or [{}]
    place, text = found[0], prepared.text
    near = str(place.get("highlight") or "")
    shown = prepared.string(near) if _MARK in near else near
    lines = text.split("\n")
    where = ""
    if place.get("line") and place["line"] <= len(lines):
        start = sum(len(line) + 1 for line in lines[: place["line"] - 1])
        at = start + int(place["col"]) - len(near)
        if text[at : at + len(near)] == near:
            where = f" ({prepared.place(at)})"
    reason = str(place.get("description") or error)
    if reason.startswith("Required keyword"):
        what = f"something is missing after {shown!r}"
    elif reason.startswith("Expecting "):
        what = f"{reason.removeprefix('Expecting ').rstrip('.')} is missing after {shown!r}"
    elif reason.startswith("Expected TYPE"):
        what = f"{shown!r} is no type"
    else:
        what = f"{shown!r} is not expected here" if near else "it is no SQL"
    reserved = what.endswith("expected here") and shown.upper() in _WORDS
    return SqlError(
        f"[PARSE_SYNTAX_ERROR] the SQL text cannot be read: {what}{where}.",
        hint=f"a name that is also a word of SQL stands in backticks: `{shown}`."
        if reserved
        else None,
    )


def parse_query(prepared: Prepared) -> exp.Expr:
    """The syntax tree of a query.

    Raises:
        SqlError: the text is not one query, or cannot be parsed.
    """
    first = next((t for t in tokenize(prepared.text) if t.kind != "space"), None)
    if first is None:
        raise SqlError("there is no SQL here.", hint="write a query, for example SELECT 1.")
    if (first.word or first.text) not in _QUERY_STARTS:
        raise SqlError(
            f"a query cannot start with {first.text}.",
            hint="a query starts with SELECT, WITH or VALUES.",
        )
    return _parse(prepared)


def parse_expression(prepared: Prepared) -> exp.Expr:
    """The syntax tree of an expression standing alone.

    Raises:
        SqlError: the text is not one expression, or cannot be parsed.
    """
    if not prepared.text.strip():
        raise SqlError("there is no expression here.")
    shift = len("SELECT ")
    alone = Prepared(
        f"SELECT {prepared.text}", prepared.strings, prepared.pinned,
        [(here + shift, there) for here, there in prepared.places], prepared.source,
    )  # fmt: skip
    tree = _parse(alone)
    items = tree.args.get("expressions") or []
    others = {name for name, value in tree.args.items() if value and name != "expressions"}
    if len(items) != 1 or others or type(tree).__name__ != "Select":
        raise SqlError(
            f"{prepared.text.strip()!r} is not one expression.",
            hint="write a value or condition alone, without clauses such as WHERE.",
        )
    item: exp.Expr = items[0]
    return item
