"""Writing frames to a table: append, and merge by key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from lakelet.engines.connection import open_connection
from lakelet.engines.engine import duckdb_errors
from lakelet.engines.rewrite import Insert, Matched, Merge, Outcome, Target, merge_rows
from lakelet.engines.rewrite.target import GENERATED
from lakelet.errors import CommandError, SchemaError, nearest
from lakelet.lake import LakeTable
from lakelet.lake.delta import retry_conflicts
from lakelet.lake.names import quote
from lakelet.session.frames import attach_frame, fractions_told

__all__ = ("append_frame", "merge_frame")

_WHEN = {
    "when_matched": ("update", "keep", "delete"),
    "when_not_matched": ("insert", "ignore"),
    "when_missing": ("keep", "delete"),
}


_ROWS = '"lakelet rows"'


def _hold(connection: duckdb.DuckDBPyConnection, select: str) -> None:
    """Hold a frame's rows in a table of the connection, which spills to disk.

    A stream can be read once, a conflict asks for it again; and one that Python makes batch by
    batch crashes when DuckDB hands it on as a stream of its own.
    """
    with fractions_told():
        connection.execute(f"CREATE TABLE {_ROWS} AS {select}")


def append_frame(table: LakeTable, frame: Any) -> None:
    """Add a frame's rows in one commit.

    Raises:
        SchemaError: a column the table does not have, or of a type it cannot hold.
        ConstraintError: a row breaks a constraint; nothing was written.
    """
    connection = open_connection(table.workspace)
    columns = [c for c in table.columns() if GENERATED not in dict(c.metadata)]
    with duckdb_errors():
        _hold(connection, attach_frame(connection, frame, columns, table=str(table.name)))
        table.append(connection.sql(f"SELECT * FROM {_ROWS}"))


def merge_frame(
    table: LakeTable,
    frame: Any,
    on: Sequence[str] | str,
    *,
    when_matched: str,
    when_not_matched: str,
    when_missing: str,
) -> Outcome:
    """Merge a frame's rows by key, in one commit.

    Raises:
        SchemaError: a column the table does not have, or of a type it cannot hold.
        SqlError: several rows of the frame have the same key.
        ConflictError: other writers were first for a whole minute.
    """
    given = {"when_matched": when_matched, "when_not_matched": when_not_matched,
             "when_missing": when_missing}  # fmt: skip
    for name, value in given.items():
        if value not in _WHEN[name]:
            raise CommandError(f"{name} is {value!r}; it is one of {', '.join(_WHEN[name])}.")
    on = [on] if isinstance(on, str) else list(on)
    if not on:
        raise CommandError(
            "on names no column; nothing was merged.",
            hint="on=['id'] says which columns identify a row.",
        )
    connection = open_connection(table.workspace)
    columns = [c for c in table.columns() if GENERATED not in dict(c.metadata)]
    names = {column.name.lower(): column.name for column in columns}
    for key in on:
        if key.lower() not in names:
            close = nearest(key, names)
            hint = f"did you mean {close!r}?" if close else None
            raise SchemaError(f"{table.name} has no column {key!r} to merge on.", hint=hint)
    with duckdb_errors():
        _hold(connection, attach_frame(connection, frame, columns, table=str(table.name)))
    values = {column.name: f"source.{quote(column.name)}" for column in columns}
    update = None if when_matched == "delete" else values
    merge = Merge(
        f"SELECT * FROM {_ROWS}",
        " AND ".join(
            f"target.{quote(names[k.lower()])} = source.{quote(names[k.lower()])}" for k in on
        ),
        matched=[] if when_matched == "keep" else [Matched(None, update)],
        inserts=[Insert(None, values)] if when_not_matched == "insert" else [],
        missing=[Matched(None, None)] if when_missing == "delete" else [],
    )

    def run() -> Outcome:
        with table.lock(), duckdb_errors():
            return merge_rows(Target.attach(table, connection), merge)

    return retry_conflicts(run)
