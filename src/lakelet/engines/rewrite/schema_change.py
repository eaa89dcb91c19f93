"""Changing a column's type, name or presence: one commit that rewrites the table.

Delta tables can do some of this without rewriting, by features that few readers have ("type
widening", "column mapping"). Tables written here stay readable everywhere; rewriting is the price.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from lakelet.engines.engine import duckdb_errors
from lakelet.engines.rewrite.target import Target
from lakelet.errors import SchemaError
from lakelet.lake import LakeTable
from lakelet.lake.delta import delta_errors, retry_conflicts
from lakelet.lake.handover import handed_over_stream
from lakelet.lake.names import quote
from lakelet.lake.types import Column, DataType
from lakelet.workspace.quantities import counted
from lakelet.workspace.steps import declare, step

if TYPE_CHECKING:
    from arro3.core import RecordBatchReader
    from deltalake import DeltaTable

__all__ = ("Rewritten", "change_type", "rewrite_columns", "table_bytes")

_REWRITE = declare("table.rewrite", "the table has its new columns, in one commit")


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A column of the rewritten table: what it is, and the SQL that gives its values."""

    column: Column
    expression: str


def table_bytes(table: DeltaTable) -> int:
    """Bytes of the data files of a snapshot: what a rewrite reads."""
    return sum(table.get_add_actions().column("size_bytes").to_pylist())


def change_type(
    table: LakeTable, connection: duckdb.DuckDBPyConnection, name: str, kind: DataType
) -> int:
    """Give a column another type, in one commit, if no value is lost by it.

    Returns:
        Bytes rewritten.

    Raises:
        SchemaError: the column is not there, or some of its values do not survive.
    """
    with duckdb_errors():
        target = Target.attach(table, connection)
        column = next((c for c in target.columns if c.name.lower() == name.lower()), None)
        if column is None:
            raise SchemaError(f"{table.name} has no column {name!r}; nothing was changed.")
        old = quote(column.name)
        new = f"TRY_CAST({old} AS {kind.duckdb})"
        if kind.sql in ("DOUBLE", "FLOAT") and column.type.sql not in ("DOUBLE", "FLOAT"):
            # Written back, it is to have the same digits, as a load asks of a text: 17 digits of a
            # BIGINT may be a double exactly, and be written with 16.
            new = f"CAST({new} AS VARCHAR)"
        back = f"TRY_CAST({new} AS {column.type.duckdb})"
        ((lost,),) = connection.execute(
            f"SELECT count(*) FROM {target.VIEW} WHERE {back} IS DISTINCT FROM {old}"
        ).fetchall()
    if lost:
        raise SchemaError(
            f"{table.name}: {counted(lost, 'value')} of {column.name} would not survive as "
            f"{kind.sql}; nothing was changed.",
            hint="STRING holds every value.",
        )
    changed = [
        Rewritten(
            Column(c.name, kind, c.nullable, c.comment, c.metadata) if c is column else c,
            f"CAST({quote(c.name)} AS {kind.duckdb})" if c is column else quote(c.name),
        )
        for c in target.columns
    ]
    operation = f"{column.name} from {column.type.sql} to {kind.sql}"
    return rewrite_columns(table, connection, changed, operation=operation)


def rewrite_columns(
    table: LakeTable,
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[Rewritten],
    *,
    operation: str,
) -> int:
    """Rewrite the whole table with other columns, in one commit.

    Args:
        table: the table.
        connection: where it is attached.
        columns: the new columns, over the old ones.
        operation: what is done, for the history.

    Returns:
        Bytes rewritten.
    """
    from deltalake import CommitProperties, write_deltalake

    def run() -> int:
        with table.lock(), duckdb_errors():
            target = Target.attach(table, connection)
            selected = ", ".join(
                f"CAST({one.expression} AS {one.column.type.duckdb}) AS {quote(one.column.name)}"
                for one in columns
            )
            relation = connection.sql(f"SELECT {selected} FROM {target.VIEW}")
            size = table_bytes(target.snapshot)
            metadata = {"lakelet.operation": "REWRITE", "lakelet.change": operation}
            with delta_errors(str(table.name)), step(_REWRITE):
                write_deltalake(
                    target.snapshot,
                    _with_metadata(relation, [one.column for one in columns]),
                    mode="overwrite",
                    schema_mode="overwrite",
                    partition_by=target.snapshot.metadata().partition_columns or None,
                    commit_properties=CommitProperties(custom_metadata=metadata),
                )
            return size

    return retry_conflicts(run)


def _with_metadata(
    relation: duckdb.DuckDBPyRelation, columns: Sequence[Column]
) -> RecordBatchReader:
    """The rows as a stream whose fields carry the columns' comments and metadata."""
    from arro3.core import Field, RecordBatch, RecordBatchReader, Schema

    stream = handed_over_stream(relation)
    fields = []
    for index, column in enumerate(columns):
        field = stream.schema.field(index)
        metadata = {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in column.delta["metadata"].items()
        }
        fields.append(Field(field.name, field.type, nullable=column.nullable, metadata=metadata))
    schema = Schema(fields)
    batches = (
        RecordBatch.from_arrays([batch.column(i) for i in range(len(fields))], schema=schema)
        for batch in stream
    )
    return RecordBatchReader.from_batches(schema, batches)
