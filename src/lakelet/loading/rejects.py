"""Rows that were not records: the companion table ``schema.table__rejected``."""

from __future__ import annotations

import duckdb

from lakelet.lake import Lake, TableName
from lakelet.lake.delta import delta_errors, retry_conflicts
from lakelet.lake.type_text import parse_columns
from lakelet.workspace.steps import declare, step

__all__ = ("REJECTED_COLUMNS", "append_rejects", "discard_rejects", "rejected_select")

_DISCARD = declare("rejects.discard", "rejected rows of a batch that never counted are gone")
REJECTED_COLUMNS = parse_columns(
    "rejected_at TIMESTAMP, batch BIGINT, file STRING, line BIGINT, reason STRING, "
    "expectations ARRAY<STRING>, record STRING"
)


def append_rejects(
    lake: Lake, table: TableName, batch: int, connection: duckdb.DuckDBPyConnection
) -> None:
    """Write the rows of the connection's table ``rejects`` for a batch.

    They count once the batch's rows are committed, as the ledger's entries do.
    """
    companion = lake.create(
        table.rejected,
        REJECTED_COLUMNS,
        comment=f"what was in the files of {table} and is no record",
        if_absent=True,
    )
    companion.append(connection.sql(rejected_select(batch)))


def rejected_select(batch: int) -> str:
    """The rows of a load's table ``rejects`` as the companion table holds them."""
    return (
        f"SELECT now() AS rejected_at, {batch}::BIGINT AS batch, s.path AS file, line, reason, "
        "NULL::VARCHAR[] AS expectations, record FROM rejects JOIN sources s USING (file) "
        "ORDER BY file, line"
    )


def discard_rejects(lake: Lake, table: TableName, above: int) -> None:
    """Remove rejected rows of batches above one number: they never counted."""
    if not lake.exists(table.rejected):
        return
    companion = lake.table(table.rejected)

    def commit() -> None:
        with delta_errors(str(companion.name)), step(_DISCARD):
            companion.open().delete(f"batch > {above}")

    retry_conflicts(commit)
