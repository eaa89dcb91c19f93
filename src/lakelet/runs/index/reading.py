"""Runs as the index knows them: lists of them, one of them, those that read a table."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lakelet.errors import RunNotFoundError
from lakelet.runs.index.conditions import Condition, parse_condition
from lakelet.runs.index.order import parse_order
from lakelet.runs.open_runs import killed_states
from lakelet.runs.place import ALONE, artifact_folder
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.store import open_store

__all__ = ("Input", "RunRecord", "find_run", "list_runs", "run_folders", "runs_of_table")

_CHUNK = 500
_LEAST = 4
"""Letters of an id by which a run is found, at the least."""


@dataclass(frozen=True)
class Input:
    """Something a run read.

    Attributes:
        kind: ``table``, ``files``, or MLflow's word for another source.
        name: the table, or the path.
        version: the table's version, where it has one.
        digest: what tells this content from another.
        location: where it is, if that is known.
        named: whether the code named the version itself.
        source: all that is known of it.
    """

    kind: str
    name: str
    version: int | None
    digest: str
    location: str | None
    named: bool
    source: dict[str, Any]


@dataclass
class RunRecord:
    """A run as the index knows it.

    Attributes:
        id: MLflow's id.
        folder: its folders, MLflow's experiment.
        name: its own name.
        status: RUNNING, FINISHED, FAILED or KILLED.
        started: when it began.
        ended: when it ended, or None.
        user: who started it.
        artifacts: the local folder of its figures, tables and models, or None.
        params: parameters.
        metrics: the last value of every metric; NaN where that is no number.
        steps: the step of each of these values.
        tags: tags, MLflow's own among them.
        inputs: what it read.
    """

    id: str
    folder: str
    name: str
    status: str
    started: datetime | None
    ended: datetime | None
    user: str | None
    artifacts: Path | None
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    inputs: list[Input] = field(default_factory=list)

    @property
    def full_name(self) -> str:
        """Folders and name."""
        return f"{self.folder}/{self.name}"

    @property
    def seconds(self) -> float | None:
        """How long it ran, or None while it runs."""
        if self.started is None or self.ended is None:
            return None
        return (self.ended - self.started).total_seconds()


def list_runs(
    folder: WorkspaceFolder,
    within: str = "",
    *,
    where: str = "",
    sort: str = "started",
    descending: bool = True,
    limit: int | None = None,
    offset: int = 0,
) -> list[RunRecord]:
    """Runs, the newest first or sorted, deleted ones left out.

    Args:
        folder: the workspace.
        within: only those of this folder and of folders in it, or of this name.
        where: a condition, see `parse_condition`.
        sort: what they are sorted by, see `parse_order`.
        descending: whether the largest come first.
        limit: at most so many.
        offset: after so many.

    Raises:
        CommandError: the condition is none, or runs are not sorted by that.
    """
    condition = parse_condition(where) if where.strip() else Condition("1")
    values: list[object] = [folder.settings.runs.tracking, *condition.values]
    if within := within.strip("/"):
        condition.sql += " AND (r.experiment = ? OR substr(r.experiment, 1, ?) = ? OR "
        condition.sql += "r.experiment || '/' || r.name IN (?, ?))"
        values += [within, len(within) + 1, within + "/", within, f"{ALONE}/{within}"]
    with open_store(folder) as store:
        order = parse_order(sort, store, descending=descending)
        rows = store.execute(
            f"SELECT r.* FROM runs r {order.join} "
            f"WHERE r.tracking = ? AND NOT r.deleted AND ({condition.sql}) "
            f"ORDER BY {order.by} LIMIT ? OFFSET ?",
            (*order.values, *values, -1 if limit is None else limit, offset),
        ).fetchall()
        return _filled(folder, store, rows)


def run_folders(folder: WorkspaceFolder) -> dict[str, int]:
    """The folders with runs right in them, and how many."""
    with open_store(folder) as store:
        rows = store.execute(
            "SELECT experiment, count(*) AS many FROM runs "
            "WHERE tracking = ? AND NOT deleted GROUP BY experiment ORDER BY experiment",
            (folder.settings.runs.tracking,),
        ).fetchall()
    return {row["experiment"]: row["many"] for row in rows}


def find_run(folder: WorkspaceFolder, text: str, *, archived: bool = False) -> RunRecord:
    """The run that a person names: by its id, the first letters of it, or folders and name.

    Of several runs of one name it is the newest. With ``archived`` it is one that was put away.

    Raises:
        RunNotFoundError: there is none, or the letters fit several.
    """
    whole, _, name = text.strip("/").rpartition("/")
    there = "deleted" if archived else "NOT deleted"
    with open_store(folder) as store:
        # A whole id needs no look at the others.
        rows = store.execute(
            f"SELECT * FROM runs WHERE tracking = ? AND {there} AND id = ?",
            (folder.settings.runs.tracking, text),
        ).fetchall() or store.execute(
            f"SELECT * FROM runs WHERE tracking = ? AND {there} AND "
            "(id = ? OR (length(?) >= ? AND substr(id, 1, length(?)) = ?) "
            "OR (experiment = ? AND name = ?)) ORDER BY id = ? DESC, started DESC LIMIT 20",
            (folder.settings.runs.tracking, text, text, _LEAST, text, text, whole or ALONE,
             name or text, text),
        ).fetchall()  # fmt: skip
        if not rows:
            raise RunNotFoundError(
                f"there is no run {text}{' that was archived' if archived else ''}.",
                hint=f"`lakelet runs{' --archived' if archived else ''}` lists what is there; "
                "name one by its id, the first letters of it, or folder/name.",
            )
        by_id = [row for row in rows if row["id"].startswith(text)]
        if len(by_id) > 1 and by_id[0]["id"] != text:
            raise RunNotFoundError(
                f"{text} fits several runs: {', '.join(row['id'] for row in by_id[:5])}.",
                hint="write more letters of the id.",
            )
        return _filled(folder, store, [(by_id or rows)[0]])[0]


def runs_of_table(
    folder: WorkspaceFolder, name: str, *, limit: int = 100
) -> list[tuple[RunRecord, list[int]]]:
    """The runs that read a table, the newest first, each with the versions it read."""
    with open_store(folder) as store:
        rows = store.execute(
            "SELECT r.* FROM runs r WHERE r.tracking = ? AND NOT r.deleted AND r.id IN "
            "(SELECT run_id FROM run_inputs WHERE name = ? AND version IS NOT NULL) "
            "ORDER BY r.started DESC LIMIT ?",
            (folder.settings.runs.tracking, name, limit),
        ).fetchall()
        found = _filled(folder, store, rows)
    return [
        (run, sorted({i.version for i in run.inputs if i.name == name and i.version is not None}))
        for run in found
    ]


def _filled(
    folder: WorkspaceFolder, store: sqlite3.Connection, rows: Sequence[Any]
) -> list[RunRecord]:
    gone = killed_states(folder, store)
    runs = {
        row["id"]: RunRecord(
            row["id"], row["experiment"], row["name"],
            gone.get(row["id"], row["status"]) if row["status"] == "RUNNING" else row["status"],
            _moment(row["started"]), _moment(row["ended"]), row["user"],
            artifact_folder(folder, row["artifacts"]),
        )
        for row in rows
    }  # fmt: skip
    ids = list(runs)
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        marks = ", ".join("?" * len(chunk))
        for table in ("params", "tags"):
            for row in store.execute(
                f"SELECT run_id, key, value FROM run_{table} WHERE run_id IN ({marks})", chunk
            ):
                getattr(runs[row["run_id"]], table)[row["key"]] = row["value"]
        for row in store.execute(f"SELECT * FROM run_metrics WHERE run_id IN ({marks})", chunk):
            run = runs[row["run_id"]]
            run.metrics[row["key"]] = math.nan if row["value"] is None else row["value"]
            run.steps[row["key"]] = row["step"]
        for row in store.execute(
            f"SELECT * FROM run_inputs WHERE run_id IN ({marks}) ORDER BY run_id, number", chunk
        ):
            runs[row["run_id"]].inputs.append(_input(row))
    return list(runs.values())


def _input(row: Any) -> Input:
    try:
        source = json.loads(row["source"])
    except ValueError:
        source = {}
    return Input(
        row["kind"].removeprefix("lakelet_"), row["name"], row["version"], row["digest"],
        row["location"], bool(row["named"]), source if isinstance(source, dict) else {},
    )  # fmt: skip


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
