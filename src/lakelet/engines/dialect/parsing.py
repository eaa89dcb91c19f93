"""From Databricks SQL text to a syntax tree, with nothing decided by the parser.

The parser's own knowledge of functions is switched off, so that every call arrives under the name
the user wrote and only our tables give it a meaning. Strings and time travel are taken out first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from lakelet.engines.dialect.timetravel import Pinned, pin_tables
from lakelet.engines.dialect.tokens import Token, text_of, tokenize
from lakelet.errors import SqlError

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.dialects.dialect import Dialect

__all__ = ("Prepared", "parse_expression", "parse_query", "prepare")

_MARK = "\ue000"  # a private-use character: wraps the number of a string kept aside
_QUERY_STARTS = frozenset({"SELECT", "WITH", "VALUES", "("})
_SPECIAL_FORMS = ("CAST", "TRY_CAST", "EXTRACT", "POSITION", "TRIM", "SUBSTRING", "CEIL", "FLOOR")


@dataclass(slots=True)
class Prepared:
    """Text ready for the parser, with what was taken out of it."""

    text: str
    strings: list[str] = field(default_factory=list)
    pinned: list[Pinned] = field(default_factory=list)

    def string(self, text: str) -> str:
        """The value of a string literal as the user meant it."""
        if text.startswith(_MARK):
            return self.strings[int(text.strip(_MARK))]
        return text

    def pinned_table(self, name: str) -> Pinned | None:
        """The time-travelling table for which ``name`` stands in the text, if it is one."""
        return self.pinned[int(name.strip(_MARK))] if name.startswith(_MARK) else None


def _refuse_by_token(tokens: list[Token]) -> None:
    solid = [token for token in tokens if token.kind != "space"]
    earlier = [None, *solid]
    for first, before, token, after in zip(earlier, solid, solid[1:], solid[2:], strict=False):
        names_a_table = after.kind in {"word", "name"} or after.text == "("
        if token.word == "STREAM" and before.word in {"FROM", "JOIN"} and names_a_table:
            if after.word in {"AS", "WHERE", "JOIN", "GROUP", "ORDER", "LIMIT"}:
                continue
            raise SqlError(
                "STREAM is refused: a query reads a table as it stands.",
                hint="use STREAM in a pipeline's definition, or leave the word out here.",
            )
        is_type = first is not None and (first.word == "AS" or first.text == "::")
        sized = is_type and token.text == "(" and after.kind == "number"
        if sized and before.word in {"VARCHAR", "CHAR", "CHARACTER"}:
            raise SqlError(
                f"{before.word}({after.text}) is refused: text has no length limit here.",
                hint="use STRING, with left(text, n) to cut it.",
            )


def prepare(text: str) -> Prepared:
    """Take strings and time travel out of Databricks SQL text.

    Raises:
        SqlError: unclosed quotes, an unreadable moment, or a form that is refused on sight.
    """
    tokens = tokenize(text)
    _refuse_by_token(tokens)
    result = Prepared("", pinned=pin_tables(tokens, "databricks"))
    starts = {pinned.first: (i, pinned.last) for i, pinned in enumerate(result.pinned)}
    pieces, at = [], 0
    while at < len(tokens):
        token = tokens[at]
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
        elif token.kind == "space":
            pieces.append(" " if token.text[:1] != "\n" else "\n")
        else:
            pieces.append(token.text)
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
        detail = getattr(error, "errors", None)
        place = detail[0] if detail else {}
        where = f" (line {place['line']}, near {place['highlight']!r})" if place else ""
        reason = place.get("description") or str(error)
        raise SqlError(f"the SQL text cannot be read: {reason.rstrip('.')}{where}.") from None
    found = [tree for tree in trees if tree is not None]
    if len(found) != 1:
        raise SqlError(
            f"one statement is expected here, not {len(found)}.", hint="run them one at a time."
        )
    return found[0]


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
    alone = Prepared(f"SELECT {prepared.text}", prepared.strings, prepared.pinned)
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
