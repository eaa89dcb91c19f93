"""The one clean-up that is always safe: merge small files, forget versions past the retention.

It never removes a file that a version younger than the retention needs, whoever wrote it, and none
of a version that a run is pinned to, unless told.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lakelet.lake.delta import delta_errors, retry_conflicts
from lakelet.lake.health import SMALL_FILE, Health, data_files, examine_table
from lakelet.lake.pins import pinned_versions
from lakelet.lake.staging import STAGED_PREFIX
from lakelet.lake.storage import join
from lakelet.lake.table import LakeTable
from lakelet.workspace.steps import declare, step

__all__ = ("Maintained", "maintain_table")

_COMPACT = declare("maintain.compact", "small files are merged, rows unchanged")
_CHECKPOINT = declare("maintain.checkpoint", "the log has a checkpoint at its newest version")
_VACUUM = declare("maintain.vacuum", "files past the retention are gone")
_TIDY = declare("maintain.tidy", "logs of scratch tables that were adopted are gone")


@dataclass(frozen=True, slots=True)
class Maintained:
    """What a clean-up did.

    Attributes:
        table: the table's name.
        merged: small files merged into fewer.
        removed: files removed.
        before: how the table stood.
        after: how it stands.
    """

    table: str
    merged: int
    removed: int
    before: Health
    after: Health


def maintain_table(table: LakeTable, *, even_pinned: bool = False) -> Maintained:
    """Merge small files, then remove what only versions past the retention needed.

    Args:
        table: the table.
        even_pinned: remove old versions that runs are pinned to, too.

    Runs under the table's locks, so that no load or rewrite has files that nothing names yet.

    Raises:
        StorageError: disk or bucket said no; run it again when the cause is gone.
    """
    with table.load_lock(), table.lock():
        before = examine_table(table)
        merged = _compact(table) if before.small > 1 else 0
        with delta_errors(str(table.name)), step(_CHECKPOINT):
            table.open().create_checkpoint()
        _tidy(table)
        keep = table.workspace.settings.lake.keep
        hours = math.ceil(keep.total_seconds() / 3600)
        pinned = [] if even_pinned else list(pinned_versions(table))
        there = data_files(table)
        with delta_errors(str(table.name)), step(_VACUUM):
            removed = table.open().vacuum(
                retention_hours=hours, dry_run=False, enforce_retention_duration=False, full=True,
                keep_versions=pinned or None,
            )  # fmt: skip
        # delta-rs names what the log let go of, whether it was still there or not.
        return Maintained(
            str(table.name), merged, len(there.keys() & removed), before, examine_table(table)
        )


def _compact(table: LakeTable) -> int:
    def run() -> int:
        with delta_errors(str(table.name)), step(_COMPACT):
            metrics = table.open().optimize.compact(target_size=8 * SMALL_FILE)
        return int(metrics.get("numFilesRemoved", 0))

    return retry_conflicts(run)


def _tidy(table: LakeTable) -> None:
    """Remove the logs of scratch tables whose files are the table's: they say nothing any more."""
    for folder in table.storage.folders(table.location):
        if folder.startswith(STAGED_PREFIX):
            table.storage.remove(_TIDY, join(table.location, folder, "_delta_log"))
