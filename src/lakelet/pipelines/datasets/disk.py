"""Room on the disk: staging stops before the last of it is gone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from lakelet.errors import StorageError
from lakelet.lake import LakeTable
from lakelet.lake.storage import is_remote
from lakelet.workspace.quantities import format_bytes, parse_bytes

__all__ = ("with_room",)

T = TypeVar("T")


def with_room(table: LakeTable, batches: Iterator[T]) -> Iterator[T]:
    """The same batches, as long as the disk they are written to has room.

    Raises:
        StorageError: less than ``[resources] min_free_disk`` is left.
    """
    least = parse_bytes(table.workspace.settings.resources.min_free_disk)
    place = None if is_remote(table.location) else _existing(Path(table.location))
    for batch in batches:
        if place is not None and (free := shutil.disk_usage(place).free) < least:
            raise StorageError(
                f"{table.name}: only {format_bytes(free)} of disk are left, less than "
                f"min_free_disk ({format_bytes(least)}); nothing was published.",
                hint="free some space, then run the update again, or change [resources] "
                "min_free_disk.",
            )
        yield batch


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
