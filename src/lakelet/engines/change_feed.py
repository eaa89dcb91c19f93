"""A table's change feed: which rows came and went, version by version.

Source: Delta Transaction Log Protocol, "Change Data Files"; Databricks, "Use Delta Lake change data
feed": the columns ``_change_type``, ``_commit_version`` and ``_commit_timestamp``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import duckdb

from lakelet.engines.engine import duckdb_errors
from lakelet.errors import StorageError
from lakelet.lake import LakeTable
from lakelet.lake.delta import delta_errors
from lakelet.lake.names import quote
from lakelet.lake.types import Column, Primitive

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = ("FEED_COLUMNS", "change_feed_sql")

FEED_COLUMNS = (
    Column("_change_type", Primitive("STRING")),
    Column("_commit_version", Primitive("BIGINT")),
    Column("_commit_timestamp", Primitive("TIMESTAMP")),
)


def change_feed_sql(
    connection: duckdb.DuckDBPyConnection,
    table: LakeTable,
    snapshot: DeltaTable,
    columns: Sequence[Column],
    since: int,
    last: int,
    *,
    passed: Collection[int] = (),
) -> str:
    """A SELECT of the rows that changed in some versions; they become the table ``feed``.

    A commit that puts new files in the place of old ones shows every row of both as deleted and
    inserted; rows that are equal in both did not change and are left out.

    Args:
        connection: where.
        table: the table, for messages.
        snapshot: a snapshot of it, not older than ``last``.
        columns: its columns.
        since: changes of later versions than this one.
        last: and up to this one.
        passed: versions whose changes are left out.

    Raises:
        StorageError: the table keeps no change feed, or not that far back.
    """
    typed = (*columns, *FEED_COLUMNS)
    nothing = ", ".join(f"CAST(NULL AS {c.type.duckdb}) AS {quote(c.name)}" for c in typed)
    with duckdb_errors(), delta_errors(str(table.name)):
        connection.execute(f"CREATE OR REPLACE TABLE feed AS SELECT {nothing} WHERE false")
        if since < last:
            reader = snapshot.load_cdf(starting_version=since + 1, ending_version=last)
            connection.register("arrived", reader)
            stamp = "timezone('UTC', CAST(_commit_timestamp AS TIMESTAMP))"
            left_out = f" WHERE _commit_version NOT IN ({_numbers(passed)})" if passed else ""
            try:
                connection.execute(
                    "INSERT INTO feed BY NAME SELECT * REPLACE "
                    f"({stamp} AS _commit_timestamp) FROM arrived{left_out}"
                )
            except duckdb.Error as error:
                if "not found" not in str(error):
                    raise
                raise StorageError(
                    f"{table.name}: rows that changed after version {since} are not kept any more: "
                    "VACUUM has removed their files.",
                    hint="what reads the change feed takes everything anew with --full-refresh.",
                ) from error
            finally:
                connection.unregister("arrived")
    same = ", ".join(quote(c.name) for c in (*columns, *FEED_COLUMNS[1:]))
    parts = [
        f"SELECT *, '{here}' AS _change_type FROM ("
        f"SELECT {same} FROM feed WHERE _change_type = '{here}' EXCEPT ALL "
        f"SELECT {same} FROM feed WHERE _change_type = '{there}')"
        for here, there in (("insert", "delete"), ("delete", "insert"))
    ]
    others = "SELECT * FROM feed WHERE _change_type NOT IN ('insert', 'delete')"
    return " UNION ALL BY NAME ".join([others, *parts])


def _numbers(versions: Collection[int]) -> str:
    return ", ".join(map(str, versions))
