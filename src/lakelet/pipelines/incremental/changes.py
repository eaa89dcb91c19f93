"""What changed in a table since a view was made from it: rows that came, and rows that went.

Told by the files: those of the later version that the earlier one lacks hold what came, the others
what went; rows in both only moved. Where commits wrote change files that tell everything, these are
read instead of whole files: see `lakelet.engines.change_feed`, and Delta Transaction Log Protocol,
"Change Data Files".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from lakelet.engines.change_feed import commit_actions, is_doubtful
from lakelet.engines.duckdb_types import from_duckdb
from lakelet.engines.file_changes import SnapshotFiles
from lakelet.engines.routes import Route, open_snapshot
from lakelet.engines.routes.route import EmptySource
from lakelet.errors import SchemaError, StorageError
from lakelet.lake import LakeTable, TableName
from lakelet.lake.names import quote
from lakelet.pipelines.datasets.feed import Feed
from lakelet.pipelines.datasets.rows import Rows, staged_rows
from lakelet.pipelines.incremental.shape import Whole
from lakelet.pipelines.planning.world import World
from lakelet.pipelines.publishing.result import Result
from lakelet.pipelines.publishing.undone import undone_by

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = ("SIGN", "Changes", "changes_of")

SIGN = '"lakelet sign"'
"""Column of changed rows: 1 where the row came, -1 where it went."""
_MOST_COMMITS = 256


@dataclass(frozen=True)
class Changes:
    """How the rows of a table changed.

    Attributes:
        typed: names and DuckDB types of its columns now.
        added: rows that came.
        removed: rows that went, None where none did; some may be among the added ones too.
        feed: both, from the table's change files, in the place of these.
        moved: rows to be read for it, about.
        total: rows of the table now, about.
    """

    typed: tuple[tuple[str, str], ...]
    added: Rows
    removed: Rows | None
    feed: Feed | None
    moved: int
    total: int

    def signed(self, connection: duckdb.DuckDBPyConnection, columns: Collection[str]) -> str:
        """A SELECT of the changed rows, some columns and `SIGN`; made ready on a connection."""
        names = ", ".join(map(quote, columns))
        if self.feed is not None:
            self.feed.attach(connection, '"lakelet changes"')
            return (
                f"SELECT {names}, CASE _change_type WHEN 'insert' THEN 1 ELSE -1 END AS {SIGN} "
                'FROM "lakelet changes"'
            )
        parts = []
        for rows, view, sign in ((self.added, "came", 1), (self.removed, "went", -1)):
            if rows is not None:
                rows.attach(connection, f'"lakelet {view}"')
                parts.append(f'SELECT {names}, {sign} AS {SIGN} FROM "lakelet {view}"')
        return " UNION ALL ".join(parts)


def changes_of(world: World, name: TableName, before: Mapping[str, Any] | None) -> Changes | Whole:
    """How a table's rows changed since a state of it.

    Args:
        world: what the update sees.
        name: the table.
        before: its id and version then.
    """
    if before is None or "version" not in before:
        return Whole(f"did not read {name} before")
    if name in world.results and world.published(name) is None:
        return Whole(f"reads {name}, which was replaced")
    try:
        return _changes(world, name, before)
    except StorageError as error:
        return Whole(f"cannot tell what changed in {name}: {error.message}")


def _changes(world: World, name: TableName, before: Mapping[str, Any]) -> Changes | Whole:
    result = world.results.get(name)
    table, now = world.lake.table(name), world.snapshot(name)
    if str(now.metadata().id) != before["id"] or (result is not None and result.renew):
        return Whole(f"reads {name}, which was replaced")
    version, since = int(now.version()), int(before["version"])
    later = SnapshotFiles.of(table, now)
    earlier = later
    if version != since:
        options = table.storage.options or None
        earlier = SnapshotFiles.of(
            table, open_snapshot(table.location, version=since, storage_options=options)
        )
    typed = later.route.columns
    if result is not None:
        typed = tuple((column.name, column.type.duckdb) for column in result.columns)
    if not _has_columns(typed, earlier.route.columns):
        return Whole(f"reads {name}, whose columns changed")
    gone = _gone(result, later)
    masked = later.masked | earlier.masked
    added = {path for path in later.rows if path not in gone and path not in earlier.rows} | (
        masked & set(later.rows) - gone
    )
    removed = {path for path in earlier.rows if path not in later.rows or path in gone} | (
        masked & set(earlier.rows)
    )
    came, went = later.only(added), earlier.only(removed)
    if came is None or went is None:
        return Whole(f"reads {name}, which is not read file by file")
    staged = staged_rows(world.lake.place(name), result) if result is not None else []
    empty = Route("empty", "", typed, EmptySource(typed))
    count = sum(one.rows for one in result.staged) if result is not None else 0
    total = sum(n for path, n in later.rows.items() if path not in gone) + count
    moved = sum(later.rows[p] for p in added) + sum(earlier.rows[p] for p in removed) + count
    feed, fed = _feed(world, table, since, now) if removed else (None, 0)
    if feed is not None:
        moved = fed // max(1, later.size // max(1, sum(later.rows.values()))) + count
    return Changes(
        typed, Rows.of(empty, came, *staged), Rows.of(empty, went) if removed else None, feed,
        moved, total,
    )  # fmt: skip


def _has_columns(typed: Sequence[tuple[str, str]], earlier: Sequence[tuple[str, str]]) -> bool:
    """Whether columns are still there, of their types: as types, since texts of them vary."""
    kinds = dict(typed)
    return all(
        column in kinds and (kinds[column] == kind or _same_type(kinds[column], kind))
        for column, kind in earlier
    )


def _same_type(one: str, other: str) -> bool:
    try:
        return from_duckdb(one) == from_duckdb(other)
    except SchemaError:
        return False


def _gone(result: Result | None, later: SnapshotFiles) -> set[str]:
    """The files whose place the result of this very update takes."""
    if result is None or result.mode == "append":
        return set()
    return set(later.rows) if result.mode == "replace" else set(result.removed)


def _feed(world: World, table: LakeTable, since: int, now: DeltaTable) -> tuple[Feed | None, int]:
    """The table's change feed, if commits since then wrote change files; and their bytes."""
    upto = int(now.version())
    if upto - since > _MOST_COMMITS:
        return None, 0
    size, undone = 0, set[int]()
    for version in range(since + 1, upto + 1):
        actions = commit_actions(table, version)
        if is_doubtful(actions):
            # Files would be compared for it anyway: once for all commits is cheaper.
            return None, 0
        for action in actions:
            size += int(action.get("cdc", {}).get("size", 0))
            undone.update(undone_by(action.get("commitInfo", {}), version, since))
    if not size:
        return None, 0
    return Feed(world, table.name, since, tuple(sorted(undone))), size
