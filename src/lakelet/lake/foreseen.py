"""What a clean-up of a table would do, before it is done: files, bytes, and versions that go."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from lakelet.lake.delta import delta_errors
from lakelet.lake.health import data_files, examine_table, file_spans
from lakelet.lake.pins import pinned_versions
from lakelet.lake.table import LakeTable

__all__ = ("Foreseen", "foresee_maintenance")


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a clean-up would do.

    Attributes:
        table: the table's name.
        small: small files that would be merged; in each folder of a partition at least two.
        removed: files that would be removed.
        removed_bytes: their size.
        versions: versions that could not be read any more, in order.
        pinned: files past the retention that stay since runs are pinned to their versions.
        pinned_bytes: their size.
        pinned_versions: the versions that runs are pinned to, each with how many.
        retention: how long versions stay, as the settings say it.
    """

    table: str
    small: int
    removed: int
    removed_bytes: int
    versions: tuple[int, ...]
    pinned: int
    pinned_bytes: int
    pinned_versions: dict[int, int]
    retention: str

    @property
    def version_ranges(self) -> list[tuple[int, int]]:
        """The versions that go as ranges, first and last included."""
        found: list[tuple[int, int]] = []
        for version in self.versions:
            if found and found[-1][1] == version - 1:
                found[-1] = (found[-1][0], version)
            else:
                found.append((version, version))
        return found


def foresee_maintenance(table: LakeTable, *, even_pinned: bool = False) -> Foreseen:
    """Say what `maintain_table` would do now; nothing is done.

    Where no version is kept at all (a retention of 0), small files go too once they are merged;
    these are told as merged only.

    Args:
        table: the table.
        even_pinned: as though no run were pinned to a version.

    Raises:
        StorageError: the table cannot be read.
    """
    health = examine_table(table)
    settings = table.workspace.settings.lake
    hours = math.ceil(settings.keep.total_seconds() / 3600)
    pins = {} if even_pinned else pinned_versions(table)
    with delta_errors(str(table.name)):
        named = set(
            table.open().vacuum(  # house: a dry run removes nothing
                retention_hours=hours, dry_run=True, enforce_retention_duration=False, full=True,
                keep_versions=list(pins) or None,
            )
        )  # fmt: skip
    sizes = data_files(table)
    # delta-rs names what the log let go of, whether it is still there or not.
    gone = named & sizes.keys()
    return Foreseen(
        str(table.name),
        health.small if health.small > 1 else 0,
        len(gone),
        sum(sizes[path] for path in gone),
        _unreadable(table, gone),
        0 if even_pinned else health.pinned,
        0 if even_pinned else health.pinned_bytes,
        pins,
        settings.retention,
    )


def _unreadable(table: LakeTable, gone: Collection[str]) -> tuple[int, ...]:
    """The versions that need one of some files."""
    found: set[int] = set()
    for path, first, last in file_spans(table):
        if path in gone:
            found.update(range(first, last + 1))
    return tuple(sorted(found))
