"""The result of a query, in whatever form the next step wants it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import duckdb

from lakelet.engines.connection import prepare
from lakelet.engines.engine import duckdb_errors
from lakelet.engines.forms import Forms
from lakelet.errors import SqlError
from lakelet.lake.small_engine import small_engine

if TYPE_CHECKING:
    import polars

__all__ = ("Result",)

_PORTION = 10_000
# Types whose values come back from Arrow as others.
_NOT_FOR_ARROW = re.compile(r"HUGEINT|UUID|BIT\b|TIME WITH TIME ZONE|TUPLE|UNION|VARIANT")


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
        *,
        zone: str | None = None,
    ) -> None:
        """Wrap a relation.

        Args:
            relation: the rows.
            taken: told how many rows there were once they have been taken; None where unknown.
            warnings: what is to be known of the rows, for people.
            zone: the time zone of its connection; without one `portions` are all rows at once.
        """
        self._relation, self._zone = relation, zone
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

    def portions(self) -> Iterator[list[tuple[Any, ...]]]:
        """All rows as from `rows`, a few thousand at a time: they need not fit into memory.

        Raises:
            SqlError: a row makes the query fail; rows before it may have been given.
        """
        yield from (values() for _, values in self._portions())

    def first(self, count: int) -> tuple[list[tuple[Any, ...]], int]:
        """The first rows, and how many there are; the others are counted, not kept.

        Raises:
            SqlError: a row makes the query fail.
        """
        found: list[tuple[Any, ...]] = []
        rows = 0
        for number, values in self._portions():
            rows += number
            if len(found) < count:
                found += values()[: count - len(found)]
        return found, rows

    def _portions(self) -> Iterator[tuple[int, Callable[[], list[tuple[Any, ...]]]]]:
        """A few thousand rows at a time: how many, and what gives them."""
        if self._zone is None or any(map(_NOT_FOR_ARROW.search, self.types)):
            found = self.rows()
            yield len(found), lambda: found
            return
        from arro3.core import Table

        engine = small_engine()
        try:
            prepare(engine, self._zone)
            for batch in self.batches():
                for at in range(0, batch.num_rows, _PORTION):
                    part = Table.from_batches([batch.slice(at, min(_PORTION, batch.num_rows - at))])
                    yield part.num_rows, lambda part=part: engine.from_arrow(part).fetchall()  # type: ignore[misc]
        finally:
            engine.close()

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
