"""The change feed of a table as a stream delivers it: published changes, and those of this update.

An update of a row is a deletion and an insertion of one version; where another engine wrote the
rows before and after, they are called so too.
"""

from __future__ import annotations

from collections.abc import Collection

import duckdb

from lakelet.engines.bucket_files import reach_buckets
from lakelet.engines.change_feed import FEED_COLUMNS, change_feed_sql
from lakelet.lake import TableName
from lakelet.lake.names import quote
from lakelet.lake.table import columns_of
from lakelet.lake.types import Column
from lakelet.pipelines.datasets.rows import Rows, replaced_rows, rows_of_columns, staged_rows
from lakelet.pipelines.planning.world import World

__all__ = ("Feed",)

_KINDS = {"update_preimage": "delete", "update_postimage": "insert"}


class Feed:
    """The changes of a table behind a version.

    Attributes:
        typed: names and DuckDB types of its columns.
    """

    def __init__(
        self, world: World, name: TableName, since: int | None, passed: Collection[int]
    ) -> None:
        """Changes to be read.

        Args:
            world: what the update sees.
            name: the table.
            since: changes of later versions; None for all rows as they are, inserted.
            passed: versions that were never published.
        """
        self.world = world
        self.name = name
        self.since = since
        self.passed = passed
        self.result = world.results.get(name)
        published = world.published(name) is not None or self.result is None
        self.snapshot = world.snapshot(name) if published else None
        known = columns_of(self.snapshot) if self.snapshot is not None else ()
        self.columns: tuple[Column, ...] = self.result.columns if self.result else known
        self.typed = tuple((c.name, c.type.duckdb) for c in (*self.columns, *FEED_COLUMNS))

    def select(self) -> str | None:
        """None: the changes are put together on the connection."""
        return None

    def attach(self, connection: duckdb.DuckDBPyConnection, view: str) -> None:
        """Make the changes a view on a connection."""
        parts = [self._published(connection), *self._staged(connection)]
        chosen = ", ".join(
            f"CAST({quote(name)} AS {kind}) AS {quote(name)}" for name, kind in self.typed
        )
        kinds = " ".join(f"WHEN '{old}' THEN '{new}'" for old, new in _KINDS.items())
        connection.execute(
            f"CREATE OR REPLACE VIEW {view} AS SELECT * REPLACE (CASE _change_type {kinds} "
            f"ELSE _change_type END AS _change_type) FROM (SELECT {chosen} FROM "
            f"({' UNION ALL BY NAME '.join(part for part in parts if part)}))"
        )

    def _published(self, connection: duckdb.DuckDBPyConnection) -> str:
        world, name = self.world, self.name
        nothing = ", ".join(f"CAST(NULL AS {kind}) AS {quote(n)}" for n, kind in self.typed)
        if self.snapshot is None:
            return f"SELECT {nothing} WHERE false"
        table = world.lake.table(name)
        version = int(self.snapshot.version())
        columns = columns_of(self.snapshot)
        empty = f"SELECT {nothing} WHERE false UNION ALL BY NAME "
        if self.since is not None:
            reach_buckets(connection, table.workspace, table.location)
            return empty + change_feed_sql(
                connection, table, self.snapshot, columns, self.since, version, passed=self.passed
            )
        if self.result is not None:
            # All of it, as this update makes it, is told below.
            return f"SELECT {nothing} WHERE false"
        world.rows(name).attach(connection, '"lakelet feed"')
        return empty + _marked('SELECT * FROM "lakelet feed"', "insert", version)

    def _staged(self, connection: duckdb.DuckDBPyConnection) -> list[str]:
        """What this very update has staged, as the version that comes next."""
        if self.result is None:
            return []
        place = self.world.lake.place(self.name)
        newest = -1
        if self.snapshot is not None:
            newest = int(self.world.lake.table(self.name).open().version())
        if self.since is None:
            self.world.rows(self.name).attach(connection, '"lakelet feed"')
            return [_marked('SELECT * FROM "lakelet feed"', "insert", newest + 1)]
        empty = rows_of_columns(self.columns).routes
        published = self.world.published(self.name)
        Rows.of(*empty, *staged_rows(place, self.result)).attach(connection, '"lakelet come"')
        gone = replaced_rows(self.world.lake, self.result, published.version if published else None)
        gone.attach(connection, '"lakelet gone"')
        return [
            _marked(
                f'SELECT * FROM "lakelet {here}" EXCEPT ALL SELECT * FROM "lakelet {there}"',
                kind, newest + 1,
            )
            for here, there, kind in (("come", "gone", "insert"), ("gone", "come", "delete"))
        ]  # fmt: skip


def _marked(select: str, kind: str, version: int) -> str:
    return (
        f"SELECT *, '{kind}' AS _change_type, CAST({version} AS BIGINT) AS _commit_version, "
        f"CAST(now() AS TIMESTAMPTZ) AS _commit_timestamp FROM ({select})"
    )
