"""A table about to change row by row: its rows with their places, and the commit that swaps files.

Rows are never changed where they are. Files that hold a row to be changed are read, their rows go,
changed or not, into new files, and one commit puts the new files in the old ones' place ("copy on
write"). What nobody touches is not read at all beyond the columns a condition needs.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

import duckdb

from lakelet.engines.bucket_files import reach_buckets
from lakelet.engines.routes import open_snapshot, plan_route
from lakelet.engines.routes.data_files import DataFile, list_files
from lakelet.engines.routes.file_source import PLACE_FILE, PLACE_ROW, FilesSource
from lakelet.errors import UnsupportedTableError
from lakelet.lake import LakeTable
from lakelet.lake.handover import handed_over_stream
from lakelet.lake.names import quote
from lakelet.lake.staging import Staged, adopt, stage
from lakelet.lake.table import columns_of
from lakelet.lake.types import Column

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = ("GENERATED", "Target")

_REWRITE_MEMORY = 256 << 20
"""Bytes DuckDB may hold while the rows of replaced files stream through it."""

GENERATED = "delta.generationExpression"
"""Key of a column's metadata that holds the expression delta-rs computes it by."""


@dataclass
class Target:
    """A snapshot of a table, attached to a connection to be changed.

    Attributes:
        table: the table.
        connection: where its rows are the view ``"lakelet target"``.
        snapshot: what is changed; another writer's commit since then is a conflict.
        columns: its columns.
    """

    table: LakeTable
    connection: duckdb.DuckDBPyConnection
    snapshot: DeltaTable
    columns: tuple[Column, ...]
    _source: FilesSource | None
    _files: dict[str, DataFile]

    VIEW = '"lakelet target"'
    AFFECTED = '"lakelet affected"'

    @classmethod
    def attach(
        cls,
        table: LakeTable,
        connection: duckdb.DuckDBPyConnection,
        version: int | None = None,
    ) -> Target:
        """Pin a snapshot and make its rows a view, each with its place.

        Args:
            table: the table.
            connection: where.
            version: the snapshot's version; the newest without one.

        Raises:
            UnsupportedTableError: the table is not one whose files can simply be replaced.
        """
        options = table.storage.options or None
        snapshot = open_snapshot(table.location, version=version, storage_options=options)
        reach_buckets(connection, table.workspace, table.location)
        route = plan_route(snapshot, connection)
        if route.kind not in ("files", "empty"):
            raise UnsupportedTableError(
                f"{table.name} can be read but not changed row by row here: {route.reason} "
                "Nothing was changed.",
                hint="CREATE TABLE … AS SELECT makes a plain copy.",
            )
        source = route.source if isinstance(route.source, FilesSource) else None
        files = {file.uri: file for file in list_files(snapshot)}
        made = cls(table, connection, snapshot, columns_of(snapshot), source, files)
        made._view(cls.VIEW, source)
        return made

    def _view(self, name: str, source: FilesSource | None) -> None:
        if source is None or not source.groups:
            typed = [f"CAST(NULL AS {c.type.duckdb}) AS {quote(c.name)}" for c in self.columns]
            places = f"CAST(NULL AS VARCHAR) AS {PLACE_FILE}, CAST(NULL AS BIGINT) AS {PLACE_ROW}"
            select = f"SELECT {', '.join([*typed, places])} WHERE false"
        else:
            select = source.relation(self.connection, name, places=True)
        self.connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {select}")

    def narrow(self, uris: Collection[str]) -> None:
        """Make the rows of some files the view ``"lakelet affected"``."""
        self._view(self.AFFECTED, self._source.only(uris) if self._source and uris else None)

    def path(self, uri: str) -> str:
        """How the log spells the path of a file."""
        return self._files[uri].path

    @property
    def uris(self) -> Collection[str]:
        """Its files."""
        return self._files.keys()

    def bytes_of(self, uris: Collection[str]) -> int:
        """Bytes of some of its files."""
        return sum(self._files[uri].size for uri in uris)

    def smaller_than(self, size: int) -> list[str]:
        """Its files of fewer bytes."""
        return [file.uri for file in self._files.values() if file.size < size]

    def stored_columns(self) -> list[Column]:
        """The columns whose values are written; delta-rs computes the generated ones."""
        return [c for c in self.columns if GENERATED not in dict(c.metadata)]

    def replace(
        self,
        uris: Collection[str],
        rows: Sequence[str],
        *,
        metadata: dict[str, str],
        more: Sequence[Staged] = (),
        transaction: tuple[str, int] | None = None,
    ) -> int:
        """Put the rows of some SELECTs in the place of some files, in one commit.

        Args:
            uris: the files that go.
            rows: SELECTs over the connection, giving `stored_columns`.
            metadata: what the commit says about itself.
            more: what was staged besides.
            transaction: application id and number to commit with it.

        Returns:
            The version made; the present one where there is nothing to do.

        Raises:
            ConstraintError: a row breaks a constraint; nothing was changed.
            ConflictError: another writer was first.
        """
        from deltalake.transaction import RemoveAction

        staged = [*more, *(self._stage(select) for select in rows)]
        now = int(time.time() * 1000)
        removed = [
            # As in `adopt`: delta-rs percent-encodes the path it is given, as the log has it.
            RemoveAction(unquote(self._files[uri].path), True, now, self._files[uri].size, None)
            for uri in uris
        ]
        adopted = [one for one in staged if one.adds]
        if not removed and not adopted and transaction is None:
            return int(self.snapshot.version())
        adopt(
            self.snapshot, self.table.location, self.table.storage, adopted,
            removed=removed, metadata=metadata,
            transactions=[transaction] if transaction else (),
        )  # fmt: skip
        self.snapshot.update_incremental()
        return int(self.snapshot.version())

    def _stage(self, select: str) -> Staged:
        # A rewrite streams; what DuckDB holds beyond that is only the pipeline's slack, and the
        # writer beside it needs memory too.
        self.connection.execute(f"SET memory_limit = '{_REWRITE_MEMORY >> 20}MiB'")
        rows = handed_over_stream(self.connection.sql(select))
        table = self.table
        return stage(
            self.snapshot, table.location, table.storage, rows, label="rewrite-",
            name=str(table.name),
        )  # fmt: skip
