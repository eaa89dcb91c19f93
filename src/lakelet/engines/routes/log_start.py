"""Whether a table's log reaches back to its beginning, or to a checkpoint that replaces it."""

from __future__ import annotations

from pathlib import Path

from deltalake import DeltaTable
from deltalake._internal import DeltaFileSystemHandler

from lakelet.engines.routes.data_files import table_root
from lakelet.lake.checkpoints import newest_checkpoint
from lakelet.lake.storage import join
from lakelet.lake.storage.access import BucketAccess, split_uri
from lakelet.lake.storage.bucket import BucketStorage

__all__ = ("starts_whole",)

FIRST_COMMIT = f"{0:020d}.json"


def starts_whole(table: DeltaTable, storage_options: dict[str, str] | None) -> bool:
    """Whether nothing is missing before the first commit that opening the table read.

    delta-rs checks that commits follow each other without a gap but starts at whatever commit
    comes first; without version 0 and without a checkpoint it silently drops the rows of the
    commits before. (Delta Transaction Log Protocol, "Action Reconciliation": a snapshot is a
    checkpoint and everything after it, or everything.)
    """
    if table.table_uri.startswith("file://"):
        log = Path(table_root(table.table_uri)) / "_delta_log"
        if (log / FIRST_COMMIT).exists():
            return True
        names = [entry.name for entry in log.iterdir()]
    else:
        files = DeltaFileSystemHandler(table.table_uri, storage_options, None)
        if bucket_holds(files, f"_delta_log/{FIRST_COMMIT}"):
            return True
        names = bucket_names(table.table_uri, storage_options)
    return newest_checkpoint(names, table.version()) is not None


def bucket_holds(files: DeltaFileSystemHandler, path: str) -> bool:
    """Whether an object is there."""
    try:
        files.open_input_file(path)
    except FileNotFoundError:
        return False
    return True


def bucket_names(table_uri: str, storage_options: dict[str, str] | None) -> list[str]:
    """The names in the log's folder in a bucket; delta-rs itself lists only through pyarrow.

    Raises:
        MissingExtraError: the extra ``s3`` is not installed.
        StorageError: the bucket cannot be reached.
    """
    bucket, _ = split_uri(table_uri)
    storage = BucketStorage(BucketAccess.of_options(bucket, storage_options or {}))
    log = join(table_root(table_uri), "_delta_log")
    return [entry.path.rsplit("/", 1)[-1] for entry in storage.files(log)]
