"""Statements about whole tables: DROP, UNDROP, RESTORE, OPTIMIZE, VACUUM, COPY INTO.

Sources: Databricks SQL reference, pages of these names, and "CREATE SCHEMA".
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lakelet.engines.statements.cursor import Cursor
from lakelet.engines.statements.syntax.create import read_properties
from lakelet.errors import SqlError
from lakelet.lake import TableName

__all__ = (
    "CopyInto", "CreateSchema", "DropTable", "Optimize", "Restore", "UndropTable", "Vacuum",
    "read_copy", "read_create_schema", "read_drop", "read_optimize", "read_restore", "read_undrop",
    "read_vacuum",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CreateSchema:
    """CREATE SCHEMA."""

    name: str
    if_absent: bool


@dataclass(frozen=True, slots=True)
class DropTable:
    """DROP TABLE."""

    table: TableName
    if_there: bool


@dataclass(frozen=True, slots=True)
class UndropTable:
    """UNDROP TABLE."""

    table: TableName


@dataclass(frozen=True, slots=True)
class Restore:
    """RESTORE TABLE; one of version and moment is set."""

    table: TableName
    version: int | None = None
    moment: str | None = None


@dataclass(frozen=True, slots=True)
class Optimize:
    """OPTIMIZE; with columns, rows that are alike in them end up together."""

    table: TableName
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Vacuum:
    """VACUUM; ``hours`` None for the workspace's retention."""

    table: TableName
    hours: int | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class CopyInto:
    """COPY INTO.

    Attributes:
        table: where to.
        path: file, folder, glob or volume path.
        format: of the files.
        pattern: a glob below ``path``, or None.
        format_options: how the files are read.
        copy_options: what becomes of new fields.
    """

    table: TableName
    path: str
    format: str
    pattern: str | None = None
    format_options: dict[str, str] = field(default_factory=dict)
    copy_options: dict[str, str] = field(default_factory=dict)


def read_create_schema(cursor: Cursor) -> CreateSchema:
    """What follows CREATE SCHEMA or CREATE DATABASE."""
    if_absent = cursor.accept("IF", "NOT", "EXISTS")
    name = cursor.names("the schema's name")[-1]
    if cursor.accept("COMMENT"):
        cursor.string()
    cursor.end()
    return CreateSchema(name.lower(), if_absent)


def read_drop(cursor: Cursor) -> DropTable:
    """DROP TABLE [IF EXISTS] t."""
    cursor.expect("DROP")
    if cursor.word != "TABLE":
        raise SqlError(
            f"DROP {cursor.word} is refused; nothing was changed.",
            hint="DROP TABLE works; a schema goes when its folder does.",
        )
    cursor.expect("TABLE")
    if_there = cursor.accept("IF", "EXISTS")
    found = DropTable(cursor.table(), if_there)
    if cursor.word == "PURGE":
        raise SqlError(
            "DROP TABLE … PURGE is refused: a dropped table can be brought back; it is still there."
        )
    cursor.end()
    return found


def read_undrop(cursor: Cursor) -> UndropTable:
    """UNDROP TABLE t."""
    cursor.expect("UNDROP", "TABLE")
    found = UndropTable(cursor.table())
    cursor.end()
    return found


def read_restore(cursor: Cursor) -> Restore:
    """RESTORE [TABLE] t [TO] VERSION AS OF n | TIMESTAMP AS OF '…'."""
    cursor.expect("RESTORE")
    cursor.accept("TABLE")
    table = cursor.table()
    cursor.accept("TO")
    if cursor.accept("VERSION", "AS", "OF"):
        found = Restore(table, version=cursor.number("a version"))
    elif cursor.accept("TIMESTAMP", "AS", "OF"):
        found = Restore(table, moment=cursor.string("a moment such as '2026-01-31 12:00:00'"))
    else:
        raise cursor.wrong("VERSION AS OF or TIMESTAMP AS OF")
    cursor.end()
    return found


def read_optimize(cursor: Cursor) -> Optimize:
    """OPTIMIZE t [ZORDER BY (…)]."""
    cursor.expect("OPTIMIZE")
    table = cursor.table()
    if cursor.word in ("WHERE", "FULL"):
        raise SqlError(
            f"OPTIMIZE … {cursor.word} is refused; nothing was changed.",
            hint=f"OPTIMIZE {table} looks at the whole table and rewrites only small files.",
        )
    columns: list[str] = []
    if cursor.accept("ZORDER", "BY"):
        wrapped = cursor.accept("(")
        while not columns or cursor.accept(","):
            columns.append(cursor.name("a column"))
        if wrapped:
            cursor.expect(")")
    cursor.end()
    return Optimize(table, tuple(columns))


def read_vacuum(cursor: Cursor) -> Vacuum:
    """VACUUM t [RETAIN n HOURS] [DRY RUN]."""
    cursor.expect("VACUUM")
    table = cursor.table()
    cursor.accept("FULL")
    if cursor.word == "LITE":
        raise SqlError("VACUUM … LITE is refused; nothing was removed.", hint=f"VACUUM {table}.")
    hours = None
    if cursor.accept("RETAIN"):
        hours = cursor.number("a number of hours")
        cursor.expect("HOURS")
    dry_run = cursor.accept("DRY", "RUN")
    cursor.end()
    return Vacuum(table, hours, dry_run)


def read_copy(cursor: Cursor) -> CopyInto:
    """COPY INTO t FROM 'path' FILEFORMAT = … [PATTERN = …] [FORMAT_OPTIONS …] [COPY_OPTIONS …]."""
    cursor.expect("COPY", "INTO")
    table = cursor.table()
    cursor.expect("FROM")
    if (token := cursor.peek()) and token.text == "(":
        raise SqlError(
            "COPY INTO … FROM (SELECT …) is refused; nothing was loaded.",
            hint="load the files as they are, or INSERT INTO … SELECT … FROM read_files('…').",
        )
    path = cursor.string("the path in quotes")
    cursor.expect("FILEFORMAT")
    cursor.accept("=")
    kind, pattern = cursor.name("a format").lower(), None
    options: dict[str, dict[str, str]] = {"FORMAT_OPTIONS": {}, "COPY_OPTIONS": {}}
    while not cursor.ended:
        word = cursor.word
        if cursor.accept("PATTERN"):
            cursor.accept("=")
            pattern = cursor.string()
        elif word in options:
            cursor.expect(word)
            options[word].update(read_properties(cursor))
        else:
            raise SqlError(
                f"COPY INTO … {cursor.rest()[:30]} is refused; nothing was loaded.",
                hint="PATTERN, FORMAT_OPTIONS and COPY_OPTIONS work.",
            )
    return CopyInto(table, path, kind, pattern, options["FORMAT_OPTIONS"], options["COPY_OPTIONS"])
