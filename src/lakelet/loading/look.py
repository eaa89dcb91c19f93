"""The first look: which columns the records of files, or of the spool, ask for."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from lakelet.lake.types import Primitive
from lakelet.loading.convert import CHUNK, records_reader
from lakelet.loading.inference.csv_columns import tally_csv
from lakelet.loading.inference.json_shapes import tally_json
from lakelet.loading.inference.tally import Tally
from lakelet.loading.records.block import Block
from lakelet.loading.source_file import Layout, SourceFile

__all__ = ("look_at", "look_at_spool")


def look_at(
    connection: duckdb.DuckDBPyConnection, blocks: Iterable[tuple[SourceFile, Layout, Block]]
) -> Tally:
    """Count every value of the records."""
    root = Tally()
    parts: list[tuple[int, Block]] = []
    size, layout = 0, Layout("")
    for source, found, block in blocks:
        if parts and (found != layout or size > CHUNK):
            _count(connection, root, layout, parts)
            parts, size = [], 0
        layout = found
        if block.records:
            parts.append((source.index, block))
            size += block.size
    if parts:
        _count(connection, root, layout, parts)
    return root


def _count(
    connection: duckdb.DuckDBPyConnection,
    root: Tally,
    layout: Layout,
    parts: list[tuple[int, Block]],
) -> None:
    connection.register("batch", records_reader(parts))
    _tally(connection, root, layout)
    connection.unregister("batch")


def _tally(connection: duckdb.DuckDBPyConnection, root: Tally, layout: Layout) -> None:
    if layout.kind == "csv":
        tally_csv(connection, root, layout.header)
    elif layout.kind == "json":
        tally_json(connection, root)
    else:
        value = root.field("value")
        assert value is not None
        value.count, value.texts = 1, 1
        assert value.kind(1.0) == Primitive("STRING")


def look_at_spool(connection: duckdb.DuckDBPyConnection, headers: list[tuple[str, ...]]) -> Tally:
    """Count every value of the records that wait in the spool."""
    root = Tally()
    for (number,) in connection.execute("SELECT DISTINCT header FROM spool ORDER BY 1").fetchall():
        connection.execute(
            "CREATE OR REPLACE VIEW batch AS SELECT file, line, record FROM spool "
            f"WHERE header = {number}"
        )
        _tally(connection, root, Layout("json") if number < 0 else Layout("csv", headers[number]))
        connection.execute("DROP VIEW batch")
    return root
