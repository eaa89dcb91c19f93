"""The result of a query, in whatever form the next step wants it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import duckdb

from lakelet.engines.engine import duckdb_errors
from lakelet.engines.forms import Forms

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

    def dicts(self) -> list[dict[str, Any]]:
        """All rows as dictionaries by column name."""
        names = self.columns
        return [dict(zip(names, row, strict=True)) for row in self.rows()]
