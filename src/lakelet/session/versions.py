"""Going back to an earlier version of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakelet.errors import SqlError

if TYPE_CHECKING:
    from lakelet.lake import LakeTable

__all__ = ("restore",)


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
    from lakelet.lake.table import named_version
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
