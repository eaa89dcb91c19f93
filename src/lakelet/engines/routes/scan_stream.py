"""delta-rs' own scan as a source DuckDB can read again and again."""

from __future__ import annotations

from deltalake import DeltaTable

__all__ = ("ScanStream",)


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
