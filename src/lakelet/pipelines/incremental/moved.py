"""The rows of a view's inputs that came and went, ready to be asked the view's query."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import duckdb

from lakelet.engines.engine import Attached
from lakelet.lake import TableName
from lakelet.lake.names import quote
from lakelet.pipelines.incremental.changes import SIGN, Changes
from lakelet.pipelines.incremental.sources import Held

__all__ = ("NUMBER", "MovedRows", "moved_rows", "net")

NUMBER = '"lakelet number"'
"""Column that says how many times more, or fewer, a row is there than before."""


@dataclass(frozen=True)
class MovedRows:
    """What stands for each table while a query is asked about changes.

    Attributes:
        came: rows that came.
        went: rows that went; None where no row of any table did.
    """

    came: Mapping[TableName, Attached]
    went: Mapping[TableName, Attached] | None


def moved_rows(
    engine: duckdb.DuckDBPyConnection,
    changes: Mapping[TableName, Changes],
    names: Collection[str] | None,
) -> MovedRows:
    """Make the changed rows of some tables ready on a connection.

    Where rows went, files were written anew, with rows in them that only moved: these are told
    apart by comparing, and left out. Only the columns that a query uses are compared.

    Args:
        engine: where.
        changes: by table, what changed.
        names: the lower-case names the query uses; None for all columns.
    """
    came: dict[TableName, Attached] = {}
    went: dict[TableName, Attached] = {}
    for index, (name, change) in enumerate(changes.items()):
        typed = tuple(
            (column, kind)
            for column, kind in change.typed
            if names is None or column.lower() in names
        )
        typed = typed or change.typed[:1]
        columns = ", ".join(quote(column) for column, _ in typed)
        if change.removed is None and change.feed is None:
            came[name] = change.added
            went[name] = Held(typed, f"SELECT {_nothing(typed)} WHERE false")
            continue
        table = quote(f"lakelet moved {index}")
        net(engine, table, change.signed(engine, [column for column, _ in typed]), columns)
        came[name] = Held(typed, f"SELECT {columns} FROM {_times(table, NUMBER)}")
        went[name] = Held(typed, f"SELECT {columns} FROM {_times(table, f'-{NUMBER}')}")
    some = any(one.removed is not None for one in changes.values())
    return MovedRows(came, went if some else None)


def net(engine: duckdb.DuckDBPyConnection, table: str, signed: str, columns: str) -> None:
    """Make a table of the rows of a signed SELECT that do not cancel out, with their `NUMBER`."""
    engine.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT {columns}, CAST(sum({SIGN}) AS BIGINT) AS "
        f"{NUMBER} FROM ({signed}) GROUP BY {columns} HAVING sum({SIGN}) <> 0"
    )


def _times(table: str, number: str) -> str:
    return f'(SELECT *, unnest(range({number})) AS "lakelet time" FROM {table} WHERE {number} > 0)'


def _nothing(typed: Collection[tuple[str, str]]) -> str:
    return ", ".join(f"CAST(NULL AS {kind}) AS {quote(name)}" for name, kind in typed)
