"""A table's change feed: which rows came and went, version by version.

Change files of an UPDATE or MERGE by delta-rs are not trusted: it leaves out a row's image where
any other row had, or got, the same values, so that rows are missing from what it wrote down. For
such a version the data files are compared.

Source: Delta Transaction Log Protocol, "Change Data Files"; Databricks, "Use Delta Lake change data
feed": the columns ``_change_type``, ``_commit_version`` and ``_commit_timestamp``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import duckdb

from lakelet.engines.engine import duckdb_errors
from lakelet.engines.file_changes import SnapshotFiles
from lakelet.engines.routes import open_snapshot
from lakelet.errors import LakeletError, StorageError, UnsupportedTableError
from lakelet.lake import LakeTable
from lakelet.lake.delta import delta_errors
from lakelet.lake.names import quote
from lakelet.lake.storage import join
from lakelet.lake.types import Column, Primitive

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = ("FEED_COLUMNS", "change_feed_sql", "commit_actions", "is_doubtful")

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
            for version in range(since + 1, last + 1):
                if version not in passed and is_doubtful(commit_actions(table, version)):
                    _compare_files(connection, table, version)
    same = ", ".join(quote(c.name) for c in (*columns, *FEED_COLUMNS[1:]))
    parts = [
        f"SELECT *, '{here}' AS _change_type FROM ("
        f"SELECT {same} FROM feed WHERE _change_type = '{here}' EXCEPT ALL "
        f"SELECT {same} FROM feed WHERE _change_type = '{there}')"
        for here, there in (("insert", "delete"), ("delete", "insert"))
    ]
    others = "SELECT * FROM feed WHERE _change_type NOT IN ('insert', 'delete')"
    return " UNION ALL BY NAME ".join([others, *parts])


def commit_actions(table: LakeTable, version: int) -> list[Mapping[str, Any]]:
    """The actions of one commit; none where its log entry is not kept any more."""
    try:
        with table.storage.open(join(table.location, "_delta_log", f"{version:020d}.json")) as log:
            return [json.loads(line) for line in log]
    except LakeletError:
        return []


def is_doubtful(actions: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a commit's change files may lack rows: see the top of this module."""
    written = any("cdc" in action for action in actions)
    info: Mapping[str, Any] = next((a["commitInfo"] for a in actions if "commitInfo" in a), {})
    engine = str(info.get("engineInfo") or info.get("clientVersion") or "")
    return written and engine.startswith("delta-rs") and info.get("operation") != "DELETE"


def _commit_time(actions: Iterable[Mapping[str, Any]]) -> int:
    """When a commit was made, in milliseconds since 1970."""
    info: Mapping[str, Any] = next((a["commitInfo"] for a in actions if "commitInfo" in a), {})
    return int(info.get("inCommitTimestamp") or info.get("timestamp") or 0)


def _compare_files(connection: duckdb.DuckDBPyConnection, table: LakeTable, version: int) -> None:
    """Put what the data files tell of a version in the place of what its change files tell."""
    options = table.storage.options or None
    after, before = (
        SnapshotFiles.of(table, open_snapshot(table.location, version=v, storage_options=options))
        for v in (version, version - 1)
    )
    connection.execute(f"DELETE FROM feed WHERE _commit_version = {version}")
    moment = f"make_timestamptz({_commit_time(commit_actions(table, version)) * 1000})"
    for here, there, kind in ((after, before, "insert"), (before, after, "delete")):
        paths = (
            {path for path in here.uris if path not in there.uris}
            | here.masked
            | (there.masked & set(here.uris))
        )
        route = here.only(paths)
        if route is None:
            raise UnsupportedTableError(
                f"{table.name}: what changed in version {version} cannot be told: its change files "
                f"may lack rows, and its data files are not read one by one: {here.route.reason}"
            )
        route.attach(connection, '"lakelet version"')
        connection.execute(
            f"INSERT INTO feed BY NAME SELECT *, '{kind}' AS _change_type, "
            f"CAST({version} AS BIGINT) AS _commit_version, {moment} AS _commit_timestamp "
            'FROM "lakelet version"'
        )


def _numbers(versions: Collection[int]) -> str:
    return ", ".join(map(str, versions))
