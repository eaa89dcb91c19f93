"""delta-rs' own scan as a source DuckDB can read again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import duckdb
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from deltalake.schema import PrimitiveType

from lakelet.engines.routes.columns import Column
from lakelet.errors import UnsupportedTableError
from lakelet.lake.names import quote

__all__ = ("ScanSource",)


class ScanStream:
    """A pinned snapshot that starts a fresh delta-rs scan each time it is read.

    ``DeltaTable.scan()`` alone is a stream that ends after one reading; a statement that names a
    table twice would see it empty the second time. DuckDB asks a registered object for its Arrow
    stream once a reference (the Arrow PyCapsule Interface), so each reference gets its own scan.
    """

    def __init__(self, table: DeltaTable) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._table.scan().__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        return self._table.scan().schema.__arrow_c_schema__()


@dataclass(frozen=True, slots=True)
class ScanSource:
    """delta-rs reads the files; DuckDB sees its Arrow stream."""

    table: DeltaTable
    columns: tuple[Column, ...]

    @classmethod
    def of(cls, table: DeltaTable, columns: Sequence[Column], doubt: str) -> Self:
        """The scan of a snapshot that the direct route declined because of ``doubt``.

        Raises:
            UnsupportedTableError: delta-rs cannot read it exactly either.
        """
        binary = PrimitiveType("binary")
        if any(column.partition and column.delta_type == binary for column in columns):
            raise _refused(table, doubt, "delta-rs does not undo the escapes of binary partitions")
        try:
            table.scan()
        except DeltaError as error:
            raise _refused(table, doubt, str(error).splitlines()[0]) from error
        return cls(table, tuple(columns))

    def relation(self, connection: duckdb.DuckDBPyConnection, label: str) -> str:
        """A SELECT over a registered stream that starts anew for each reference."""
        name = f"lakelet scan of {label}"
        connection.register(name, ScanStream(self.table))
        typed = ", ".join(f"{_typed(c)} AS {quote(c.name)}" for c in self.columns)
        return f"SELECT {typed} FROM temp.main.{quote(name)}"

    def select(self) -> None:
        """Nothing: a stream is registered on one connection."""
        return


def _typed(column: Column) -> str:
    name = quote(column.name)
    if column.partition and column.delta_type == PrimitiveType("string"):
        # The protocol takes an empty partition value for NULL; delta-rs' scan does not.
        name = f"NULLIF({name}, '')"
    return f"CAST({name} AS {column.sql_type})"


def _refused(table: DeltaTable, doubt: str, refusal: str) -> UnsupportedTableError:
    return UnsupportedTableError(
        f"{table.table_uri} at version {table.version()} cannot be read exactly: {doubt}, and "
        f"delta-rs says: {refusal}; nothing was read.",
        hint="copy the table with the engine that wrote it.",
    )
