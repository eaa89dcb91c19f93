"""DESCRIBE and SHOW as they are written (Databricks SQL reference, pages of that name)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lakelet.engines.statements.cursor import Cursor
from lakelet.errors import SqlError
from lakelet.lake import TableName

__all__ = ("Describe", "ShowOf", "ShowTables", "read_describe", "read_show")


@dataclass(frozen=True, slots=True)
class Describe:
    """DESCRIBE of a table."""

    table: TableName
    what: Literal["columns", "extended", "detail", "history"]
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class ShowTables:
    """SHOW TABLES or SHOW SCHEMAS.

    Attributes:
        what: which of them.
        schema: only the tables of this one.
        pattern: only names like this; ``*`` for anything, ``|`` between alternatives.
    """

    what: Literal["tables", "schemas"]
    schema: str | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class ShowOf:
    """SHOW COLUMNS or SHOW TBLPROPERTIES of a table; ``key`` for one property."""

    table: TableName
    what: Literal["columns", "properties"]
    key: str | None = None


def read_describe(cursor: Cursor) -> Describe:
    """DESCRIBE or DESC [TABLE] [EXTENDED | DETAIL | HISTORY] t."""
    if not cursor.accept("DESC"):
        cursor.expect("DESCRIBE")
    if cursor.word in ("SCHEMA", "DATABASE", "FUNCTION", "CATALOG", "QUERY", "SELECT", "WITH"):
        raise SqlError(
            f"DESCRIBE {cursor.word} is refused.",
            hint="DESCRIBE [EXTENDED | DETAIL | HISTORY] schema.table works.",
        )
    cursor.accept("TABLE")
    what: Literal["columns", "extended", "detail", "history"] = "columns"
    following = cursor.peek(1)
    if following is not None and following.text != ".":
        if cursor.accept("EXTENDED") or cursor.accept("FORMATTED"):
            what = "extended"
        elif cursor.accept("DETAIL"):
            what = "detail"
        elif cursor.accept("HISTORY"):
            what = "history"
    table = cursor.table()
    limit = cursor.number() if what == "history" and cursor.accept("LIMIT") else None
    cursor.end()
    return Describe(table, what, limit)


def read_show(cursor: Cursor) -> ShowTables | ShowOf:
    """SHOW TABLES, SCHEMAS, COLUMNS and TBLPROPERTIES."""
    cursor.expect("SHOW")
    found: ShowTables | ShowOf
    if cursor.accept("TABLES"):
        schema = None
        if cursor.accept("IN") or cursor.accept("FROM"):
            schema = cursor.names("a schema")[-1].lower()
        found = ShowTables("tables", schema, _pattern(cursor))
    elif cursor.accept("SCHEMAS") or cursor.accept("DATABASES"):
        found = ShowTables("schemas", None, _pattern(cursor))
    elif cursor.accept("COLUMNS"):
        if not cursor.accept("FROM"):
            cursor.expect("IN")
        found = ShowOf(cursor.table(), "columns")
    elif cursor.accept("TBLPROPERTIES"):
        table, key = cursor.table(), None
        if cursor.accept("("):
            token = cursor.peek()
            key = (
                cursor.string()
                if token and token.kind == "string"
                else ".".join(cursor.names("a property"))
            )
            cursor.expect(")")
        found = ShowOf(table, "properties", key)
    else:
        raise SqlError(
            f"SHOW {cursor.rest()[:40]} is refused.",
            hint="SHOW TABLES, SCHEMAS, COLUMNS IN t and TBLPROPERTIES t work; DESCRIBE EXTENDED t "
            "says the rest.",
        )
    cursor.end()
    return found


def _pattern(cursor: Cursor) -> str | None:
    liked = cursor.accept("LIKE")
    return cursor.string("a pattern") if liked or not cursor.ended else None
