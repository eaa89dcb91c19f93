"""Committing one result to its table's log, and putting a table back.

Nothing here takes a lock: the update holds those of all its tables from the first commit to the
publication.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from lakelet.errors import ConflictError, StorageError
from lakelet.lake import Lake, LakeTable
from lakelet.lake.creation import NewTable, commit_new
from lakelet.lake.delta import delta_errors, retry_conflicts
from lakelet.lake.lake import DEFAULT_PROPERTIES
from lakelet.lake.publications import PIPELINE
from lakelet.lake.staging import adopt
from lakelet.pipelines.publishing.result import Result
from lakelet.pipelines.publishing.undone import PUT_BACK
from lakelet.workspace.quantities import counted
from lakelet.workspace.steps import declare, step

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = (
    "UPDATE",
    "commit_result",
    "committed_version",
    "created_here",
    "put_back",
    "put_back_table",
)

UPDATE = "lakelet.update"
"""Where a commit names the update it belongs to."""
_LAST = "lakelet.last"
_CREATE = declare("publish.create", "the table is there, empty, unpublished")
_COLUMNS = declare("publish.columns", "the table has the result's columns, unpublished")
_PUT_BACK = declare("publish.put_back", "the table's newest version equals the published one")
_LOOKED_BACK = 64


def committed_version(opened: DeltaTable, update: int) -> int | None:
    """The version an update committed to a table; None where it has not, or was undone since."""
    with delta_errors(opened.table_uri):
        for commit in opened.history(_LOOKED_BACK):
            if commit.get(UPDATE) == f"undo {update}":
                return None
            if commit.get(UPDATE) == str(update) and commit.get(_LAST):
                return int(commit["version"])
    return None


def created_here(opened: DeltaTable, update: int) -> bool:
    """Whether a table's log was begun, or begun anew, by an update."""
    properties = opened.metadata().configuration
    return properties.get("lakelet.created_by") == str(update)


def commit_result(lake: Lake, pipeline: str, update: int, result: Result) -> tuple[str, int]:
    """Commit a result, unless that was done before a crash.

    Returns:
        The table's id, and the version of the commit.

    Raises:
        ConflictError: files it takes the place of are not there any more.
    """
    table = lake.place(result.table)
    opened = table.open() if lake.exists(result.table) else None
    if opened is not None and (made := _made(table, opened, update)) is not None:
        return made
    _prepare(lake, table, opened, pipeline, update, result)
    retry_conflicts(lambda: _adopt(table, update, result))
    made = _made(table, table.open(), update)
    if made is None:
        raise StorageError(f"{table.name}: the commit of update {update} cannot be found.")
    return made


def _made(table: LakeTable, opened: DeltaTable, update: int) -> tuple[str, int] | None:
    """The table's id and the version an update committed to it, if it has."""
    version = committed_version(opened, update)
    if version is None:
        return None
    at = opened if opened.version() == version else table.open(version)
    return str(at.metadata().id), version


def _prepare(
    lake: Lake,
    table: LakeTable,
    opened: DeltaTable | None,
    pipeline: str,
    update: int,
    result: Result,
) -> None:
    """Make the table, or give it the result's columns, where that is needed."""
    new = NewTable(
        str(result.table),
        result.columns,
        result.partition_by,
        result.comment,
        {
            **DEFAULT_PROPERTIES,
            **result.properties,
            PIPELINE: pipeline,
            "lakelet.created_by": str(update),
        },
    )
    if opened is None:
        dropped = lake.state(result.table) == "dropped"
        commit_new(_CREATE, table, new, over=dropped, metadata={UPDATE: "new"})
        lake.clear_drop(result.table)
        return
    if created_here(opened, update) and not opened.file_uris():
        return
    if result.renew or (result.mode == "replace" and _differs(opened, new)):
        commit_new(_CREATE, table, new, over=True, metadata={UPDATE: "anew"})
    elif _columns(opened) != [column.delta for column in result.columns]:
        _evolve(table, opened, new)


def _differs(opened: DeltaTable, new: NewTable) -> bool:
    metadata = opened.metadata()
    ours = {PIPELINE, "lakelet.created_by"}
    properties = {k: v for k, v in new.properties.items() if k not in ours}
    return (
        _columns(opened) != [column.delta for column in new.columns]
        or metadata.partition_columns != new.partitions
        or (metadata.description or None) != new.comment
        or any(metadata.configuration.get(k) != v for k, v in properties.items())
    )


def _columns(opened: DeltaTable) -> list[Any]:
    return list(json.loads(opened.schema().to_json())["fields"])


def _evolve(table: LakeTable, opened: DeltaTable, new: NewTable) -> None:
    """New columns and fields, in a commit of their own: adopting files does not bring them."""
    from arro3.core import RecordBatchReader
    from deltalake import CommitProperties, write_deltalake

    with delta_errors(str(table.name)), step(_COLUMNS):
        write_deltalake(
            opened,
            RecordBatchReader.from_batches(new.schema().to_arrow(), []),
            mode="append",
            schema_mode="merge",
            commit_properties=CommitProperties(
                custom_metadata={"lakelet.operation": "ADD COLUMNS", UPDATE: "columns"}
            ),
        )


def _adopt(table: LakeTable, update: int, result: Result) -> None:
    from deltalake.transaction import RemoveAction

    opened = table.open()
    now = int(time.time() * 1000)
    actions = opened.get_add_actions(flatten=True)
    paths = [str(path) for path in actions.column("path").to_pylist()]
    sizes = dict(zip(paths, actions.column("size_bytes").to_pylist(), strict=True))
    gone = {"replace": paths, "append": [], "files": list(result.removed)}[result.mode]
    if missing := [path for path in gone if path not in sizes]:
        raise _VanishedError(
            f"{table.name}: another program replaced {counted(len(missing), 'file')} that the "
            "update was about to replace; nothing was published.",
            hint="run the update again.",
        )
    removed = [RemoveAction(unquote(path), True, now, sizes[path], None) for path in gone]
    adopt(
        opened, table.location, table.storage, [one for one in result.staged if one.adds],
        removed=removed,
        metadata={
            "lakelet.operation": "UPDATE",
            "lakelet.rows": str(result.rows),
            UPDATE: str(update),
            _LAST: "true",
        },
        transactions=result.transactions,
    )  # fmt: skip


class _VanishedError(StorageError):
    """Not a conflict that another try could resolve."""


def put_back(lake: Lake, result: Result, update: int, published: int | None) -> None:
    """Make a table's newest version equal the published one; a table never published is dropped."""
    if not lake.exists(result.table):
        return
    table = lake.table(result.table)
    if published is None:
        if created_here(table.open(), update):
            lake.mark_dropped(result.table)
        return
    put_back_table(table, published, str(update))


def put_back_table(table: LakeTable, published: int, undone: str) -> None:
    """Make a table's newest version equal an earlier one; its lock is held by the caller."""
    from deltalake import CommitProperties

    def commit() -> None:
        opened = table.open()
        if opened.version() == published:
            return
        with delta_errors(str(table.name)), step(_PUT_BACK):
            opened.restore(
                published,
                commit_properties=CommitProperties(
                    custom_metadata={"lakelet.operation": PUT_BACK, UPDATE: f"undo {undone}"}
                ),
            )

    try:
        retry_conflicts(commit)
    except ConflictError as error:
        raise StorageError(
            f"{table.name} could not be put back to version {published}: {error.message}",
            hint="run the update again: it goes on from the journal.",
        ) from error
