"""A table's change feed, asked for by a person: which rows came, went or changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakelet.engines.change_feed import change_feed_sql
from lakelet.engines.connection import open_connection
from lakelet.errors import VersionNotFoundError
from lakelet.lake import LakeTable
from lakelet.session.result import Result

if TYPE_CHECKING:
    from lakelet.session.workspace import Workspace

__all__ = ("change_feed",)


def change_feed(
    workspace: Workspace, table: LakeTable, since: int, until: int | None = None
) -> Result:
    """Rows that changed after a version; those of replaced files that stayed equal left out.

    Args:
        workspace: whose settings count.
        table: the table.
        since: changes of later versions than this one.
        until: and up to this one, the newest without it.

    Raises:
        VersionNotFoundError: ``since`` is no version of the table.
        StorageError: the table keeps no change feed.
    """
    snapshot = table.open()
    last = int(snapshot.version()) if until is None else until
    if not 0 <= since <= int(snapshot.version()):
        raise VersionNotFoundError(
            f"{table.name} has no version {since}; its newest is {snapshot.version()}.",
            hint=f"`lakelet history {table.name}` lists the versions that are there.",
        )
    connection = open_connection(workspace.folder)
    query = change_feed_sql(connection, table, snapshot, table.columns(), since, last)
    order = "_commit_version, _change_type"
    return Result(connection.sql(f"SELECT * FROM ({query}) ORDER BY {order}"))
