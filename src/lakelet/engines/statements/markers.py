"""Values of a statement's markers, bound as DuckDB variables.

A statement's expressions end up in several queries, some of them views, which take no parameters.
A variable keeps the value apart from the text all the same, and has its type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import duckdb

from lakelet.engines.dialect.tokens import Token, tokenize
from lakelet.errors import SqlError
from lakelet.workspace.quantities import counted

__all__ = ("bind_markers", "number_markers", "with_variables")

_NUMBERED = "lakelet_marker_"


def number_markers(text: str, dialect: Literal["databricks", "duckdb"]) -> tuple[str, list[str]]:
    """The text with a name in the place of each ``?``, and the names of all markers in order."""
    mark = ":"
    if dialect == "duckdb":
        from lakelet.engines.dialect.duckdb_text import with_dollars

        mark, text = "$", with_dollars(text)
    names: list[str] = []
    pieces: list[str] = []
    count = 0
    before: Token | None = None
    for token in tokenize(text, dialect):
        piece = token.text
        if token.kind == "operator" and piece == "?":
            count += 1
            names.append(f"{_NUMBERED}{count}")
            piece = mark + names[-1]
        elif before and before.text == mark and token.kind == "word":
            names.append(token.text)
        pieces.append(piece)
        before = token
    if 0 < count < len(names):
        raise SqlError("names and ? are mixed among the markers.", hint="use one of the two kinds.")
    return "".join(pieces), list(dict.fromkeys(names))


def with_variables(sql: str, names: Sequence[str]) -> str:
    """Translated text that reads variables where it had ``$name``."""
    if not names:
        return sql
    pieces: list[str] = []
    for token in tokenize(sql, "duckdb"):
        if pieces and pieces[-1] == "$" and token.kind == "word" and token.text in names:
            pieces[-1] = f"getvariable('lakelet {token.text}')"
        else:
            pieces.append(token.text)
    return "".join(pieces)


def bind_markers(
    connection: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    positional: Sequence[object],
    named: Mapping[str, object],
) -> None:
    """Set the variables.

    Raises:
        SqlError: a marker without a value, or more values than markers.
    """
    values = dict(named)
    numbered = [name for name in names if name.startswith(_NUMBERED)]
    if numbered or positional:
        if len(numbered) != len(positional):
            raise SqlError(
                f"there {'is' if len(numbered) == 1 else 'are'} "
                f"{counted(len(numbered), '? marker')} and "
                f"{counted(len(positional), 'value')}; nothing was run."
            )
        values = dict(zip(numbered, positional, strict=True))
    for name in names:
        if name not in values:
            raise SqlError(
                f"the parameter :{name} has no value; nothing was run.",
                hint=f"--param {name}=VALUE, or params={{'{name}': …}}.",
            )
        connection.execute(f'SET VARIABLE "lakelet {name}" = ?', [values[name]])
