"""Which entries of the ledger and which rejected rows count.

Both are written before the rows they speak of are committed, and stay when a later batch, a retry
or a restore has the better word. So a reader is shown only what counts: of every file the rejected
rows of its last batch that the table's log holds and no restore took back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from lakelet.errors import StorageError, TableNotFoundError, UnsupportedTableError
from lakelet.lake import Lake, TableName
from lakelet.lake.names import SYSTEM_SCHEMA, literal
from lakelet.lake.publications import Publications, pipeline_of, seen_snapshot
from lakelet.loading.connection import loading_connection
from lakelet.loading.ledger import LEDGER, TRANSACTION, Ledger
from lakelet.loading.restored import standing_since

__all__ = ("counting_condition",)


def counting_condition(
    lake: Lake,
    name: TableName,
    publications: Publications | None = None,
    *,
    of: Collection[TableName] | None = None,
) -> str:
    """SQL that is true for the rows of a table that count; '' where all do.

    Entries of a table that cannot be opened all count: what of them its log holds, nobody knows.

    Args:
        lake: the lake.
        name: the ledger, a companion table of rejected rows, or any other table.
        publications: what is published as far as the reader is concerned; now without it.
        of: of the ledger, the tables whose entries are wanted; no others are opened.
    """
    publications = publications or Publications(lake)
    if name == LEDGER:
        return _ledger_condition(lake, publications, lake.names() if of is None else of)
    if not name.is_rejected:
        return ""
    table = TableName(name.schema, name.table.removesuffix("__rejected"))
    last = _last_batch(lake, table, publications)
    connection = loading_connection(lake.workspace)
    try:
        standing = standing_since(lake.table(table)) if lake.exists(table) else None
        stale = Ledger(lake, connection).superseded(table, last, standing)
    finally:
        connection.close()
    # A pipeline's rejected rows are published with their table; a batch there may be an update.
    owned = pipeline_of(lake.table(name).open().metadata().configuration) is not None
    parts = [] if owned else [f"batch <= {last}"]
    if stale:
        pairs = ", ".join(f"({literal(file)}, {batch})" for file, batch in stale)
        parts.append(f"(expectations IS NOT NULL OR (file, batch) NOT IN ({pairs}))")
    return " AND ".join(parts)


def _ledger_condition(lake: Lake, publications: Publications, tables: Iterable[TableName]) -> str:
    held = []
    for table in tables:
        if table.schema == SYSTEM_SCHEMA or table.is_rejected:
            continue
        try:
            last = _last_batch(lake, table, publications)
        except (StorageError, UnsupportedTableError):
            continue
        held.append(f"(table_name = {literal(str(table))} AND batch > {last})")
    return f"NOT ({' OR '.join(held)})" if held else ""


def _last_batch(lake: Lake, table: TableName, publications: Publications) -> int:
    if not lake.exists(table):
        return 0
    try:
        seen = seen_snapshot(lake.table(table), publications)
    except TableNotFoundError:  # its pipeline has not published it yet
        return 0
    return seen.transaction_version(TRANSACTION) or 0
