"""A table's change feed: which rows came, went or changed, version by version.

Source: Delta Transaction Log Protocol, "Change Data Files"; Databricks, "Use Delta Lake change data
feed": the columns ``_change_type``, ``_commit_version`` and ``_commit_timestamp``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakelet.engines.connection import open_connection
from lakelet.engines.engine import duckdb_errors
from lakelet.errors import VersionNotFoundError
from lakelet.lake import LakeTable
from lakelet.lake.delta import delta_errors
from lakelet.lake.names import quote
from lakelet.session.result import Result

if TYPE_CHECKING:
    from lakelet.session.workspace import Workspace

__all__ = ("change_feed",)

_OWN = ("_change_type", "_commit_version", "_commit_timestamp")


def change_feed(
    workspace: Workspace, table: LakeTable, since: int, until: int | None = None
) -> Result:
    """Rows that changed after a version.

    A commit that puts new files in the place of old ones shows every row of both as deleted and
    inserted; rows that are equal in both did not change and are left out here.

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
            f"{table.name} has no version {since}; its newest is {snapshot.version()}."
        )
    connection = open_connection(workspace.folder)
    columns = [column.name for column in table.columns()]
    kinds = ", ".join(
        [*(f"CAST(NULL AS {c.type.duckdb}) AS {quote(c.name)}" for c in table.columns()),
         "CAST(NULL AS VARCHAR) AS _change_type", "CAST(NULL AS BIGINT) AS _commit_version",
         "CAST(NULL AS TIMESTAMPTZ) AS _commit_timestamp"]
    )  # fmt: skip
    with duckdb_errors(), delta_errors(str(table.name)):
        connection.execute(f"CREATE TABLE feed AS SELECT {kinds} WHERE false")
        if since < last:
            reader = snapshot.load_cdf(starting_version=since + 1, ending_version=last)
            connection.register("arrived", reader)
            stamp = "timezone('UTC', CAST(_commit_timestamp AS TIMESTAMP))"
            connection.execute(
                "INSERT INTO feed BY NAME SELECT * REPLACE "
                f"({stamp} AS _commit_timestamp) FROM arrived"
            )
    same = ", ".join(quote(name) for name in (*columns, *_OWN[1:]))
    parts = [
        f"SELECT *, '{here}' AS _change_type FROM ("
        f"SELECT {same} FROM feed WHERE _change_type = '{here}' EXCEPT ALL "
        f"SELECT {same} FROM feed WHERE _change_type = '{there}')"
        for here, there in (("insert", "delete"), ("delete", "insert"))
    ]
    others = "SELECT * FROM feed WHERE _change_type NOT IN ('insert', 'delete')"
    query = " UNION ALL BY NAME ".join([others, *parts])
    order = "_commit_version, _change_type"
    return Result(connection.sql(f"SELECT * FROM ({query}) ORDER BY {order}"))
