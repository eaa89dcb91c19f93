"""INSERT, UPDATE, DELETE and TRUNCATE TABLE as they are written.

Sources: Databricks SQL reference, "INSERT INTO", "INSERT OVERWRITE", "UPDATE", "DELETE FROM",
"TRUNCATE TABLE".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lakelet.engines.statements.cursor import Cursor
from lakelet.engines.statements.syntax.qualified import without_schema
from lakelet.errors import SqlError
from lakelet.lake import TableName

__all__ = (
    "Delete", "Insert", "Update", "assignments", "read_delete", "read_insert", "read_truncate",
    "read_update",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Insert:
    """INSERT of a query's rows.

    Attributes:
        table: the table.
        query: the query, or VALUES.
        columns: the columns named; None for all, in order.
        by_name: whether the query's columns go where their names say.
        overwrite: whether the rows take the place of others.
        replaced: condition of the rows that go; None for all (only with ``overwrite``).
    """

    table: TableName
    query: str
    columns: tuple[str, ...] | None = None
    by_name: bool = False
    overwrite: bool = False
    replaced: str | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """UPDATE; ``condition`` None means every row."""

    table: TableName
    alias: str
    assignments: tuple[tuple[str, str], ...]
    condition: str | None


@dataclass(frozen=True, slots=True)
class Delete:
    """DELETE; ``condition`` None means every row."""

    table: TableName
    alias: str
    condition: str | None
    word: str = "DELETE"


def read_insert(cursor: Cursor) -> Insert:
    """INSERT INTO and INSERT OVERWRITE."""
    cursor.expect("INSERT")
    overwrite = cursor.accept("OVERWRITE")
    if not overwrite:
        cursor.expect("INTO")
    cursor.accept("TABLE")
    table = cursor.table()
    if cursor.word == "PARTITION":
        raise SqlError(
            "INSERT … PARTITION (…) is refused; nothing was written.",
            hint="name the partition's columns among the others: INSERT INTO t (day, …) SELECT …",
        )
    replaced = None
    if not overwrite and cursor.accept("REPLACE"):
        if cursor.word != "WHERE":
            raise SqlError(f"INSERT … REPLACE {cursor.word} is refused.", hint="use REPLACE WHERE.")
        cursor.expect("WHERE")
        overwrite = True
        replaced = cursor.until("SELECT", "VALUES", "WITH", "TABLE")
    columns = None
    if (token := cursor.peek()) and token.text == "(" and not _is_query(cursor):
        columns = _names(cursor)
    by_name = cursor.accept("BY", "NAME")
    if cursor.accept("DEFAULT", "VALUES"):
        raise SqlError(
            "INSERT … DEFAULT VALUES is refused: columns have no defaults here.",
            hint="write VALUES with the values.",
        )
    query = f"SELECT * FROM {cursor.rest()}" if cursor.accept("TABLE") else cursor.rest()
    if not query:
        raise cursor.wrong("a query or VALUES")
    if columns and by_name:
        raise SqlError("INSERT takes a list of columns or BY NAME, not both; nothing was written.")
    return Insert(table, query, columns, by_name, overwrite, replaced)


def _is_query(cursor: Cursor) -> bool:
    ahead = 0
    while (token := cursor.peek(ahead)) and token.text == "(":
        ahead += 1
    return token is not None and token.word in ("SELECT", "WITH", "VALUES", "FROM")


def _names(cursor: Cursor) -> tuple[str, ...]:
    cursor.expect("(")
    found = [cursor.name("a column")]
    while cursor.accept(","):
        found.append(cursor.name("a column"))
    cursor.expect(")")
    return tuple(found)


def assignments(cursor: Cursor, *stops: str) -> tuple[tuple[str, str], ...]:
    """``column = value`` pairs; a column may be qualified by the table's alias."""
    found: list[tuple[str, str]] = []
    while not found or cursor.accept(","):
        column = cursor.names("a column")
        if not (cursor.accept("=") or cursor.accept("==")):
            raise cursor.wrong("=")
        value = cursor.until(",", *stops)
        if not value:
            raise cursor.wrong("a value")
        found.append((column[-1], value))
    return tuple(found)


def _alias(cursor: Cursor, table: TableName, *stops: str) -> str:
    if cursor.accept("AS") or (not cursor.ended and cursor.word not in stops):
        return cursor.name("an alias")
    return table.table


def read_update(cursor: Cursor) -> Update:
    """UPDATE t [AS a] SET … [WHERE …]."""
    cursor.expect("UPDATE")
    table = cursor.table()
    alias = _alias(cursor, table, "SET")
    cursor.expect("SET")
    pairs = assignments(cursor, "WHERE", "FROM")
    if cursor.word == "FROM":
        raise SqlError(
            "UPDATE … FROM is refused; nothing was changed.",
            hint="use MERGE INTO, which says what several matches mean.",
        )
    known = [(table.schema, table.table)] if alias == table.table else []
    pairs = tuple((n, without_schema(value, known, cursor.dialect)) for n, value in pairs)
    return Update(table, alias, pairs, _where(cursor, known))


def _where(cursor: Cursor, known: Sequence[tuple[str, str]]) -> str | None:
    if cursor.ended:
        return None
    cursor.expect("WHERE")
    condition = cursor.rest()
    if not condition:
        raise cursor.wrong("a condition")
    return without_schema(condition, known, cursor.dialect)


def read_delete(cursor: Cursor) -> Delete:
    """DELETE FROM t [AS a] [WHERE …]."""
    cursor.expect("DELETE", "FROM")
    table = cursor.table()
    alias = _alias(cursor, table, "WHERE", "USING")
    if cursor.word == "USING":
        raise SqlError(
            "DELETE … USING is refused; nothing was changed.",
            hint="write WHERE EXISTS (SELECT …), or MERGE INTO … WHEN MATCHED THEN DELETE.",
        )
    known = [(table.schema, table.table)] if alias == table.table else []
    return Delete(table, alias, _where(cursor, known))


def read_truncate(cursor: Cursor) -> Delete:
    """TRUNCATE TABLE t: every row goes, the history stays."""
    cursor.expect("TRUNCATE", "TABLE")
    table = cursor.table()
    cursor.end()
    return Delete(table, table.table, None, "TRUNCATE")
