"""The lake of a workspace: which tables there are, and making, attaching and dropping them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lakelet.errors import StorageError, TableExistsError, TableNotFoundError
from lakelet.lake.delta import delta_errors
from lakelet.lake.names import TableName
from lakelet.lake.opening import open_delta
from lakelet.lake.storage import Storage, is_remote, join, storage_for
from lakelet.lake.table import PRIVATE_FOLDER, LakeTable
from lakelet.lake.types import Column
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.steps import declare, rename_folder

__all__ = ("Lake",)

_CREATE = declare("table.create", "the table is there, with the rows it was made with")
_ATTACH = declare("table.attach", "the name leads to a table elsewhere")
_DROP = declare("table.drop", "the table is marked as dropped; nothing of it has moved")
_UNDROP = declare("table.undrop", "the mark is gone and the table is back")
_RENAME = declare("table.rename", "the table's folder has its new name")
_DROPPED = "dropped.json"
_ATTACHED = "attached.json"

# Tables made here say what changed between versions, and forget nothing by themselves.
DEFAULT_PROPERTIES = {
    "delta.enableChangeDataFeed": "true",
    "delta.enableExpiredLogCleanup": "false",
}


@dataclass(frozen=True)
class Lake:
    """The tables of a workspace, in a folder or a bucket.

    Attributes:
        workspace: the workspace it belongs to.
    """

    workspace: WorkspaceFolder

    @cached_property
    def root(self) -> str:
        """The folder or URI that holds one folder a schema."""
        path = self.workspace.settings.lake.path
        if is_remote(path):
            return path.rstrip("/")
        return str(self.workspace.root / Path(path).expanduser())

    @cached_property
    def storage(self) -> Storage:
        """Where the lake lives."""
        return storage_for(self.workspace, self.root)

    def _at(self, name: TableName) -> LakeTable:
        return LakeTable(self.workspace, name, join(self.root, name.schema, name.table))

    def _state(self, table: LakeTable) -> str:
        """``there``, ``attached``, ``dropped`` or ``absent``."""
        marks = self._marks(table)
        if _DROPPED in marks:
            return "dropped"
        if _ATTACHED in marks:
            return "attached"
        return "there" if self._has_log(table) else "absent"

    def _marks(self, table: LakeTable) -> set[str]:
        if not is_remote(table.location):
            # A list of thousands of tables asks this of each: plain calls take a quarter of Path's.
            own = f"{table.location}/{PRIVATE_FOLDER}/"
            return {name for name in (_DROPPED, _ATTACHED) if os.path.exists(own + name)}  # noqa: PTH110
        # One listing where each mark would cost a request.
        found = self.storage.files(join(table.location, PRIVATE_FOLDER, ""))
        return {entry.path.rsplit("/", 1)[-1] for entry in found}

    def _has_log(self, table: LakeTable) -> bool:
        log = join(table.location, "_delta_log")
        if not is_remote(table.location):
            return os.path.isdir(log)  # noqa: PTH112
        if self.storage.entry(join(log, f"{0:020d}.json")) is not None:
            return True
        return next(iter(self.storage.files(log)), None) is not None

    def place(self, name: TableName) -> LakeTable:
        """Where the table of that name is or would be."""
        return self._at(name)

    def state(self, name: TableName) -> str:
        """``there``, ``attached``, ``dropped`` or ``absent``."""
        return self._state(self._at(name))

    def exists(self, name: TableName) -> bool:
        """Whether the lake has a table of that name that is not dropped."""
        return self._state(self._at(name)) in ("there", "attached")

    def table(self, name: TableName) -> LakeTable:
        """The table of that name.

        Raises:
            TableNotFoundError: none, or a dropped one.
            StorageError: one attached to a folder where there is no table any more.
        """
        table = self._at(name)
        state = self._state(table)
        if state == "attached":
            return self._attached(table)
        if state == "dropped":
            raise TableNotFoundError(
                f"the table {name} was dropped.", hint=f"UNDROP TABLE {name} brings it back."
            )
        if state == "absent":
            raise TableNotFoundError.named(str(name), [str(known) for known in self.names()])
        return table

    def _attached(self, own: LakeTable) -> LakeTable:
        with self.storage.open(own.file(_ATTACHED)) as file:
            table = LakeTable(self.workspace, own.name, json.load(file)["location"])
        if not is_remote(table.location) and not Path(table.location, "_delta_log").is_dir():
            raise StorageError(
                f"{own.name} is attached to {table.location}, where there is no Delta table now.",
                hint=f"bring it back there; or DROP TABLE {own.name} lets go of the name.",
            )
        return table

    def names(self) -> Iterator[TableName]:
        """The names of all tables, in order; dropped ones are left out."""
        for schema in self.schemas():
            for table in self.storage.folders(join(self.root, schema)):
                name = TableName(schema, table)
                if not table.startswith(("_", ".")) and self.exists(name):
                    yield name

    def dropped(self) -> Iterator[TableName]:
        """The names of dropped tables, in order."""
        for schema in self.schemas():
            for table in self.storage.folders(join(self.root, schema)):
                name = TableName(schema, table)
                if not table.startswith(("_", ".")) and self.state(name) == "dropped":
                    yield name

    def schemas(self) -> list[str]:
        """The names of all schemas, in order."""
        found = self.storage.folders(self.root)
        return [name for name in found if not name.startswith(("_", "."))]

    def create(
        self,
        name: TableName,
        columns: Sequence[Column],
        *,
        partition_by: Sequence[str] = (),
        comment: str | None = None,
        properties: Mapping[str, str] | None = None,
        if_absent: bool = False,
        replace: bool = False,
        rows: Any = None,
    ) -> LakeTable:
        """Make a table, empty or with rows, in one commit.

        Args:
            name: its name.
            columns: its columns.
            partition_by: names of columns whose values become folders.
            comment: what it is for.
            properties: Delta table properties besides `DEFAULT_PROPERTIES`.
            if_absent: leave a table that is there as it is.
            replace: make a new version of a table that is there.
            rows: an Arrow stream of its first rows.

        Raises:
            TableExistsError: the table is there already.
        """
        from lakelet.lake.creation import NewTable, commit_new

        table = self._at(name)
        new = NewTable(
            str(name),
            tuple(columns),
            tuple(partition_by),
            comment,
            {**DEFAULT_PROPERTIES, **(properties or {})},
        )
        with table.lock():
            state = self._state(table)
            if state in ("there", "attached") and if_absent:
                return self.table(name)
            if state == "attached" or (state == "there" and not replace):
                raise TableExistsError(
                    f"the table {name} is there already; it was left as it is.",
                    hint=f"it lies elsewhere: DROP TABLE {name} lets go of it."
                    if state == "attached"
                    else "CREATE OR REPLACE TABLE makes a new version of it.",
                )
            commit_new(_CREATE, table, new, rows, over=state != "absent")
            if state == "dropped":
                self.storage.remove(_UNDROP, table.file(_DROPPED))
        return table

    def attach(self, name: TableName, location: str) -> LakeTable:
        """Let a name lead to a Delta table elsewhere, which stays where it is.

        Raises:
            TableExistsError: the name is taken.
            OwnedTableError: the name is one that Lakelet keeps for itself.
            StorageError, UnsupportedTableError: no table there, or not a readable one.
        """
        name.refuse_own()
        if not is_remote(location):
            location = str(Path(location).expanduser().resolve())
        own = self._at(name)
        if self._state(own) != "absent":
            raise TableExistsError(f"the name {name} is taken; nothing was attached.")
        open_delta(location, options=storage_for(self.workspace, location).options)
        own.storage.claim_writing(own.location)
        data = json.dumps({"location": location}, ensure_ascii=False).encode()
        self.storage.write(_ATTACH, own.file(_ATTACHED), data)
        return self.table(name)

    def drop(self, name: TableName) -> None:
        """Mark a table as dropped. Nothing moves, and `undrop` takes the mark away.

        An attached table is detached: the table itself, elsewhere, is not touched.

        Raises:
            TableNotFoundError: no such table.
        """
        own = self._at(name)
        if self._state(own) == "attached":
            self.storage.remove(_DROP, join(own.location, PRIVATE_FOLDER, _ATTACHED))
            return
        self.table(name)
        with own.lock():
            self.mark_dropped(name)

    def mark_dropped(self, name: TableName) -> None:
        """Mark a table as dropped; its lock is held by the caller."""
        self.storage.write(_DROP, self._at(name).file(_DROPPED), b"{}")

    def clear_drop(self, name: TableName) -> None:
        """Take the mark of a dropped table away; its lock is held by the caller."""
        if self.state(name) == "dropped":
            self.storage.remove(_UNDROP, self._at(name).file(_DROPPED))

    def undrop(self, name: TableName) -> LakeTable:
        """Bring a dropped table back.

        Raises:
            TableNotFoundError: no dropped table of that name.
        """
        own = self._at(name)
        if self._state(own) != "dropped":
            raise TableNotFoundError(f"there is no dropped table {name}.")
        with own.lock():
            self.storage.remove(_UNDROP, own.file(_DROPPED))
        return own

    def is_own(self, name: TableName) -> bool:
        """Whether the lake itself holds the table, not only its name."""
        return self._state(self._at(name)) == "there"

    def is_free(self, name: TableName) -> bool:
        """Whether nothing stands under a name, a dropped table neither."""
        return self._state(self._at(name)) == "absent"

    def rename_table(self, old: TableName, new: TableName) -> None:
        """Rename a table's folder on a local disk; its locks are held by the caller.

        Raises:
            StorageError: the disk said no; the table has its old name.
        """
        rename_folder(_RENAME, Path(self._at(old).location), Path(self._at(new).location))

    def describe(self, name: TableName) -> dict[str, Any]:
        """Name, place, comment and properties of a table, for people."""
        table = self.table(name)
        with delta_errors(str(name)):
            metadata = table.open().metadata()
        return {
            "name": str(name),
            "location": table.location,
            "comment": metadata.description or None,
            "partition_by": list(metadata.partition_columns),
            "properties": dict(metadata.configuration),
        }
