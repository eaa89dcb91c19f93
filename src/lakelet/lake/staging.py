"""Staging: rows written beside a table first, and adopted by one small commit later.

The rows go to a scratch Delta table inside the table's own folder, with the same schema, partitions
and constraints, so that delta-rs checks every row and computes the statistics. Nothing of it is
visible until `adopt` names its files in the table's log. The folder's name must not begin with an
underscore: VACUUM would never look into it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from lakelet.errors import ConflictError, ConstraintError, StorageError
from lakelet.lake.delta import delta_errors
from lakelet.lake.opening import open_delta
from lakelet.lake.storage import Storage, is_bucket, join
from lakelet.workspace.steps import declare, step

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from deltalake.transaction import AddAction

__all__ = ("STAGED_PREFIX", "Staged", "add_actions", "adopt", "discard", "forget", "stage")

STAGED_PREFIX = "staged-"
_STAGE = declare("stage.create", "an empty scratch table is beside the table")
_WRITE = declare("stage.write", "the rows are in the scratch table, visible to nobody")
_ADOPT = declare("stage.adopt", "the staged files are the table's, in one commit")
_FORGET = declare("stage.forget", "the scratch table's log, or the whole of it, is gone")
_CONSTRAINT = "delta.constraints."
_ROW_GROUP = 512 << 10
"""Rows of a Parquet row group: what the writer holds in memory at once."""
_DICTIONARY = 128 << 10
"""Bytes of distinct values up to which a column is told by their numbers: a mebibyte, as usual,
costs a quarter more CPU and saves 2 % of the size."""
_COMMIT_ID = "txnId"
_LOOKED_BACK = 64


@dataclass(frozen=True, slots=True)
class Staged:
    """Files that wait to be adopted.

    Attributes:
        folder: the scratch table's folder, relative to the table's.
        adds: the ``add`` actions of its log.
        rows: rows in the files.
    """

    folder: str
    adds: tuple[dict[str, Any], ...]
    rows: int


def stage(
    table: DeltaTable,
    location: str,
    storage: Storage,
    data: Any,
    *,
    label: str = "",
    target_size: int | None = None,
    name: str = "",
) -> Staged:
    """Write rows beside the table.

    Args:
        table: the table, at the version whose schema and constraints count.
        location: its folder.
        storage: where it lives.
        data: an Arrow stream; one that DuckDB makes must be handed over (`lake.handover`).
        label: begins the scratch folder's name, so that whoever recovers knows whose it is.
        target_size: bytes a file should have.
        name: the table's, where it is not the one it was made under.

    Raises:
        ConstraintError: a row breaks a constraint.
        StorageError: the disk is full or the bucket out of reach.
    """
    from deltalake import (
        DeltaTable,
        PostCommitHookProperties,
        WriterProperties,
        write_deltalake,
    )

    folder = f"{STAGED_PREFIX}{label}{uuid.uuid4().hex[:12]}"
    path = join(location, folder)
    metadata = table.metadata()
    checks = {
        name: check
        for name, check in metadata.configuration.items()
        if name.startswith(_CONSTRAINT)
    }
    if checks:
        # Raises the protocol far enough for delta-rs to check; constraints added one by one would
        # be rewritten by it, with parentheses missing.
        checks["delta.enableChangeDataFeed"] = "true"
    try:
        with delta_errors(name or metadata.name or location, table):
            with step(_STAGE):
                scratch = DeltaTable.create(
                    path,
                    table.schema(),
                    partition_by=metadata.partition_columns,
                    configuration=checks or None,
                    storage_options=storage.options or None,
                    raise_if_key_not_exists=False,
                )
            with (
                step(_WRITE),
                _no_empty_partitions(name or metadata.name or location, storage, path),
            ):
                write_deltalake(
                    scratch,
                    data,
                    mode="append",
                    target_file_size=target_size,
                    writer_properties=WriterProperties(
                        compression="SNAPPY",
                        max_row_group_size=_ROW_GROUP,
                        dictionary_page_size_limit=_DICTIONARY,
                    ),
                    post_commithook_properties=PostCommitHookProperties(create_checkpoint=False),
                )
        adds = tuple(_adds(storage, path, scratch.version()))
    except BaseException:
        # What cannot be removed either waits for `maintain`.
        with suppress(StorageError):
            discard(location, storage, folder)
        raise
    return Staged(folder, adds, sum(json.loads(add["stats"])["numRecords"] for add in adds))


@contextmanager
def _no_empty_partitions(name: str, storage: Storage, path: str) -> Iterator[None]:
    """Refuse an empty text in a partition column, once the rows are written to ``path``.

    Delta keeps no such value: the empty text stands for NULL there, and a table whose column may
    not be NULL could never be read again. Source: Delta Transaction Log Protocol, "Partition Value
    Serialization".

    Raises:
        ConstraintError: there is one.
    """
    try:
        yield
    except ValueError:
        with suppress(StorageError):  # no rows were written: that is not the reason
            _refuse_empty(name, storage, path)
        raise
    _refuse_empty(name, storage, path)


def _refuse_empty(name: str, storage: Storage, path: str) -> None:
    rows: dict[str, int] = {}
    for add in _adds(storage, path, 1):
        for column, value in add["partitionValues"].items():
            if value == "":
                rows[column] = rows.get(column, 0) + json.loads(add["stats"])["numRecords"]
    for column, count in rows.items():
        noun = "row" if count == 1 else "rows"
        raise ConstraintError(
            f"{name}: {count} {noun} with an empty text in {column}, a column the table is "
            "partitioned by, where Delta cannot tell it from NULL; nothing was written.",
            hint=f"write NULL instead, as nullif({column}, ''), or another text.",
        )


def _adds(storage: Storage, path: str, version: int) -> Iterable[dict[str, Any]]:
    with storage.open(join(path, "_delta_log", f"{version:020d}.json")) as log:
        for line in log:
            action = json.loads(line)
            if "add" in action:
                yield action["add"]


def add_actions(staged: Iterable[Staged]) -> list[AddAction]:
    """Staged files as a commit to the table names them."""
    from deltalake.transaction import AddAction

    return [
        AddAction(
            # The log spells paths percent-encoded; delta-rs encodes what it is given here.
            path=f"{one.folder}/{unquote(add['path'])}",
            size=add["size"],
            partition_values=add["partitionValues"],
            modification_time=add["modificationTime"],
            data_change=True,
            stats=add["stats"],
        )
        for one in staged
        for add in one.adds
    ]


def forget(location: str, storage: Storage, staged: Iterable[Staged]) -> None:
    """Remove the logs of scratch tables whose files a commit has adopted."""
    for one in staged:
        # The rows are the table's already; what could not be tidied up waits for `maintain`.
        with suppress(StorageError):
            storage.remove(_FORGET, join(location, one.folder, "_delta_log"))


def adopt(
    table: DeltaTable,
    location: str,
    storage: Storage,
    staged: Iterable[Staged],
    *,
    removed: Iterable[Any] = (),
    metadata: dict[str, str] | None = None,
    transactions: Iterable[tuple[str, int]] = (),
) -> None:
    """Make staged files the table's, and take ``removed`` ones out, in one commit.

    Args:
        table: the table as it was when ``removed`` was decided; a conflict since then is an error.
        location: its folder.
        storage: where it lives.
        staged: what `stage` returned.
        removed: ``RemoveAction`` of files whose rows are in the staged ones, or deleted.
        metadata: what the commit says about itself.
        transactions: application ids and numbers, committed with the rows.

    Raises:
        ConflictError: another writer removed a file first.
    """
    from deltalake import CommitProperties, Transaction

    staged, removed = tuple(staged), tuple(removed)
    adds = add_actions(staged)
    own = str(uuid.uuid4())
    properties = CommitProperties(
        custom_metadata={**(metadata or {}), _COMMIT_ID: own},
        app_transactions=[Transaction(*one) for one in transactions] or None,
        # Tried again by delta-rs, a commit of ours whose answer was lost would be made twice.
        max_commit_retries=0 if is_bucket(location) and not removed else None,
    )
    try:
        with delta_errors(location), step(_ADOPT):
            table.create_write_transaction(
                [*removed, *adds],
                mode="append",
                schema=table.schema(),
                partition_by=table.metadata().partition_columns,
                commit_properties=properties,
            )
    except ConflictError:
        if not _is_made(location, storage, own):
            raise
    forget(location, storage, staged)


def _is_made(location: str, storage: Storage, own: str) -> bool:
    """Whether the conflict was with this very commit: made in the bucket, its answer lost."""
    newest = open_delta(location, options=storage.options).history(_LOOKED_BACK)
    return any(commit.get(_COMMIT_ID) == own for commit in newest)


def discard(location: str, storage: Storage, folder: str) -> None:
    """Remove a scratch table that will not be adopted."""
    storage.remove(_FORGET, join(location, folder))
