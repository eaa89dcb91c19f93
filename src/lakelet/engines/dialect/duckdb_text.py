"""Queries in DuckDB's own dialect: passed as they are, their tables found by DuckDB's parser."""

from __future__ import annotations

import itertools
import re
from functools import cache
from typing import TYPE_CHECKING

from lakelet.engines.dialect.timetravel import pin_tables
from lakelet.engines.dialect.tokens import Token, name_of, tokenize
from lakelet.engines.dialect.translation import (
    TableReference,
    Translation,
    schema_name,
    view_name,
)
from lakelet.errors import SqlError
from lakelet.lake.names import quote

if TYPE_CHECKING:
    import duckdb

__all__ = ("read_duckdb", "with_dollars")

# Words that can follow a table and are not its alias.
_CLAUSES = frozenset({
    "WHERE", "GROUP", "ORDER", "LIMIT", "OFFSET", "JOIN", "ON", "USING", "LEFT", "RIGHT",
    "FULL", "INNER", "CROSS", "NATURAL", "ASOF", "SEMI", "ANTI", "POSITIONAL", "UNION",
    "INTERSECT", "EXCEPT", "HAVING", "QUALIFY", "WINDOW", "TABLESAMPLE", "PIVOT", "UNPIVOT",
    "SELECT", "FETCH", "SAMPLE",
})  # fmt: skip
# Words after which a value begins.
_BEFORE_VALUE = frozenset({
    "SELECT", "WHERE", "AND", "OR", "NOT", "ON", "HAVING", "IN", "LIKE", "ILIKE", "BETWEEN", "IS",
    "THEN", "ELSE", "WHEN", "CASE", "VALUES", "LIMIT", "OFFSET", "BY", "QUALIFY", "DISTINCT",
})  # fmt: skip
_STARTS = frozenset({"SELECT", "WITH", "VALUES", "FROM", "("})


def _has_alias(solid: list[Token], position: int) -> bool:
    if position >= len(solid):
        return False
    token = solid[position]
    return token.kind == "name" or (token.kind == "word" and token.word not in _CLAUSES)


def read_duckdb(text: str) -> Translation:
    """A DuckDB query with its tables, time travel and parameters found.

    Raises:
        SqlError: the text is not one query, or DuckDB's parser refuses it.
    """
    tokens = tokenize(text, "duckdb")
    solid = [token for token in tokens if token.kind != "space"]
    if not solid or (solid[0].word or solid[0].text) not in _STARTS:
        raise SqlError("a query starts with SELECT, WITH, VALUES or FROM.")
    references: dict[str, TableReference] = {}
    pinned = {p.first: p for p in pin_tables(tokens, "duckdb")}
    pieces, at = [], 0
    while at < len(tokens):
        found = pinned.get(at)
        if found is None:
            pieces.append(tokens[at].text)
            at += 1
            continue
        suffix, parts = found.moment.suffix, found.parts
        view = view_name(parts, suffix)
        moment = found.moment
        references[view] = TableReference(parts, moment.version, moment.timestamp, view)
        after = sum(1 for token in tokens[: found.last + 1] if token.kind != "space")
        alias = "" if _has_alias(solid, after) else f" AS {quote(parts[-1])}"
        pieces.append(view + alias)
        at = found.last + 1
    sql = with_dollars("".join(pieces))
    names = _table_names(sql)
    for name in names:
        view = view_name(name)
        if ".".join(quote(part) for part in name) not in references and view not in references:
            lowered = name if name[0] == "delta" else tuple(part.lower() for part in name)
            references[view] = TableReference(lowered, None, None, view)
    sql = _with_own_schemas(sql, names)
    markers = _parameters(tokenize(sql, "duckdb"))
    return Translation(sql, tuple(references.values()), (), tuple(markers))


def with_dollars(sql: str) -> str:
    """The text with ``$name`` for ``:name``, which other programs write.

    A colon is part of a marker only where a value begins: right before a word and after an
    operator or keyword. In ``x[1:n]``, ``{'a':b}`` and ``a: b`` it means something else.
    """
    tokens = tokenize(sql, "duckdb")
    pieces = [token.text for token in tokens]
    before: Token | None = None
    for place, (token, after) in enumerate(itertools.pairwise(tokens)):
        if token.text == ":" and after.kind == "word" and before and _begins_value(before):
            pieces[place] = "$"
        if token.kind != "space":
            before = token
    return "".join(pieces)


def _begins_value(before: Token) -> bool:
    if before.kind == "operator":
        return before.text not in {"]", ")", "}", "[", ":", "."}
    return before.word in _BEFORE_VALUE


def _with_own_schemas(sql: str, names: list[tuple[str, ...]]) -> str:
    """The text with other names for schemas that are called like something of DuckDB's own."""
    taken = {
        (name[0].lower(), name[1].lower())
        for name in names
        if len(name) == 2 and schema_name(name[0]) != name[0]
    }
    if not taken:
        return sql
    tokens = tokenize(sql, "duckdb")
    solid = [i for i, token in enumerate(tokens) if token.kind != "space"]
    pieces = [token.text for token in tokens]
    for at, dot, last in zip(solid, solid[1:], solid[2:], strict=False):
        pair = (name_of(tokens[at]).lower(), name_of(tokens[last]).lower())
        if tokens[dot].text == "." and pair in taken:
            pieces[at] = quote(schema_name(pair[0]))
    return "".join(pieces)


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """A database that only parses, kept for the process; without threads, so a fork may have it."""
    import duckdb

    return duckdb.connect(":memory:", config={"threads": 1, "autoinstall_known_extensions": False})


def _table_names(sql: str) -> list[tuple[str, ...]]:
    import duckdb

    connection = _parser().cursor()
    try:
        names = connection.get_table_names(_without_markers(sql), qualified=True)
    except duckdb.Error as error:
        raise SqlError(f"DuckDB cannot read this query: {error}") from None
    finally:
        connection.close()
    return [_split(name) for name in sorted(names)]


def _without_markers(sql: str) -> str:
    """The text with NULL for each marker: looking for tables takes no values."""
    pieces: list[str] = []
    for token in tokenize(sql, "duckdb"):
        if pieces and pieces[-1] == "$" and token.kind in {"word", "number"}:
            pieces[-1] = "NULL"
        elif token.kind == "operator" and token.text == "?":
            pieces.append("NULL")
        else:
            pieces.append(token.text)
    return "".join(pieces)


def _split(name: str) -> tuple[str, ...]:
    # The parser's list shows an alias after the name.
    part = r'(?:"(?:[^"]|"")*"|[^."\s]+)'
    whole = re.match(rf"{part}(?:\.{part})*", name)
    parts = re.findall(r'"((?:[^"]|"")*)"|([^."]+)', whole.group() if whole else name)
    return tuple(quoted.replace('""', '"') if quoted else bare for quoted, bare in parts)


def _parameters(tokens: list[Token]) -> list[str]:
    names: list[str] = []
    for before, token in itertools.pairwise(tokens):
        if before.text == "$" and token.kind in {"word", "number"} and token.text not in names:
            names.append(token.text)
    return names + ["?" for token in tokens if token.text == "?" and token.kind == "operator"]
