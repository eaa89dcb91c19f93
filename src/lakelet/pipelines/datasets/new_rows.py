"""Which rows of a table are new to a stream: those added by commits that change data.

A commit that only puts files together (compaction) delivers nothing; one that takes rows away or
changes them stops the stream, since rows once taken cannot be taken back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lakelet.engines.bucket_files import plan_table
from lakelet.engines.engine import Attached
from lakelet.engines.routes import Route, open_snapshot
from lakelet.engines.routes.data_files import list_files
from lakelet.engines.routes.file_source import FilesSource
from lakelet.engines.routes.route import EmptySource
from lakelet.errors import PipelineError, StorageError
from lakelet.lake import LakeTable, TableName
from lakelet.lake.storage import join
from lakelet.pipelines.datasets.feed import Feed
from lakelet.pipelines.datasets.rows import Rows, staged_rows
from lakelet.pipelines.definitions.streams import Delivery
from lakelet.pipelines.planning.world import World
from lakelet.pipelines.publishing.undone import undone_by

__all__ = ("NewRows", "new_rows", "refuse_stopped")


@dataclass(frozen=True, slots=True)
class NewRows:
    """What a stream delivers.

    Attributes:
        rows: the rows, or the changes; None where there are none.
        state: the position afterwards, as it is published.
        commits: versions that brought rows.
        passed: commits of back-fills, which a stream passes over.
    """

    rows: Attached | None
    state: Mapping[str, Any]
    commits: int = 0
    passed: int = 0


def new_rows(
    world: World,
    flow: str,
    name: TableName,
    position: Mapping[str, Any] | None,
    delivers: Delivery = "new",
) -> NewRows:
    """The rows of a table that a flow has not taken yet.

    Args:
        world: what the update sees.
        flow: the flow, for messages.
        name: the table.
        position: its id and version when the flow took rows last; None for all rows.
        delivers: whether commits that change rows stop the flow, are passed over, or are what it
            takes.

    Raises:
        PipelineError: rows that were taken are changed or gone; names the ways on.
    """
    if position is not None:
        _refuse_other_table(world, flow, name, position, made=name in world.results)
    if delivers == "feed":
        return _changes(world, flow, name, position)
    result = world.results.get(name)
    if result is not None and result.mode == "files" and position is None:
        return NewRows(world.rows(name), {"update": True}, 1)
    if result is not None and result.mode != "append" and position is not None:
        if delivers != "skip" or result.renew:
            raise _stopped(flow, name, "is made anew by this very update")
        result = replace(result, staged=())
    routes: list[Route] = []
    commits = passed = 0
    published = world.published(name)
    if result is None or published is not None:
        table = world.lake.table(name)
        snapshot = world.snapshot(name)
        now: dict[str, Any] = {
            "id": str(snapshot.metadata().id),
            "version": int(snapshot.version()),
        }
        if result is None or result.mode == "append" or position is not None:
            if position is None:
                routes.append(plan_table(table, snapshot))
                commits = 1
            else:
                if position["id"] != now["id"]:
                    raise _stopped(flow, name, "was replaced")
                skip = delivers == "skip"
                found = _added(table, flow, position["version"], now["version"], skip=skip)
                passed = found.passed
                commits = len(found.by_version)
                routes += _routes(table, found.by_version, now["version"])
    state: Mapping[str, Any] = {"update": True} if result is not None else now
    if result is not None:
        staged = staged_rows(world.lake.place(name), result)
        routes += staged
        commits += bool(staged)
    if not routes:
        return NewRows(None, state, 0, passed)
    columns = (
        tuple((c.name, c.type.duckdb) for c in result.columns)
        if result is not None
        else Rows.of(plan_table(world.lake.table(name), world.snapshot(name))).typed
    )
    empty = Route("empty", "", tuple(columns), EmptySource(tuple(columns)))
    return NewRows(Rows.of(empty, *routes), state, commits, passed)


def refuse_stopped(
    world: World,
    flow: str,
    name: TableName,
    position: Mapping[str, Any],
    delivers: Delivery,
    *,
    made: bool,
    anew: bool,
) -> None:
    """Refuse what an update could not deliver from a position, told by logs alone.

    Args:
        world: what the update would see, before it has staged anything.
        flow: the flow, for messages.
        name: the table.
        position: where the flow took rows last.
        delivers: see `new_rows`.
        made: whether the update makes something of the table first.
        anew: whether it makes it anew.

    Raises:
        PipelineError: as `new_rows`.
    """
    _refuse_other_table(world, flow, name, position, made=made)
    if anew:
        raise _stopped(flow, name, "is made anew by this very update")
    new_rows(world, flow, name, position, delivers)


def _refuse_other_table(
    world: World, flow: str, name: TableName, position: Mapping[str, Any], *, made: bool
) -> None:
    """Refuse to go on with one table from a position in another: its rows would come twice."""
    before = position.get("table", str(name))
    if before != str(name):
        raise PipelineError(
            f"the flow {flow} took rows of {before} as a stream, and the name in its query means "
            f"{name} now; nothing was published.",
            hint="`lakelet update … --full-refresh` takes everything anew, from the new table "
            f"alone; {before} in the query goes on with the old one.",
        )
    if made and world.published(name) is None:
        raise _stopped(flow, name, "was replaced by a dataset of that name")


@dataclass(frozen=True, slots=True)
class _Added:
    by_version: dict[int, set[str]]
    passed: int


def _added(table: LakeTable, flow: str, after: int, upto: int, *, skip: bool = False) -> _Added:
    """Paths added by each commit behind a version; ``skip`` passes over those that change rows."""
    found: dict[int, set[str]] = {}
    passed = 0
    for version in range(after + 1, upto + 1):
        adds, removes, info = _commit(table, flow, version)
        operation = str(info.get("lakelet.operation") or info.get("operation") or "")
        if undone := undone_by(info, version, after):
            found = {v: paths for v, paths in found.items() if v not in undone}
        elif operation == "BACKFILL":
            passed += 1
        elif removes and skip:
            continue
        elif removes and not str(info.get("lakelet.update", "")).isdecimal():
            raise _stopped(
                flow, table.name, f"had rows changed or taken away by {operation} in version "
                f"{version}",
            )  # fmt: skip
        elif removes:
            if _undone_later(table, flow, version, upto):
                continue
            raise _stopped(flow, table.name, f"was made anew by its pipeline in version {version}")
        elif adds:
            found[version] = adds
    return _Added(found, passed)


def _changes(
    world: World, flow: str, name: TableName, position: Mapping[str, Any] | None
) -> NewRows:
    """The change feed behind a position; all rows as inserted where there is none."""
    result = world.results.get(name)
    if result is not None and result.renew and position is not None:
        raise _stopped(flow, name, "is made anew by this very update")
    if world.published(name) is None and result is not None:
        return NewRows(Feed(world, name, None, ()), {"update": True}, 1)
    snapshot = world.snapshot(name)
    now: dict[str, Any] = {"id": str(snapshot.metadata().id), "version": int(snapshot.version())}
    state: Mapping[str, Any] = {"update": True} if result is not None else now
    if position is None:
        return NewRows(Feed(world, name, None, ()), state, 1)
    if position["id"] != now["id"]:
        raise _stopped(flow, name, "was replaced")
    since, upto = int(position["version"]), int(now["version"])
    undone: set[int] = set()
    for version in range(since + 1, upto + 1):
        _, _, info = _commit(world.lake.table(name), flow, version)
        undone.update(undone_by(info, version, since))
    if since == upto and result is None:
        return NewRows(None, state)
    return NewRows(Feed(world, name, since, tuple(sorted(undone))), state, upto - since)


def _undone_later(table: LakeTable, flow: str, version: int, upto: int) -> bool:
    return any(
        version in undone_by(_commit(table, flow, later)[2], later, -1)
        for later in range(version + 1, upto + 1)
    )


def _commit(
    table: LakeTable, flow: str, version: int
) -> tuple[set[str], set[str], Mapping[str, Any]]:
    adds: set[str] = set()
    removes: set[str] = set()
    info: Mapping[str, Any] = {}
    try:
        with table.storage.open(join(table.location, "_delta_log", f"{version:020d}.json")) as log:
            for line in log:
                action = json.loads(line)
                if action.get("add", {}).get("dataChange"):
                    adds.add(action["add"]["path"])
                elif action.get("remove", {}).get("dataChange"):
                    removes.add(action["remove"]["path"])
                info = action.get("commitInfo", info)
    except StorageError:
        raise _stopped(flow, table.name, f"does not keep version {version} any more") from None
    return adds, removes, info


def _routes(table: LakeTable, by_version: Mapping[int, set[str]], upto: int) -> list[Route]:
    """Routes to some files, each read as of a version that still lists it."""
    routes = []
    options = table.storage.options or None
    left = dict(by_version)
    for version in (upto, *sorted(by_version)):
        wanted = {path for paths in left.values() for path in paths}
        if version != upto:
            wanted = left.get(version, set())
        if not wanted:
            continue
        snapshot = open_snapshot(table.location, version=version, storage_options=options)
        files = [file for file in list_files(snapshot) if file.path in wanted]
        if not files:
            continue
        route = plan_table(table, snapshot)
        source = route.source
        if not isinstance(source, FilesSource):
            raise PipelineError(
                f"{table.name} cannot be streamed from: {route.reason}",
                hint="read it without STREAM, from a materialized view.",
            )
        routes.append(replace(route, source=source.only({file.uri for file in files})))
        there = {file.path for file in files}
        left = {v: paths - there for v, paths in left.items()}
    return routes


def _stopped(flow: str, name: TableName, what: str) -> PipelineError:
    return PipelineError(
        f"the flow {flow} reads {name} as a stream, and {name} {what}; nothing was published.",
        hint=f"`lakelet update … --full-refresh` takes everything anew; AUTO CDC from the change "
        f"feed (STREAM {name.table} WITH (readChangeFeed)) applies changes; WITH "
        f"(SKIPCHANGECOMMITS) behind STREAM {name.table} passes over such commits.",
    )
