"""Queries in DuckDB's own dialect: passed as they are, their tables found by DuckDB's parser."""

from __future__ import annotations

import itertools
import re

from lakelet.engines.dialect.timetravel import pin_tables
from lakelet.engines.dialect.tokens import Token, tokenize
from lakelet.engines.dialect.translation import TableReference, Translation, quote
from lakelet.errors import SqlError

__all__ = ("read_duckdb",)

# Words that can follow a table and are not its alias.
_CLAUSES = frozenset({
    "WHERE", "GROUP", "ORDER", "LIMIT", "OFFSET", "JOIN", "ON", "USING", "LEFT", "RIGHT",
    "FULL", "INNER", "CROSS", "NATURAL", "ASOF", "SEMI", "ANTI", "POSITIONAL", "UNION",
    "INTERSECT", "EXCEPT", "HAVING", "QUALIFY", "WINDOW", "TABLESAMPLE", "PIVOT", "UNPIVOT",
    "SELECT", "FETCH", "SAMPLE",
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
        view = ".".join(quote(part) for part in (*parts[:-1], parts[-1] + suffix))
        moment = found.moment
        references[view] = TableReference(parts, moment.version, moment.timestamp, view)
        after = sum(1 for token in tokens[: found.last + 1] if token.kind != "space")
        alias = "" if _has_alias(solid, after) else f" AS {quote(parts[-1])}"
        pieces.append(view + alias)
        at = found.last + 1
    sql = "".join(pieces)
    for name in _table_names(sql):
        view = ".".join(quote(part) for part in name)
        if view not in references:
            lowered = name if name[0] == "delta" else tuple(part.lower() for part in name)
            references[view] = TableReference(lowered, None, None, view)
    return Translation(sql, tuple(references.values()), (), tuple(_parameters(tokens)))


def _table_names(sql: str) -> list[tuple[str, ...]]:
    import duckdb

    connection = duckdb.connect(":memory:", config={"threads": 1})
    try:
        names = connection.get_table_names(sql, qualified=True)
    except duckdb.Error as error:
        raise SqlError(f"DuckDB cannot read this query: {error}") from None
    finally:
        connection.close()
    return [_split(name) for name in sorted(names)]


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
