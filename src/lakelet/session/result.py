"""The result of a query, in whatever form the next step wants it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import duckdb

from lakelet.engines.engine import duckdb_errors
from lakelet.engines.forms import Forms
from lakelet.errors import SqlError

if TYPE_CHECKING:
    import polars

__all__ = ("Result",)


class Result(Forms):
    """Rows of a query; nothing is computed until a form is asked for.

    Attributes:
        warnings: what is to be known of the rows, such as records that `read_files` left out.
    """

    def __init__(
        self,
        relation: duckdb.DuckDBPyRelation,
        taken: Callable[[int | None], None] = lambda _rows: None,
        warnings: Sequence[str] = (),
    ) -> None:
        """Wrap a relation.

        Args:
            relation: the rows.
            taken: told how many rows there were once they have been taken; None where unknown.
            warnings: what is to be known of the rows, for people.
        """
        self._relation = relation
        self.warnings = tuple(warnings)
        self._tell = taken

    def _formed(self) -> duckdb.DuckDBPyRelation:
        return self._relation

    def _taken(self, rows: int | None) -> None:
        self._tell(rows)

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

    def keys(self, form: str) -> list[str]:
        """The columns' names, for a form that tells values by them.

        Args:
            form: what it is called in the message.

        Raises:
            SqlError: two columns have one name, so that one of the values would be lost.
        """
        names = self.columns
        lowered = [name.lower() for name in names]
        twice = next(
            (n for n, low in zip(names, lowered, strict=True) if lowered.count(low) > 1), ""
        )
        if twice:
            raise SqlError(
                f"[COLUMN_ALREADY_EXISTS] two columns of the result are called {twice}, and "
                f"{form} tells values by name; nothing was written.",
                hint=f"give one another name: SELECT … AS {twice}_2. As a table, CSV or Markdown, "
                "and by rows(), both are shown.",
            )
        return names

    def polars(self) -> polars.DataFrame:
        """All rows as a Polars frame.

        Raises:
            MissingExtraError: Polars is not installed.
            SqlError: two columns have one name.
        """
        self.keys("a Polars frame")
        return super().polars()

    def dicts(self) -> list[dict[str, Any]]:
        """All rows as dictionaries by column name.

        Raises:
            SqlError: two columns have one name.
        """
        names = self.keys("a dictionary")
        return [dict(zip(names, row, strict=True)) for row in self.rows()]
