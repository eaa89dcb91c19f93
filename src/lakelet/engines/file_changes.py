"""The files of a snapshot one by one, so that two snapshots can be told apart by them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakelet.engines.bucket_files import plan_table
from lakelet.engines.routes import Route
from lakelet.engines.routes.data_files import list_files
from lakelet.engines.routes.file_source import FilesSource
from lakelet.engines.routes.route import EmptySource
from lakelet.lake import LakeTable

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = ("SnapshotFiles",)

_ROW_BYTES = 64
"""Bytes a row is taken for where a file's log entry does not count its rows."""


@dataclass(frozen=True)
class SnapshotFiles:
    """The data files of a snapshot, by their paths as the log spells them.

    Attributes:
        route: how all of them are read.
        uris: where each is.
        rows: how many rows each has, about.
        masked: those of which rows are deleted.
        size: bytes of all of them.
    """

    route: Route
    uris: Mapping[str, str]
    rows: Mapping[str, int]
    masked: frozenset[str]
    size: int

    @classmethod
    def of(cls, table: LakeTable, snapshot: DeltaTable) -> SnapshotFiles:
        """The files of one snapshot of a table."""
        actions = snapshot.get_add_actions()
        paths, sizes = actions["path"].to_pylist(), actions["size_bytes"].to_pylist()
        counts: list[int | None] = [None] * len(paths)
        if "num_records" in actions.schema.names:
            counts = list(actions["num_records"].to_pylist())
        rows = {
            path: size // _ROW_BYTES if count is None else int(count)
            for path, size, count in zip(paths, sizes, counts, strict=True)
        }
        route = plan_table(table, snapshot)
        uris = {file.path: file.uri for file in list_files(snapshot)}
        deletions = route.source.deletions if isinstance(route.source, FilesSource) else None
        gone = deletions.uris if deletions is not None else frozenset()
        masked = frozenset(path for path, uri in uris.items() if uri in gone)
        return cls(route, uris, rows, masked, sum(sizes))

    def only(self, paths: Collection[str]) -> Route | None:
        """The route to some of the files; None where they are not read one by one."""
        columns, source = self.route.columns, self.route.source
        if not paths:
            return Route("empty", "", columns, EmptySource(columns))
        if not isinstance(source, FilesSource):
            return None
        kept = source.only({self.uris[path] for path in paths})
        return Route(self.route.kind, self.route.reason, columns, kept)
