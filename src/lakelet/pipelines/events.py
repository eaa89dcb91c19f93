"""The events of updates: in the metadata store while they happen, in the lake when they are over.

Terminal and pages follow the store. When an update publishes or fails, its events go to
`system.pipeline_events` in one commit; those of an update with nothing to do wait for the next one.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lakelet.lake import Lake, TableName
from lakelet.lake.delta import delta_errors, retry_conflicts
from lakelet.lake.names import literal
from lakelet.lake.small_engine import small_engine
from lakelet.lake.type_text import parse_columns
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.processes import is_alive
from lakelet.workspace.steps import declare, step
from lakelet.workspace.store import open_store

__all__ = (
    "EVENTS",
    "EXPECTATIONS",
    "LINEAGE",
    "Event",
    "Log",
    "append_lineage",
    "keep_events",
    "known_updates",
    "last_update",
    "new_update",
    "updates",
)

EVENTS = TableName("system", "pipeline_events")
EXPECTATIONS = TableName("system", "expectations")
LINEAGE = TableName("system", "lineage")
_TRANSACTION = "lakelet-events"
_KEEP = declare("events.keep", "the events of the update are in the lake")
_COUNT = declare("events.count", "the counts of expectations are in the lake")
_MERGE = declare("events.compact", "the many small files of a system table are few")
_MANY_FILES = 64
_EVENT_COLUMNS = parse_columns(
    "update_id BIGINT, number BIGINT, time TIMESTAMP, pipeline STRING, dataset STRING, "
    "kind STRING, message STRING, details STRING"
)
_TRACE = declare("events.lineage", "the lineage found is in the lake")
_LINEAGE_COLUMNS = parse_columns(
    "update_id BIGINT, time TIMESTAMP, pipeline STRING, target STRING, target_column STRING, "
    "source STRING, source_column STRING"
)
_EXPECTATION_COLUMNS = parse_columns(
    "update_id BIGINT, time TIMESTAMP, pipeline STRING, dataset STRING, expectation STRING, "
    "condition STRING, action STRING, kept BIGINT, broken BIGINT"
)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened in an update.

    Attributes:
        update: the update.
        number: its place within the update, from 1.
        time: when, UTC.
        pipeline: the pipeline.
        dataset: the dataset it is about, or None.
        kind: ``update``, ``decision``, ``started``, ``finished``, ``failed``, ``output``, …
        message: for people.
        details: for programs.
    """

    update: int
    number: int
    time: datetime
    pipeline: str
    dataset: str | None
    kind: str
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)


def new_update(lake: Lake, pipeline: str, least: int = 0) -> int:
    """The number of a new update, noted as running.

    Args:
        lake: the lake.
        pipeline: whose update it is.
        least: a number that the lake knows of; counting goes on from there when the store is new.
    """
    now = time.time()
    with open_store(lake.workspace) as store:
        (last,) = store.execute("SELECT coalesce(max(id), 0) FROM updates").fetchone()
    if not last:
        least = max(least, _last_told(lake))
    with open_store(lake.workspace) as store:
        (last,) = store.execute("SELECT coalesce(max(id), 0) FROM updates").fetchone()
        number = max(int(last), least) + 1
        store.execute(
            "INSERT INTO updates (id, pipeline, state, started, process) VALUES (?, ?, ?, ?, ?)",
            (number, pipeline, "running", now, os.getpid()),
        )
    return number


def _last_told(lake: Lake) -> int:
    """The last update whose events the lake has; one that failed stands nowhere else there."""
    if not lake.exists(EVENTS):
        return 0
    with delta_errors(str(EVENTS)):
        stream = lake.table(EVENTS).open().scan()
    with small_engine() as engine:
        engine.register("rows", stream)
        ((last,),) = engine.execute("SELECT coalesce(max(update_id), 0) FROM rows").fetchall()
    return int(last)


def updates(
    workspace: WorkspaceFolder, pipeline: str | None = None, since: datetime | None = None
) -> list[dict[str, Any]]:
    """The updates the metadata store knows, the newest first.

    One whose process is gone without having said so is ``interrupted``; the next update of its
    pipeline finds out what became of it.
    """
    with open_store(workspace) as store:
        rows = store.execute(
            "SELECT id, pipeline, state, started, ended, message, process FROM updates "
            "WHERE (?1 IS NULL OR pipeline = ?1) AND started >= ?2 ORDER BY id DESC",
            (pipeline, 0.0 if since is None else since.timestamp()),
        ).fetchall()
    return [
        {
            "update": row["id"], "pipeline": row["pipeline"], "state": _state(row),
            "started": _moment(row["started"]), "ended": _moment(row["ended"]),
            "message": row["message"],
        }
        for row in rows
    ]  # fmt: skip


def last_update(workspace: WorkspaceFolder, pipeline: str) -> str | None:
    """The last update of a pipeline that the metadata store knows, by number and state."""
    with open_store(workspace) as store:
        row = store.execute(
            "SELECT id, state, process FROM updates WHERE pipeline = ? ORDER BY id DESC LIMIT 1",
            (pipeline,),
        ).fetchone()
    return None if row is None else f"update {row['id']} {_state(row)}"


def known_updates(workspace: WorkspaceFolder) -> tuple[int, int, bool]:
    """The numbers of the first and the last update in the store, and whether it has all between."""
    with open_store(workspace) as store:
        first, last, count = store.execute(
            "SELECT coalesce(min(id), 0), coalesce(max(id), 0), count(*) FROM updates"
        ).fetchone()
    return first, last, count == last - first + 1


def _state(row: Any) -> str:
    state = str(row["state"])
    return "interrupted" if state == "running" and not is_alive(row["process"]) else state


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


class Log:
    """The log of one running update.

    Attributes:
        listen: told of every event as it happens.
    """

    def __init__(
        self,
        workspace: WorkspaceFolder,
        pipeline: str,
        update: int,
        listen: Callable[[Event], None] = lambda _event: None,
    ) -> None:
        self.workspace = workspace
        self.pipeline = pipeline
        self.update = update
        self.listen = listen

    def tell(self, kind: str, message: str, dataset: object = None, **details: Any) -> None:
        """Note that something happened."""
        now = time.time()
        named = None if dataset is None else str(dataset)
        with open_store(self.workspace) as store:
            (last,) = store.execute(
                "SELECT coalesce(max(number), 0) FROM events WHERE update_id = ?", (self.update,)
            ).fetchone()
            store.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
                (
                    self.update, last + 1, now, self.pipeline, named, kind, message,
                    json.dumps(details, default=str),
                ),
            )  # fmt: skip
        when = datetime.fromtimestamp(now, UTC)
        self.listen(
            Event(self.update, last + 1, when, self.pipeline, named, kind, message, details)
        )

    def end(self, state: str, message: str, ended: float | None = None) -> None:
        """Note that the update is over, now or since another moment."""
        with open_store(self.workspace) as store:
            store.execute(
                "UPDATE updates SET state = ?, ended = ?, message = ? WHERE id = ?",
                (state, ended or time.time(), message, self.update),
            )


def events_of(workspace: WorkspaceFolder, update: int) -> list[Event]:
    """The events of an update that the store has."""
    with open_store(workspace) as store:
        return list(_read(store.execute(
            "SELECT * FROM events WHERE update_id = ? ORDER BY number", (update,)
        )))  # fmt: skip


def waiting_events(workspace: WorkspaceFolder) -> list[Event]:
    """The events that are in the store only."""
    with open_store(workspace) as store:
        return list(_read(store.execute(
            "SELECT * FROM events WHERE kept = 0 ORDER BY update_id, number"
        )))  # fmt: skip


def waiting_select(workspace: WorkspaceFolder) -> str:
    """The same as a SELECT with the columns of `system.pipeline_events`; '' without any."""
    waiting = waiting_events(workspace)
    if not waiting:
        return ""
    rows = ", ".join(
        f"({e.update}, {e.number}, make_timestamptz({int(e.time.timestamp() * 1e6)}), "
        f"{literal(e.pipeline)}, {'NULL' if e.dataset is None else literal(e.dataset)}, "
        f"{literal(e.kind)}, {literal(e.message)}, "
        f"{literal(json.dumps(e.details, default=str))})"
        for e in waiting
    )
    names = ", ".join(column.name for column in _EVENT_COLUMNS)
    return f"SELECT * FROM (VALUES {rows}) AS waiting({names})"


def _read(rows: Any) -> Iterator[Event]:
    for row in rows:
        when = datetime.fromtimestamp(row["time"], UTC)
        yield Event(
            row["update_id"], row["number"], when, row["pipeline"], row["dataset"], row["kind"],
            row["message"], json.loads(row["details"]),
        )  # fmt: skip


def keep_events(lake: Lake, pipeline: str) -> None:
    """Write the waiting events of a pipeline's finished updates to the lake, in one commit."""
    waiting = [event for event in waiting_events(lake.workspace) if event.pipeline == pipeline]
    if not waiting:
        return
    last = max(event.update for event in waiting)
    comment = "what happened in updates of pipelines"
    lake.create(EVENTS, _EVENT_COLUMNS, comment=comment, if_absent=True)
    rows = [
        (e.update, e.number, e.time, e.pipeline, e.dataset, e.kind, e.message,
         json.dumps(e.details, default=str))
        for e in waiting
    ]  # fmt: skip
    counts = [
        (e.update, e.time, e.pipeline, e.dataset, c["expectation"], c["condition"], c["action"],
         c["kept"], c["broken"])
        for e in waiting
        if e.kind in ("finished", "failed")
        for c in e.details.get("expectations", [])
    ]  # fmt: skip
    _append(lake, EVENTS, f"{_TRANSACTION}:{pipeline}", last, rows, _KEEP)
    if counts:
        comment = "how many rows broke which expectation, update by update"
        lake.create(EXPECTATIONS, _EXPECTATION_COLUMNS, comment=comment, if_absent=True)
        _append(lake, EXPECTATIONS, f"{_TRANSACTION}:{pipeline}", last, counts, _COUNT)
    edges = [
        (e.update, e.time, e.pipeline, *edge)
        for e in waiting
        if e.kind == "lineage"
        for edge in e.details["edges"]
    ]
    if edges:
        _create_lineage(lake)
        _append(lake, LINEAGE, f"{_TRANSACTION}:{pipeline}", last, edges, _TRACE)
    for name in (EVENTS, EXPECTATIONS, LINEAGE):
        _compact(lake, name)
    with open_store(lake.workspace) as store:
        store.execute(
            "UPDATE events SET kept = 1 WHERE kept = 0 AND pipeline = ? AND update_id <= ?",
            (pipeline, last),
        )


def append_lineage(lake: Lake, rows: list[Any]) -> None:
    """Add rows to `system.lineage` that belong to no update."""
    _create_lineage(lake)
    _append(lake, LINEAGE, None, 0, rows, _TRACE)
    _compact(lake, LINEAGE)


def _create_lineage(lake: Lake) -> None:
    comment = "which table and column each table comes from"
    lake.create(LINEAGE, _LINEAGE_COLUMNS, comment=comment, if_absent=True)


def _compact(lake: Lake, name: TableName) -> None:
    """Merge the small files of many updates."""
    if not lake.exists(name):
        return
    opened = lake.table(name).open()
    if len(opened.file_uris()) >= _MANY_FILES:
        with delta_errors(str(name)), step(_MERGE):
            opened.optimize.compact()


def _append(
    lake: Lake, name: TableName, application: str | None, number: int, rows: list[Any], named: Any
) -> None:
    """Append rows; for an application once, also when a crash came before the commit was noted."""
    from arro3.core import Table
    from deltalake import CommitProperties, Transaction, write_deltalake

    table = lake.table(name)
    columns = table.columns()
    with small_engine() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        declared = ", ".join(f"{c.name} {c.type.duckdb}" for c in columns)
        engine.execute(f"CREATE TEMP TABLE rows ({declared})")
        engine.executemany(f"INSERT INTO rows VALUES ({', '.join('?' * len(columns))})", rows)
        held = Table.from_arrow(engine.sql("SELECT * FROM rows"))

    def commit() -> None:
        opened = table.open()
        last = None if application is None else opened.transaction_version(application)
        if last is not None and last >= number:
            return
        with delta_errors(str(name)), step(named):
            write_deltalake(
                opened,
                held,
                mode="append",
                commit_properties=CommitProperties(
                    app_transactions=[Transaction(application, number)] if application else None
                ),
            )

    with table.lock(shared=True):
        retry_conflicts(commit)
