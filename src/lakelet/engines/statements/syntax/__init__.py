"""Statements by their first words: each is read into a small record, or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from lakelet.engines.statements.cursor import Cursor
from lakelet.engines.statements.syntax.alter import read_alter, read_comment
from lakelet.engines.statements.syntax.create import read_create_table
from lakelet.engines.statements.syntax.listing import read_describe, read_show
from lakelet.engines.statements.syntax.merge import read_merge
from lakelet.engines.statements.syntax.rows import (
    read_delete,
    read_insert,
    read_truncate,
    read_update,
)
from lakelet.engines.statements.syntax.upkeep import (
    read_copy,
    read_create_schema,
    read_drop,
    read_optimize,
    read_restore,
    read_undrop,
    read_vacuum,
)
from lakelet.errors import SqlError, nearest

__all__ = ("read_statement",)


def _create(cursor: Cursor) -> Any:
    cursor.expect("CREATE")
    replace = cursor.accept("OR", "REPLACE")
    if cursor.accept("TABLE"):
        return read_create_table(cursor, replace=replace)
    if not replace and (cursor.accept("SCHEMA") or cursor.accept("DATABASE")):
        return read_create_schema(cursor)
    hints = {
        "EXTERNAL": "`lakelet attach PATH --name schema.table` reads a table where it is.",
        "VIEW": "save the query in queries/, or CREATE TABLE … AS it.",
        "TEMPORARY": "use WITH, or CREATE TABLE in a schema of your own.",
        "TEMP": "use WITH, or CREATE TABLE in a schema of your own.",
    }
    raise SqlError(
        f"CREATE {cursor.word} is refused; nothing was made.",
        hint=hints.get(cursor.word, "CREATE TABLE and CREATE SCHEMA work."),
    )


_READERS: dict[str, Callable[[Cursor], Any]] = {
    "INSERT": read_insert,
    "UPDATE": read_update,
    "DELETE": read_delete,
    "TRUNCATE": read_truncate,
    "MERGE": read_merge,
    "CREATE": _create,
    "ALTER": read_alter,
    "COMMENT": read_comment,
    "DROP": read_drop,
    "UNDROP": read_undrop,
    "RESTORE": read_restore,
    "OPTIMIZE": read_optimize,
    "VACUUM": read_vacuum,
    "COPY": read_copy,
    "DESCRIBE": read_describe,
    "DESC": read_describe,
    "SHOW": read_show,
}
_INSTEAD = {
    "USE": "write tables in full, schema.table.",
    "SET": "settings stand in lakelet.toml.",
    "REPLACE": "CREATE OR REPLACE TABLE works.",
    "EXPLAIN": "`lakelet show schema.table` says how a table is read and why.",
    "ANALYZE": "leave it out: statistics are written with every file.",
    "REFRESH": "leave it out: a statement reads each table at its newest version.",
    "CACHE": "leave it out.",
    "MSCK": "`lakelet load` finds new files.",
    "GRANT": "whoever can read the workspace's folder can read its tables.",
    "REVOKE": "whoever can read the workspace's folder can read its tables.",
    "BEGIN": "each statement is a transaction of its own.",
    "COMMIT": "each statement is a transaction of its own.",
    "ROLLBACK": "RESTORE TABLE t TO VERSION AS OF n goes back.",
    "ATTACH": "`lakelet attach PATH --name schema.table` adopts a Delta table.",
    "LOAD": "COPY INTO, or `lakelet load`, loads files.",
    "IMPORT": "COPY INTO, or `lakelet load`, loads files.",
    "EXPORT": "`lakelet sql … --as parquet -o FILE` writes files.",
    "UPSERT": "MERGE INTO does that.",
}


def read_statement(text: str, dialect: Literal["databricks", "duckdb"]) -> Any:
    """One statement as a record.

    Raises:
        SqlError: several statements, one that is not among those that work, or one that is wrong.
    """
    cursor = Cursor(text, dialect)
    if any(token.text == ";" and token.kind == "operator" for token in cursor.solid()):
        raise SqlError(
            "there are several statements in one text; none was run.",
            hint="run them one after the other.",
        )
    word = cursor.word
    reader = _READERS.get(word)
    if reader is not None:
        return reader(cursor)
    close = nearest(word, (*_READERS, "SELECT", "WITH", "VALUES"))
    raise SqlError(
        f"{word} is refused: it is not among the statements that work here; nothing was run.",
        hint=_INSTEAD.get(word)
        or (f"did you mean {close}?" if close else None)
        or "docs/sql.md lists those that work.",
    )
