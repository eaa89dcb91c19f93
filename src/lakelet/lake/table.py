"""One Delta table of the lake: opening it, locking it, writing to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakelet.errors import LakeletError, SchemaError, StorageError, VersionNotFoundError
from lakelet.lake.checkpoints import drop_stale_hint
from lakelet.lake.delta import delta_errors, retry_conflicts
from lakelet.lake.handover import handed_over_stream
from lakelet.lake.history import Commit, commits, version_at
from lakelet.lake.names import TableName
from lakelet.lake.opening import open_delta
from lakelet.lake.storage import Storage, is_bucket, is_remote, join, storage_for
from lakelet.lake.types import Column, DataType
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.locks import hold
from lakelet.workspace.steps import declare, step

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = ("PRIVATE_FOLDER", "LakeTable", "columns_of", "named_version")

PRIVATE_FOLDER = "_lakelet"
_APPEND = declare("table.append", "the rows are in the table")
_RESTORE = declare("table.restore", "the table's newest version equals the one asked for")
_COLUMNS = declare("table.add_columns", "the table has the new columns, NULL in all rows so far")


def columns_of(table: DeltaTable) -> tuple[Column, ...]:
    """The columns of a snapshot.

    Raises:
        SchemaError: a type this stack does not know.
    """
    fields = json.loads(table.schema().to_json())["fields"]
    return tuple(Column.from_delta(field) for field in fields)


@contextmanager
def named_version(table: LakeTable, version: int) -> Iterator[None]:
    """Open a version in the body; where it is not there, the error names the table.

    Raises:
        VersionNotFoundError: the table never had it, or not any more.
    """
    try:
        yield
    except VersionNotFoundError as error:
        if version < 0:
            reason = ": versions count from 0"
        else:
            newest = table.newest_version()
            lost = " any more: its log begins later" if version < newest else ""
            reason = f"{lost}; its newest is {newest}"
        raise VersionNotFoundError(
            f"{table.name} has no version {version}{reason}.",
            hint=f"`lakelet history {table.name}` lists the versions that are there.",
        ) from error


@dataclass(frozen=True)
class LakeTable:
    """A table by its name and place; nothing is opened until it is used.

    Attributes:
        workspace: the workspace it is seen from.
        name: its name there.
        location: its folder or URI, which for an attached table lies elsewhere.
    """

    workspace: WorkspaceFolder
    name: TableName
    location: str

    @cached_property
    def storage(self) -> Storage:
        """Where it lives."""
        return storage_for(self.workspace, self.location)

    def open(self, version: int | None = None) -> DeltaTable:
        """The table pinned to a version, the newest without one.

        Raises:
            VersionNotFoundError: the table never had it, or not any more.
            StorageError, UnsupportedTableError: see `open_delta`.
        """
        if version is None:
            return open_delta(self.location, options=self.storage.options)
        with named_version(self, version):
            return open_delta(self.location, version=version, options=self.storage.options)

    def newest_version(self) -> int:
        """The newest version, told by the names in the log; nothing is opened.

        Source: Delta Transaction Log Protocol, "Delta Log Entries".

        Raises:
            StorageError: there is no log.
        """
        names = (
            entry.path.rsplit("/", 1)[-1]
            for entry in self.storage.files(join(self.location, "_delta_log"))
        )
        found = [int(n[:20]) for n in names if n[:20].isdecimal() and n[20:] == ".json"]
        if not found:
            return int(self.open().version())
        return max(found)

    def columns(self) -> tuple[Column, ...]:
        """Its columns as of now."""
        return columns_of(self.open())

    @contextmanager
    def lock(self, *, shared: bool = False) -> Iterator[None]:
        """The table's lock: appends share it, everything else holds it alone."""
        self.storage.claim_writing(self.location)
        with hold(self.lock_file("lock"), shared=shared, what=f"the table {self.name}"):
            if not shared:
                drop_stale_hint(self.storage, self.location)
            yield

    def load_lock(self) -> AbstractContextManager[None]:
        """The lock under which loads into the table follow one another."""
        self.storage.claim_writing(self.location)
        return hold(self.lock_file("load.lock"), what=f"loading into {self.name}")

    def lock_file(self, kind: str) -> Path:
        """The lock file of a kind, beside the table or, for one in a bucket, in the workspace."""
        if is_remote(self.location):
            digest = hashlib.sha256(self.location.encode()).hexdigest()[:24]
            return self.workspace.private / "locks" / f"{digest}.{kind}"
        return Path(self.location) / PRIVATE_FOLDER / kind

    def append(self, data: Any, *, metadata: dict[str, str] | None = None) -> None:
        """Add the rows of an Arrow stream in one commit.

        Raises:
            SchemaError: a column the table does not have, or of another type.
            ConstraintError: a row breaks a constraint; nothing was written.
            ConflictError: writers on other machines were first for a whole minute.
        """
        from deltalake import CommitProperties, write_deltalake

        with self.lock(shared=True):
            table = self.open()
            if is_bucket(self.location) or table.metadata().partition_columns:
                self._append_staged(table, data, metadata)
                return
            with delta_errors(str(self.name), table), step(_APPEND):
                write_deltalake(
                    table,
                    handed_over_stream(data),
                    mode="append",
                    commit_properties=CommitProperties(
                        custom_metadata=metadata, max_commit_retries=100
                    ),
                )

    def _append_staged(
        self, before: DeltaTable, data: Any, metadata: dict[str, str] | None
    ) -> None:
        """Append where other machines write too, or rows must be looked at before they count.

        In a bucket delta-rs refuses an append when a file was replaced meanwhile, and makes one
        whose answer was lost a second time: the rows wait beside the table, so that the commit can
        be tried again. In a table with partitions they wait because `stage` refuses some.
        """
        from lakelet.lake.staging import adopt, discard, stage

        def commit() -> None:
            # One at a time on this machine: each try costs a bucket a dozen requests.
            with hold(self.lock_file("commit.lock"), what=f"committing to {self.name}"):
                now = self.open()
                if now.schema() != before.schema():
                    raise SchemaError(
                        f"the columns of {self.name} changed while rows were appended; "
                        "nothing was written.",
                        hint="append them again.",
                    )
                adopt(now, self.location, self.storage, [staged], metadata=metadata)

        rows = handed_over_stream(data)
        staged = stage(
            before, self.location, self.storage, rows, label="append-", name=str(self.name)
        )
        try:
            retry_conflicts(commit)
        except LakeletError:
            with suppress(StorageError):
                discard(self.location, self.storage, staged.folder)
            raise

    def add_columns(self, columns: list[Column]) -> None:
        """Add columns at the end; rows so far have NULL in them."""
        from deltalake import Field

        fields = [Field.from_json(json.dumps(column.delta)) for column in columns]

        def commit() -> None:
            with delta_errors(str(self.name)), step(_COLUMNS):
                self.open().alter.add_columns(fields)

        with self.lock():
            retry_conflicts(commit)

    def grow_columns(self, grown: Mapping[str, DataType]) -> None:
        """Give STRUCT columns further fields; see `lakelet.lake.growth`."""
        from lakelet.lake.growth import grow_columns

        grow_columns(self, grown)

    def restore(self, version: int) -> None:
        """Make the newest version equal an earlier one; nothing of the history is lost.

        Raises:
            VersionNotFoundError: the version is not kept any more.
        """

        def commit() -> None:
            with delta_errors(str(self.name)), step(_RESTORE):
                self.open().restore(version)

        with self.lock():
            retry_conflicts(commit)

    def history(self, *, limit: int | None = None) -> list[Commit]:
        """Its commits, the newest first."""
        with delta_errors(str(self.name)):
            return commits(self.open(), limit=limit)

    def version_at(self, moment: datetime) -> int:
        """The version that was current at a moment.

        Raises:
            VersionNotFoundError: the moment lies before its first commit.
        """
        with delta_errors(str(self.name)):
            return version_at(self.open(), moment, name=str(self.name))

    def file(self, *parts: str) -> str:
        """The path of a file of its own beside the log."""
        return join(self.location, PRIVATE_FOLDER, *parts)
