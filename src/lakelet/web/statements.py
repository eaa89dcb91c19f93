"""Statements as pages write them, in Databricks' dialect whatever the workspace speaks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from lakelet.lake import TableName
from lakelet.session import Workspace
from lakelet.web.code import as_command, identifier

__all__ = (
    "DIALECT", "add_check", "as_sql_command", "comment_on", "drop_check", "drop_table", "set_tags",
    "undrop_table", "unset_tags",
)  # fmt: skip

DIALECT: Final = "databricks"


def as_sql_command(workspace: Workspace, statement: str) -> str:
    """What runs a statement in a terminal."""
    spoken = workspace.folder.settings.sql.dialect
    return as_command(["sql", statement, *([] if spoken == DIALECT else ["--dialect", DIALECT])])


def _table(name: TableName) -> str:
    return f"{identifier(name.schema)}.{identifier(name.table)}"


def _text(value: str) -> str:
    """A string literal (Databricks SQL reference, "STRING type", "Literals")."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def comment_on(name: TableName, column: str | None, comment: str) -> str:
    """A comment on a table or one of its columns; '' takes it away."""
    table = _table(name)
    what = f"TABLE {table}" if column is None else f"COLUMN {table}.{identifier(column)}"
    return f"COMMENT ON {what} IS {_text(comment) if comment else 'NULL'}"


def set_tags(name: TableName, tags: Mapping[str, str]) -> str:
    """Tags with their values."""
    given = ", ".join(f"{_text(k)} = {_text(v)}" if v else _text(k) for k, v in tags.items())
    return f"ALTER TABLE {_table(name)} SET TAGS ({given})"


def unset_tags(name: TableName, tags: Iterable[str]) -> str:
    """Tags that go."""
    return f"ALTER TABLE {_table(name)} UNSET TAGS ({', '.join(map(_text, tags))})"


def add_check(name: TableName, constraint: str, condition: str) -> str:
    """A constraint."""
    return f"ALTER TABLE {_table(name)} ADD CONSTRAINT {identifier(constraint)} CHECK ({condition})"


def drop_check(name: TableName, constraint: str) -> str:
    """A constraint that goes."""
    return f"ALTER TABLE {_table(name)} DROP CONSTRAINT {identifier(constraint)}"


def drop_table(name: TableName) -> str:
    """A table that goes, and can be brought back."""
    return f"DROP TABLE {_table(name)}"


def undrop_table(name: TableName) -> str:
    """A dropped table that comes back."""
    return f"UNDROP TABLE {_table(name)}"
