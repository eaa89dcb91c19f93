"""Versions of a table that people ask for: one that is not there is told by the table's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lakelet.errors import SqlError, VersionNotFoundError

if TYPE_CHECKING:
    from lakelet.lake import LakeTable

__all__ = ("named_version", "restore")


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


def restore(table: LakeTable, version: int) -> int:
    """Make a table equal an earlier version.

    Returns:
        How many raw files count as not loaded again.

    Raises:
        VersionNotFoundError: there is no such version.
        SqlError: the table is at that version.
    """
    from lakelet.engines.routes import open_snapshot
    from lakelet.lake import Lake
    from lakelet.loading.restored import restore_table

    with named_version(table, version):
        open_snapshot(table.location, version=version, storage_options=table.storage.options)
    if version == table.newest_version():
        raise SqlError(
            f"{table.name} is at version {version}, its newest: there is nothing to restore, and "
            "nothing was changed.",
            hint=f"`lakelet history {table.name}` lists the versions to go back to.",
        )
    return restore_table(Lake(table.workspace), table, version)
