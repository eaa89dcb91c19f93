"""DuckDB reading files of buckets, without an extension: through a file system in Python.

DuckDB asks for byte ranges, several at once from threads of its own, and has read ahead and joined
ranges by then; what is left to do here is to open a file with one request and to remember its end,
where Parquet keeps its footer.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import duckdb

from lakelet.engines.routes import Route, plan_route
from lakelet.errors import MissingExtraError, StorageError
from lakelet.lake.storage import is_bucket, storage_for
from lakelet.lake.storage.bucket import BucketStorage, bucket_errors
from lakelet.lake.storage.reasons import lacks_range
from lakelet.workspace import WorkspaceFolder

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from fsspec.spec import AbstractFileSystem

    from lakelet.engines.routes.route import Source
    from lakelet.lake import LakeTable

__all__ = ("plan_table", "reach_buckets")

_TAIL = 64 << 10
"""Bytes of a file's end that come with its opening: most footers, and small files whole."""
_REMEMBERED = 64 << 20
"""Bytes of ends that are kept for a statement."""
_AHEAD = 256 << 10
"""Bytes fetched at least where somebody reads on in small pieces (JSON, CSV)."""


@dataclass(frozen=True, slots=True)
class _Opened:
    size: int
    modified: dt.datetime
    etag: str | None
    tail: memoryview


class BucketFiles:
    """Byte ranges of the objects of a workspace's buckets, for as long as one statement takes."""

    def __init__(self, workspace: WorkspaceFolder) -> None:
        self.workspace = workspace
        self._storages: dict[str, BucketStorage] = {}
        self._opened: OrderedDict[str, _Opened] = OrderedDict()
        self._kept = 0
        self._lock = threading.Lock()

    def storage(self, path: str) -> BucketStorage:
        """The bucket of a path."""
        bucket = path.partition("://")[2].partition("/")[0]
        if bucket not in self._storages:
            found = storage_for(self.workspace, path)
            assert isinstance(found, BucketStorage)
            self._storages[bucket] = found
        return self._storages[bucket]

    def open(self, path: str) -> _Opened:
        """Size, time, tag and end of an object, by one request the first time.

        Raises:
            StorageError: it is not there, or the bucket cannot be reached.
        """
        with self._lock:
            if path in self._opened:
                self._opened.move_to_end(path)
                return self._opened[path]
        found = self._ask(path)
        with self._lock:
            if path not in self._opened:
                self._opened[path] = found
                self._kept += len(found.tail)
            while self._kept > _REMEMBERED and len(self._opened) > 1:
                _, oldest = self._opened.popitem(last=False)
                self._kept -= len(oldest.tail)
        return found

    def _ask(self, path: str) -> _Opened:
        import obstore

        storage = self.storage(path)
        key = storage.key(path)
        with bucket_errors(path, "read"):
            try:
                answer = obstore.get(storage.store, key, options={"range": {"suffix": _TAIL}})
                meta, tail = answer.meta, memoryview(answer.bytes())
            except Exception as error:
                if not lacks_range(error):
                    raise
                meta, tail = obstore.head(storage.store, key), memoryview(b"")
        return _Opened(meta["size"], meta["last_modified"], meta["e_tag"], tail)

    def read(self, path: str, opened: _Opened, start: int, end: int) -> memoryview:
        """The bytes from ``start`` up to ``end``, of the content that was opened.

        Raises:
            StorageError: the object has changed since, or the bucket cannot be reached.
        """
        first = opened.size - len(opened.tail)
        if start >= first:
            return opened.tail[start - first : end - first]
        import obstore
        from obstore.exceptions import PreconditionError

        storage = self.storage(path)
        options: Any = {"range": (start, end)}
        if opened.etag:
            options["if_match"] = opened.etag
        with bucket_errors(path, "read"):
            try:
                answer = obstore.get(storage.store, storage.key(path), options=options)
                return memoryview(answer.bytes())
            except PreconditionError:
                raise StorageError(f"{path} changed while it was read.") from None


class _Handle:
    """One open file. DuckDB seeks and reads from several threads at once: each has its place."""

    def __init__(self, files: BucketFiles, path: str) -> None:
        self.files = files
        self.path = path
        self.opened = files.open(path)
        self.own = threading.local()

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self.tell(), self.opened.size)[whence]
        self.own.position = base + offset
        return base + offset

    def tell(self) -> int:
        return int(getattr(self.own, "position", 0))

    def read(self, size: int = -1) -> bytes:
        start = self.tell()
        end = self.opened.size if size < 0 else min(start + size, self.opened.size)
        if start >= end:
            return b""
        block_start, block = getattr(self.own, "block", (0, memoryview(b"")))
        if not (block_start <= start and end <= block_start + len(block)):
            going_on = start == getattr(self.own, "end", None)
            upto = min(self.opened.size, max(end, start + _AHEAD)) if going_on else end
            block_start, block = start, self.files.read(self.path, self.opened, start, upto)
            self.own.block = (block_start, block) if upto > end else (0, memoryview(b""))
        self.own.position = self.own.end = end
        return bytes(block[start - block_start : end - block_start])

    def close(self) -> None:
        self.own = threading.local()


def plan_table(
    table: LakeTable, snapshot: DeltaTable, connection: duckdb.DuckDBPyConnection | None = None
) -> Route:
    """`plan_route` for a table wherever it lies; a route into a bucket brings its file system.

    Args:
        table: the table.
        snapshot: the version of it that is read.
        connection: what reads footers of a table on disk; for a bucket one is made.

    Raises:
        UnsupportedTableError, StorageError: see `plan_route`.
        MissingExtraError: a bucket without the extra ``s3``.
    """
    if not is_bucket(table.location):
        return plan_route(snapshot, connection)
    files = BucketFiles(table.workspace)
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as planner:
        _register(planner, files)
        route = plan_route(snapshot, planner)
    return replace(route, source=_InBucket(route.source, files))


@dataclass(frozen=True, slots=True)
class _InBucket:
    """A route's source together with what its planning has already fetched."""

    source: Source
    files: BucketFiles

    def relation(self, connection: duckdb.DuckDBPyConnection, label: str) -> str:
        if not connection.filesystem_is_registered("s3"):
            _register(connection, self.files)
        return self.source.relation(connection, label)

    def select(self) -> None:
        """Nothing: the bucket's file system is registered on one connection."""
        return


def reach_buckets(
    connection: duckdb.DuckDBPyConnection, workspace: WorkspaceFolder, *locations: str
) -> None:
    """Let a connection read ``s3://`` paths with the workspace's keys, if any location is one.

    Args:
        connection: where the paths will be read; registered there once.
        workspace: whose settings say how buckets are reached.
        locations: what will be read; where none lies in a bucket nothing is done.

    Raises:
        MissingExtraError: the extra ``s3`` is not installed.
    """
    if any(map(is_bucket, locations)) and not connection.filesystem_is_registered("s3"):
        _register(connection, BucketFiles(workspace))


def _register(connection: duckdb.DuckDBPyConnection, files: BucketFiles) -> None:
    connection.register_filesystem(_file_system(files))
    # DuckDB's own cache fetches small files whole, and again for each look while they are young;
    # without it the footer comes from what is remembered here, and only needed columns are read.
    connection.execute("SET enable_external_file_cache = false")


def _file_system(files: BucketFiles) -> AbstractFileSystem:
    try:
        from fsspec.spec import AbstractFileSystem
    except ImportError as error:
        raise MissingExtraError.needs("s3", "reading a bucket's files") from error

    class FileSystem(AbstractFileSystem):  # type: ignore[misc]
        protocol = ("s3", "s3a")
        cachable = False

        @classmethod
        def _strip_protocol(cls, path: str) -> str:
            return path

        def open(self, path: str, mode: str = "rb", **_: object) -> _Handle:
            if mode != "rb":
                raise StorageError(f"{path}: files of a bucket are only read this way.")
            return _Handle(files, path)

        def info(self, path: str, **_: object) -> dict[str, Any]:
            return {"name": path, "size": files.open(path).size, "type": "file"}

        def modified(self, path: str) -> dt.datetime:
            return files.open(path).modified

        def glob(self, path: str, **_: object) -> list[str]:
            return _matching(files, path)

    return FileSystem()


_WILD = re.compile(r"[*?\[]")
_QUOTED = re.compile(r"\[([*?\[])\]")


def _matching(files: BucketFiles, pattern: str) -> list[str]:
    """The paths of a pattern; a wildcard in brackets stands for itself, as DuckDB has it."""
    parts = pattern.split("/")
    fixed = next((i for i, part in enumerate(parts) if _WILD.search(_QUOTED.sub("", part))), None)
    if fixed is None:
        return [_QUOTED.sub(r"\1", pattern)]
    folder = _QUOTED.sub(r"\1", "/".join(parts[:fixed]))
    wanted = re.compile("/".join(".*" if p == "**" else _segment(p) for p in parts[fixed:]))
    found = files.storage(folder).files(folder)
    return [e.path for e in found if wanted.fullmatch(e.path[len(folder) + 1 :])]


def _segment(part: str) -> str:
    """A pattern for one name between slashes."""
    body = fnmatch.translate(part).removeprefix("(?s:")
    return body.removesuffix(r")\Z").removesuffix(r")\z").replace(".*", "[^/]*")
