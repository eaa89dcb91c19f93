"""Whether a table's log reaches back to its beginning, or to a checkpoint that replaces it."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from deltalake import DeltaTable
from deltalake._internal import DeltaFileSystemHandler

__all__ = ("starts_whole",)

_FIRST = f"_delta_log/{0:020d}.json"
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\..*(parquet|json)$")


def starts_whole(table: DeltaTable, storage_options: dict[str, str] | None) -> bool:
    """Whether nothing is missing before the first commit that opening the table read.

    delta-rs checks that commits follow each other without a gap but starts at whatever commit
    comes first; without version 0 and without a checkpoint it silently drops the rows of the
    commits before. (Delta Transaction Log Protocol, "Action Reconciliation": a snapshot is a
    checkpoint and everything after it, or everything.)
    """
    root = table.table_uri
    if root.startswith("file://"):
        log = Path(unquote(root.removeprefix("file://"))) / "_delta_log"
        if (log / f"{0:020d}.json").exists():
            return True
        return any(
            int(match[1]) <= table.version()
            for match in map(_CHECKPOINT.match, (entry.name for entry in log.iterdir()))
            if match
        )
    files = DeltaFileSystemHandler(root, storage_options, None)
    return _holds(files, _FIRST) or _holds(files, "_delta_log/_last_checkpoint")


def _holds(files: DeltaFileSystemHandler, path: str) -> bool:
    try:
        files.open_input_file(path)
    except FileNotFoundError:
        return False
    return True
