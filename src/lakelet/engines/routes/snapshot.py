"""Opening a Delta table at one pinned version, or saying plainly why that cannot be done."""

from __future__ import annotations

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from lakelet.errors import StorageError, UnsupportedTableError, VersionNotFoundError

__all__ = ("open_snapshot",)


def open_snapshot(
    location: str,
    *,
    version: int | None = None,
    storage_options: dict[str, str] | None = None,
) -> DeltaTable:
    """Open the table at ``location``, pinned to ``version`` or to its newest one now.

    Raises:
        UnsupportedTableError: the log is damaged, or the table needs a reader feature that this
            stack lacks; the message names the damage or the feature.
        VersionNotFoundError: the table has no such version.
        StorageError: the location cannot be reached.
    """
    try:
        return DeltaTable(location, version=version, storage_options=storage_options)
    except TableNotFoundError as error:
        raise UnsupportedTableError(f"{location} is not a Delta table: {error}") from error
    except (DeltaError, OSError) as error:
        if version is not None:
            raise VersionNotFoundError(f"{location} has no version {version}.") from error
        raise StorageError(f"{location} cannot be opened: {error}") from error
