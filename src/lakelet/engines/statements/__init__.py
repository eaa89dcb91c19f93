"""Statements that change or describe tables, recognised before any query is translated.

`syntax` reads a statement into a small record, or refuses it by name; `running` carries it out.
Expressions and queries inside are translated as queries are, so they mean the same. Both are
imported when a statement comes: a query needs neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from lakelet.engines.dialect.tokens import tokenize
from lakelet.errors import SqlError

if TYPE_CHECKING:
    from lakelet.engines.statements.running import Answer, Lent
    from lakelet.lake import Lake

__all__ = ("is_statement", "run_statement")

_QUERIES = frozenset({"SELECT", "WITH", "VALUES", "FROM"})


def is_statement(text: str, dialect: Literal["databricks", "duckdb"]) -> bool:
    """Whether a text is to be run as a statement, not as a query."""
    first = next((token for token in tokenize(text, dialect) if token.kind != "space"), None)
    return first is not None and first.kind == "word" and first.word not in _QUERIES


def run_statement(
    lake: Lake,
    lent: Lent,
    text: str,
    dialect: Literal["databricks", "duckdb"],
    *,
    positional: Sequence[object] = (),
    named: Mapping[str, object] | None = None,
) -> Answer:
    """Run one statement; it is done completely, or nothing of it.

    Args:
        lake: the tables.
        lent: what higher layers do for statements.
        text: the statement.
        dialect: whose SQL it is.
        positional: values of ``?`` markers.
        named: values of named markers.

    Raises:
        SqlError: the statement is wrong, or refused by name.
        SchemaError: columns or types do not fit.
        ConstraintError: rows break a constraint; nothing was written.
    """
    import duckdb

    from lakelet.engines.statements.running import Context, run_record
    from lakelet.engines.statements.syntax import read_statement
    from lakelet.engines.wording import placed

    context = Context(lake, lent, dialect, positional, dict(named or {}))
    try:
        with placed(text, dialect):
            return run_record(context, read_statement(context.number(text), dialect))
    except SqlError as error:
        if isinstance(error.__cause__, duckdb.Error):
            # What fails in a query fails before anything is committed.
            raise SqlError(
                f"{error.message.rstrip()} Nothing was changed.", hint=error.hint, word=error.word
            ) from error
        raise
