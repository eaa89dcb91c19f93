"""Rows of plain values as an Arrow table, which DuckDB takes in at once.

Inserting row by row through DuckDB's parameters costs a third of a millisecond each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from arro3.core import Table

__all__ = ("arrow_rows", "insert_rows")


def arrow_rows(rows: Sequence[Sequence[Any]], columns: Mapping[str, str]) -> Table:
    """An Arrow table of rows.

    Args:
        rows: the rows, at least one.
        columns: for each column its Arrow type: ``int32``, ``int64`` or ``string``.
    """
    from arro3.core import Array, DataType, Table

    types = {"int32": DataType.int32(), "int64": DataType.int64(), "string": DataType.string()}
    arrays = [
        Array(list(values), types[kind])
        for values, kind in zip(zip(*rows, strict=True), columns.values(), strict=True)
    ]
    return Table.from_arrays(arrays, names=list(columns))


def insert_rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    rows: Sequence[Sequence[Any]],
    columns: Mapping[str, str],
    *,
    select: str = "*",
) -> None:
    """Insert rows into a table of a connection.

    Args:
        connection: where the table is.
        table: its name.
        rows: the rows.
        columns: names and Arrow types of the rows' columns.
        select: SQL over these columns that gives the table's.
    """
    if not rows:
        return
    connection.register("arriving", arrow_rows(rows, columns))
    connection.execute(f"INSERT INTO {table} SELECT {select} FROM arriving")
    connection.unregister("arriving")
