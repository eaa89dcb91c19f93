"""What an update sees: the lake at one moment, and what it has itself staged since."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lakelet.engines.bucket_files import plan_table
from lakelet.engines.dialect import TableFunctionCall
from lakelet.engines.engine import Attached
from lakelet.errors import PipelineError
from lakelet.lake import Lake, LakeTable, TableName
from lakelet.lake.publications import Publications, Published, seen_snapshot
from lakelet.lake.storage import storage_for
from lakelet.lake.volumes import resolve_path
from lakelet.loading.discovery import FoundFile, discover
from lakelet.pipelines.datasets.rows import Rows, rows_of_result
from lakelet.pipelines.definitions.dataset import Pipeline
from lakelet.pipelines.definitions.streams import STREAM_OPTION
from lakelet.pipelines.publishing.result import Result

__all__ = ("World", "call_options")


@dataclass
class World:
    """The lake as one update sees it: every table pinned when it is first asked for.

    Attributes:
        lake: the lake.
        pipeline: whose update it is.
        publications: what was published when the update began.
        results: what this update has staged, by table.
        tell: told what happens meanwhile: a kind of event, a message, the dataset.
        views: by temporary view in Python, what it gave; computed once.
    """

    lake: Lake
    pipeline: Pipeline
    publications: Publications
    results: dict[TableName, Result] = field(default_factory=dict)
    tell: Callable[[str, str, TableName], None] = lambda _kind, _message, _dataset: None
    views: dict[TableName, Attached] = field(default_factory=dict)
    computing: threading.RLock = field(default_factory=threading.RLock)
    _pinned: dict[str, Any] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def published(self, name: TableName) -> Published | None:
        """What people see of a table of this or another pipeline."""
        return self.publications.of(name)

    def snapshot(self, name: TableName) -> Any:
        """The snapshot of a table that counts for this update."""
        with self._lock:
            if str(name) not in self._pinned:
                self._pinned[str(name)] = seen_snapshot(self.lake.table(name), self.publications)
            return self._pinned[str(name)]

    def newest(self, name: TableName) -> int:
        """The newest version of a table, told by its log's names; the table is not opened."""
        with self._lock:
            key = f"newest {name}"
            if key not in self._pinned:
                self._pinned[key] = self.lake.table(name).newest_version()
            found: int = self._pinned[key]
            return found

    def state(self, name: TableName) -> dict[str, Any]:
        """What tells one state of a table from another: its id and version."""
        if name in self.results:
            return {"update": True}
        published = self.published(name)
        if published is not None and self.newest(name) == published.version:
            return {"id": published.table_id, "version": published.version}
        snapshot = self.snapshot(name)
        return {"id": str(snapshot.metadata().id), "version": int(snapshot.version())}

    def path_state(self, path: str) -> dict[str, Any]:
        """The same for a Delta table read by its place."""
        with self._lock:
            if path not in self._pinned:
                self._pinned[path] = self._at(path).open()
            snapshot = self._pinned[path]
        return {"id": str(snapshot.metadata().id), "version": int(snapshot.version())}

    def _at(self, path: str) -> LakeTable:
        workspace = self.lake.workspace
        location = resolve_path(workspace, path, base=workspace.root)
        storage_for(workspace, location)
        return LakeTable(workspace, TableName("delta", location), location)

    def rows(self, name: TableName) -> Rows:
        """The rows of a table, as this update has made them where it has."""
        result = self.results.get(name)
        if result is not None:
            published = self.published(name)
            return rows_of_result(self.lake, result, published.version if published else None)
        return Rows.of(plan_table(self.lake.table(name), self.snapshot(name)))

    def path_rows(self, path: str) -> Rows:
        """The rows of a Delta table by its place."""
        self.path_state(path)
        return Rows.of(plan_table(self._at(path), self._pinned[path]))

    def files(self, call: TableFunctionCall) -> list[FoundFile]:
        """The files that a call of read_files names, as listed now."""
        if len(call.positional) != 1:
            raise PipelineError("read_files takes the path first, then named options.")
        root = self.lake.workspace.root
        return discover(self.lake.workspace, str(call.positional[0]), base=root)

    def files_state(self, call: TableFunctionCall) -> dict[str, Any]:
        """What tells one state of a call's files from another."""
        found = self.files(call)
        names = [(file.name, file.entry.size, file.entry.etag) for file in found]
        return {"files": len(found), "digest": hashlib.sha256(repr(names).encode()).hexdigest()}


def call_options(call: TableFunctionCall) -> Mapping[str, object]:
    """The options of a call of read_files, without our own mark."""
    return {name: value for name, value in call.named if name != STREAM_OPTION}
