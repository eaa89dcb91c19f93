"""The result of a query, in whatever form the next step wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import duckdb

from lakelet.engines.engine import duckdb_errors
from lakelet.errors import MissingExtraError

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow
    from arro3.core import RecordBatch

__all__ = ("Result",)


class Result:
    """Rows of a query; nothing is computed until a form is asked for."""

    def __init__(
        self,
        relation: duckdb.DuckDBPyRelation,
        taken: Callable[[int | None], None] = lambda _rows: None,
    ) -> None:
        """Wrap a relation.

        Args:
            relation: the rows.
            taken: told how many rows there were once they have been taken; None where unknown.
        """
        self._relation = relation
        self._taken = taken

    @property
    def relation(self) -> duckdb.DuckDBPyRelation:
        """DuckDB's own relation, to filter, join and aggregate further."""
        self._taken(None)
        return self._relation

    @property
    def columns(self) -> list[str]:
        """The columns' names."""
        return list(self._relation.columns)

    @property
    def types(self) -> list[str]:
        """The columns' types as DuckDB writes them."""
        return [str(kind) for kind in self._relation.types]

    def rows(self) -> list[tuple[Any, ...]]:
        """All rows as tuples of Python values.

        Raises:
            SqlError: a row makes the query fail (a division by zero, a cast).
        """
        with duckdb_errors():
            found = self._relation.fetchall()
        self._taken(len(found))
        return found

    def dicts(self) -> list[dict[str, Any]]:
        """All rows as dictionaries by column name."""
        names = self.columns
        return [dict(zip(names, row, strict=True)) for row in self.rows()]

    def batches(self) -> Iterator[RecordBatch]:
        """The rows as Arrow batches, a few thousand rows at a time."""
        from arro3.core import RecordBatchReader

        rows = 0
        with duckdb_errors():
            for batch in RecordBatchReader.from_stream(self._relation):
                rows += batch.num_rows
                yield batch
        self._taken(rows)

    def arrow(self) -> pyarrow.Table:
        """The rows as a pyarrow table.

        Raises:
            MissingExtraError: pyarrow is not installed.
        """
        try:
            import pyarrow
        except ImportError as error:
            raise MissingExtraError.needs("frames", "a pyarrow table") from error
        with duckdb_errors():
            found = pyarrow.table(self._relation)
        self._taken(found.num_rows)
        return found

    def polars(self) -> polars.DataFrame:
        """The rows as a Polars frame.

        Raises:
            MissingExtraError: Polars is not installed.
        """
        try:
            import polars
        except ImportError as error:
            raise MissingExtraError.needs("frames", "a Polars frame") from error
        with duckdb_errors():
            found = polars.DataFrame(self._relation)
        self._taken(found.height)
        return found

    def pandas(self) -> pandas.DataFrame:
        """The rows as a pandas frame.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas  # noqa: F401 - named here so that its absence is told well
        except ImportError as error:
            raise MissingExtraError.needs("frames", "a pandas frame") from error
        with duckdb_errors():
            found = self._relation.df()
        self._taken(len(found))
        return found

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The rows as an Arrow C stream (Arrow PyCapsule interface)."""
        self._taken(None)
        with duckdb_errors():
            return self._relation.__arrow_c_stream__(requested_schema)
