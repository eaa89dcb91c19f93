"""Values on their way into columns: which columns a statement fills, and with what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb

from lakelet.engines.dialect import Translation
from lakelet.engines.rewrite.target import GENERATED
from lakelet.engines.statements.running.assignment import Assignment, macros_of
from lakelet.errors import SchemaError, SqlError, nearest
from lakelet.lake.types import Column

__all__ = ("SERVICE_COLUMNS", "column_named", "converted", "refuse_chance", "stored", "types_of")

SERVICE_COLUMNS = ("_rescued_data", "_metadata")
"""Columns that loads add; a statement may leave them out, and they are NULL then."""

_CHANCE = frozenset({
    "RAND", "RANDOM", "RANDN", "UUID", "RANDSTR", "SHUFFLE", "MONOTONICALLY_INCREASING_ID",
    "GEN_RANDOM_UUID",
})  # fmt: skip


def stored(columns: Iterable[Column]) -> list[Column]:
    """The columns that take values, in the order `SELECT *` shows them; generated ones do not."""
    plain = [column for column in columns if GENERATED not in dict(column.metadata)]
    return sorted(plain, key=lambda column: column.name in SERVICE_COLUMNS)


def column_named(name: str, columns: Sequence[Column], *, table: str) -> Column:
    """The column of that name, in any case.

    Raises:
        SchemaError: there is none, or it is one that is computed from others.
    """
    for column in columns:
        if column.name.lower() == name.lower():
            if GENERATED in dict(column.metadata):
                raise SchemaError(
                    f"{table}: the column {column.name} is computed from others; nothing was "
                    "written.",
                    hint="leave it out.",
                )
            return column
    close = nearest(name.lower(), [column.name.lower() for column in columns])
    raise SchemaError(
        f"{table} has no column {name!r}; nothing was written.",
        hint=f"did you mean {close!r}?" if close else f"ALTER TABLE {table} ADD COLUMN adds one.",
    )


def types_of(
    connection: duckdb.DuckDBPyConnection, expressions: Sequence[str], sources: str
) -> list[str]:
    """The types DuckDB gives some expressions over some sources; nothing is run."""
    if not expressions:
        return []
    listed = ", ".join(f"({one}) AS c{index}" for index, one in enumerate(expressions))
    return [str(kind) for kind in connection.sql(f"SELECT {listed} {sources}").types]


def converted(
    connection: duckdb.DuckDBPyConnection,
    values: Sequence[tuple[Column, str]],
    sources: str,
    *,
    table: str,
) -> dict[str, str]:
    """Values as ones of their columns' types; what that takes is made on the connection.

    Args:
        connection: where the sources are.
        values: columns and SQL.
        sources: the FROM clause in which the SQL means something.
        table: for messages.

    Raises:
        SchemaError: a column takes no value of that type, or is filled twice.
    """
    names = [column.name for column, _ in values]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise SchemaError(f"{table}: the column {twice} is named twice; nothing was written.")
    assignment = Assignment()
    kinds = types_of(connection, [sql for _, sql in values], sources)
    found = {
        column.name: assignment.convert(f"({sql})", kind, column, table=table)
        for (column, sql), kind in zip(values, kinds, strict=True)
    }
    for macro in macros_of(found.values()):
        connection.execute(macro)
    return found


def boolean(connection: duckdb.DuckDBPyConnection, condition: str, sources: str) -> None:
    """Make sure that a condition is one.

    Raises:
        SqlError: it is a number, text or something else that is neither true nor false.
    """
    (kind,) = types_of(connection, [condition], sources)
    if kind not in ("BOOLEAN", '"NULL"'):
        raise SqlError(
            f"a condition must be true or false, this one is {kind}; nothing was changed.",
            hint="compare it with something, such as … <> 0.",
        )


def refuse_chance(*parts: str | None, what: str) -> None:
    """Refuse conditions that say something else each time they are asked.

    Raises:
        SqlError: a function of chance stands in one of them.
    """
    from lakelet.engines.dialect.tokens import tokenize

    for part in parts:
        for token in tokenize(part or ""):
            if token.word in _CHANCE:
                raise SqlError(
                    f"{token.text}() in a condition of {what} is refused: which rows are meant "
                    "would be left to chance; nothing was changed.",
                    hint="write the choice into a table first.",
                )


def merged(*parts: Translation | None) -> list[Translation]:
    """The translations among some that may be missing."""
    return [part for part in parts if part is not None]
