"""ALTER TABLE and COMMENT ON as they are written (Databricks SQL reference, pages of that name)."""

from __future__ import annotations

from dataclasses import dataclass

from lakelet.engines.statements.cursor import Cursor
from lakelet.engines.statements.syntax.create import (
    NewColumn,
    read_check,
    read_column,
    read_properties,
    read_type,
)
from lakelet.errors import SqlError
from lakelet.lake import TableName
from lakelet.lake.types import DataType

__all__ = (
    "AddCheck", "AddColumns", "AlterColumn", "CommentOn", "DropCheck", "DropColumns",
    "RenameColumn", "RenameTable", "SetProperties", "SetTags", "UnsetTags", "read_alter",
    "read_comment",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AddColumns:
    """ADD COLUMN."""

    table: TableName
    columns: tuple[NewColumn, ...]


@dataclass(frozen=True, slots=True)
class DropColumns:
    """DROP COLUMN."""

    table: TableName
    names: tuple[str, ...]
    if_there: bool


@dataclass(frozen=True, slots=True)
class RenameColumn:
    """RENAME COLUMN."""

    table: TableName
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class AlterColumn:
    """ALTER COLUMN: one of a type, whether NULL is allowed, or a comment."""

    table: TableName
    name: str
    type: DataType | None = None
    nullable: bool | None = None


@dataclass(frozen=True, slots=True)
class AddCheck:
    """ADD CONSTRAINT … CHECK."""

    table: TableName
    name: str
    condition: str


@dataclass(frozen=True, slots=True)
class DropCheck:
    """DROP CONSTRAINT."""

    table: TableName
    name: str
    if_there: bool


@dataclass(frozen=True, slots=True)
class SetProperties:
    """SET TBLPROPERTIES."""

    table: TableName
    properties: dict[str, str]


@dataclass(frozen=True, slots=True)
class SetTags:
    """SET TAGS; a tag without a value has ''."""

    table: TableName
    tags: dict[str, str]


@dataclass(frozen=True, slots=True)
class UnsetTags:
    """UNSET TAGS."""

    table: TableName
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RenameTable:
    """RENAME TO."""

    table: TableName
    name: TableName


@dataclass(frozen=True, slots=True)
class CommentOn:
    """COMMENT ON TABLE or COLUMN; None takes the comment away."""

    table: TableName
    column: str | None
    comment: str | None


Alteration = (
    AddColumns | DropColumns | RenameColumn | AlterColumn | AddCheck | DropCheck | SetProperties
    | SetTags | UnsetTags | RenameTable | CommentOn
)  # fmt: skip


def read_alter(cursor: Cursor) -> Alteration:
    """ALTER TABLE t …."""
    cursor.expect("ALTER")
    if cursor.word != "TABLE":
        raise SqlError(f"ALTER {cursor.word} is refused; nothing was changed.", hint="ALTER TABLE.")
    cursor.expect("TABLE")
    table = cursor.table()
    found = _alteration(cursor, table)
    cursor.end()
    return found


def _alteration(cursor: Cursor, table: TableName) -> Alteration:
    if cursor.accept("ADD"):
        return _add(cursor, table)
    if cursor.accept("DROP"):
        return _drop(cursor, table)
    if cursor.accept("RENAME", "TO"):
        return RenameTable(table, cursor.table())
    if cursor.accept("RENAME", "COLUMN"):
        old = _column(cursor)
        cursor.expect("TO")
        return RenameColumn(table, old, cursor.name("the new name"))
    if cursor.accept("ALTER") or cursor.accept("CHANGE"):
        cursor.accept("COLUMN")
        return _alter_column(cursor, table)
    if cursor.accept("SET", "TBLPROPERTIES"):
        return SetProperties(table, read_properties(cursor))
    if cursor.accept("SET", "TAGS"):
        return SetTags(table, _tags(cursor))
    if cursor.accept("UNSET", "TAGS"):
        return UnsetTags(table, _tag_names(cursor))
    if cursor.accept("UNSET", "TBLPROPERTIES"):
        raise SqlError(
            "UNSET TBLPROPERTIES is refused: the Delta library cannot take a property away; "
            "nothing was changed.",
            hint="SET TBLPROPERTIES gives it another value.",
        )
    raise SqlError(
        f"ALTER TABLE … {cursor.rest()[:40]} is refused; nothing was changed.",
        hint="ADD, DROP, RENAME and ALTER COLUMN, ADD and DROP CONSTRAINT, SET TBLPROPERTIES, SET "
        "and UNSET TAGS and RENAME TO work.",
    )


def _tags(cursor: Cursor) -> dict[str, str]:
    """``('name' [= 'value'], …)``."""
    found: dict[str, str] = {}
    cursor.expect("(")
    while not found or cursor.accept(","):
        name = cursor.string("a tag in quotes")
        if name in found:
            raise SqlError(f"the tag {name!r} is given twice; nothing was changed.")
        found[name] = cursor.string("a value in quotes") if cursor.accept("=") else ""
    cursor.expect(")")
    return found


def _tag_names(cursor: Cursor) -> tuple[str, ...]:
    """``('name', …)``."""
    found: list[str] = []
    cursor.expect("(")
    while not found or cursor.accept(","):
        found.append(cursor.string("a tag in quotes"))
    cursor.expect(")")
    return tuple(found)


def _column(cursor: Cursor) -> str:
    parts = cursor.names("a column")
    if len(parts) > 1:
        raise SqlError(
            f"{'.'.join(parts)} is a field inside a column; only whole columns are altered here.",
            hint="CREATE OR REPLACE TABLE … AS SELECT makes the column anew.",
        )
    return parts[0]


def _add(cursor: Cursor, table: TableName) -> Alteration:
    if cursor.accept("CONSTRAINT"):
        return AddCheck(table, cursor.name("the constraint's name"), read_check(cursor))
    if not (cursor.accept("COLUMN") or cursor.accept("COLUMNS")):
        raise cursor.wrong("COLUMN, COLUMNS or CONSTRAINT")
    if cursor.accept("IF", "NOT", "EXISTS"):
        raise SqlError(
            "ADD COLUMN IF NOT EXISTS is refused; nothing was changed.",
            hint=f"DESCRIBE {table} says which columns there are.",
        )
    inner = cursor
    if (token := cursor.peek()) and token.text == "(":
        inner = Cursor(cursor.parenthesised(), cursor.dialect)
    columns = [read_column(inner)]
    while inner.accept(","):
        columns.append(read_column(inner))
    if inner.word in ("FIRST", "AFTER"):
        raise SqlError(
            f"{inner.word} is refused: a new column is the last; nothing was changed.",
            hint="order the columns in SELECT.",
        )
    inner.end()
    return AddColumns(table, tuple(columns))


def _drop(cursor: Cursor, table: TableName) -> Alteration:
    if cursor.accept("CONSTRAINT"):
        if_there = cursor.accept("IF", "EXISTS")
        return DropCheck(table, cursor.name("the constraint's name"), if_there)
    if not (cursor.accept("COLUMN") or cursor.accept("COLUMNS")):
        raise cursor.wrong("COLUMN, COLUMNS or CONSTRAINT")
    if_there = cursor.accept("IF", "EXISTS")
    wrapped = cursor.accept("(")
    names = [_column(cursor)]
    while cursor.accept(","):
        names.append(_column(cursor))
    if wrapped:
        cursor.expect(")")
    return DropColumns(table, tuple(names), if_there)


def _alter_column(cursor: Cursor, table: TableName) -> Alteration:
    name = _column(cursor)
    if cursor.accept("TYPE") or cursor.accept("SET", "DATA", "TYPE"):
        return AlterColumn(table, name, type=read_type(cursor))
    if cursor.accept("SET", "NOT", "NULL"):
        return AlterColumn(table, name, nullable=False)
    if cursor.accept("DROP", "NOT", "NULL"):
        return AlterColumn(table, name, nullable=True)
    if cursor.accept("COMMENT"):
        return CommentOn(table, name, cursor.string())
    if cursor.accept("SET", "TAGS") or cursor.accept("UNSET", "TAGS"):
        raise SqlError(
            f"tags of a column ({name}) are refused: only tables have tags here; nothing was "
            "changed.",
            hint=f"COMMENT ON COLUMN {table}.{name} IS '…' says something of a column.",
        )
    raise SqlError(
        f"ALTER COLUMN {name} {cursor.rest()[:40]} is refused; nothing was changed.",
        hint="TYPE, SET NOT NULL, DROP NOT NULL and COMMENT work.",
    )


def read_comment(cursor: Cursor) -> CommentOn:
    """COMMENT ON TABLE t IS … and COMMENT ON COLUMN t.c IS …."""
    cursor.expect("COMMENT", "ON")
    if cursor.accept("TABLE"):
        table, column = cursor.table(), None
    elif cursor.accept("COLUMN"):
        *parts, column = cursor.names("a column")
        text = ".".join("`" + part.replace("`", "``") + "`" for part in parts)
        table = Cursor(text or "``", "databricks").table()
    else:
        raise SqlError(
            f"COMMENT ON {cursor.word} is refused; nothing was changed.",
            hint="COMMENT ON TABLE and COMMENT ON COLUMN work.",
        )
    cursor.expect("IS")
    comment = None if cursor.accept("NULL") else cursor.string()
    cursor.end()
    return CommentOn(table, column, comment)
