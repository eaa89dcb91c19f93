"""The rows of a DuckDB relation in the forms of other libraries, imported when asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lakelet.engines.engine import duckdb_errors
from lakelet.errors import MissingExtraError

if TYPE_CHECKING:
    import duckdb
    import pandas
    import polars
    import pyarrow
    from arro3.core import RecordBatch

__all__ = ("Forms",)


class Forms(ABC):
    """Something whose rows can be had as Arrow, Polars and pandas; nothing is read before."""

    @abstractmethod
    def _formed(self) -> duckdb.DuckDBPyRelation:
        """The rows, to be read once."""

    def _taken(self, rows: int | None) -> None:  # noqa: B027 - most have nobody to tell
        """Told how many rows were read, None where that is unknown."""

    def batches(self) -> Iterator[RecordBatch]:
        """The rows as Arrow batches (arro3), a few thousand rows at a time."""
        from arro3.core import RecordBatchReader

        rows = 0
        with duckdb_errors():
            for batch in RecordBatchReader.from_stream(self._formed()):
                rows += batch.num_rows
                yield batch
        self._taken(rows)

    def arrow(self) -> pyarrow.Table:
        """All rows as a pyarrow table.

        Raises:
            MissingExtraError: pyarrow is not installed.
        """
        try:
            import pyarrow
        except ImportError as error:
            raise MissingExtraError.needs("frames", "a pyarrow table") from error
        with duckdb_errors():
            found = pyarrow.table(self._formed())
        self._taken(found.num_rows)
        return found

    def polars(self) -> polars.DataFrame:
        """All rows as a Polars frame.

        Raises:
            MissingExtraError: Polars is not installed.
        """
        try:
            import polars
        except ImportError as error:
            raise MissingExtraError.needs("frames", "a Polars frame") from error
        with duckdb_errors():
            found = polars.DataFrame(self._formed())
        self._taken(found.height)
        return found

    def pandas(self) -> pandas.DataFrame:
        """All rows as a pandas frame.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas  # noqa: F401 - named here so that its absence is told well
        except ImportError as error:
            raise MissingExtraError.needs("frames", "a pandas frame") from error
        with duckdb_errors():
            found = self._formed().df()
        self._taken(len(found))
        return found

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The rows as an Arrow C stream (Arrow PyCapsule interface)."""
        self._taken(None)
        with duckdb_errors():
            return self._formed().__arrow_c_stream__(requested_schema)
