"""What more there is to know of one run: its facts, packages, steps of metrics, diff, files."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lakelet.errors import StorageError
from lakelet.runs.index.reading import RunRecord
from lakelet.runs.index.server import ask, unreachable
from lakelet.runs.place import database
from lakelet.runs.recorded.facts import read_facts
from lakelet.workspace import WorkspaceFolder

__all__ = ("Point", "RunDetails", "details", "metric_history")


@dataclass(frozen=True)
class Point:
    """A value of a metric; NaN where it was none."""

    step: int
    value: float
    time: datetime


@dataclass(frozen=True)
class RunDetails:
    """What is recorded of a run without being asked.

    Attributes:
        facts: command, folder, code, machine, wall and CPU seconds, peak memory, as
            ``lakelet/run.json`` has them; empty of runs that were not started here.
        packages: installed packages and their versions.
        diff: what of the code was not committed, as git writes it.
        untracked: paths of files git did not know, kept with the run.
        files: its artifacts, by their paths in ``RunRecord.artifacts``.
    """

    facts: dict[str, Any]
    packages: dict[str, str]
    diff: bytes
    untracked: list[str]
    files: list[str]


def details(folder: WorkspaceFolder, run: RunRecord) -> RunDetails:
    """What is recorded of a run; artifacts are listed where they are on this machine."""
    facts, packages = read_facts(folder, run.id)
    there = run.artifacts
    diff = b""
    files: list[str] = []
    if there is not None:
        files = sorted(
            path.relative_to(there).as_posix() for path in there.rglob("*") if path.is_file()
        )
        changes = there / "lakelet" / "changes.diff"
        diff = changes.read_bytes() if changes.is_file() else b""
    own = "lakelet/untracked/"
    untracked = [name.removeprefix(own) for name in files if name.startswith(own)]
    return RunDetails(facts, packages, diff, untracked, files)


def metric_history(
    folder: WorkspaceFolder, run_id: str, metrics: list[str] | None = None
) -> dict[str, list[Point]]:
    """Every logged value of a run's metrics, by step and time.

    Args:
        folder: the workspace.
        run_id: the run.
        metrics: only these; all where none are named (a server must be told which).

    Raises:
        StorageError: MLflow's store or server cannot be read.
    """
    path = database(folder)
    found: dict[str, list[Point]] = {}
    if path is None:
        for name in metrics or ():
            found[name] = _from_server(folder.settings.runs.tracking, run_id, name)
        return found
    for key, value, is_nan, step, time in _rows(path, run_id):
        if metrics is None or key in metrics:
            number = math.nan if is_nan else value
            found.setdefault(key, []).append(
                Point(step, number, datetime.fromtimestamp(time / 1000, UTC))
            )
    return found


def _rows(path: Path, run_id: str) -> list[Any]:
    if not path.exists():
        return []
    try:
        with closing(sqlite3.connect(path, timeout=30.0)) as connection:
            return connection.execute(
                "SELECT key, value, is_nan, step, timestamp FROM metrics WHERE run_uuid = ? "
                "ORDER BY key, step, timestamp",
                (run_id,),
            ).fetchall()
    except sqlite3.Error as error:
        raise StorageError(f"MLflow's store {path} cannot be read: {error}.") from None


def _from_server(address: str, run_id: str, name: str) -> list[Point]:
    body: dict[str, Any] = {"run_id": run_id, "metric_key": name, "max_results": 10_000}
    found = []
    try:
        while True:
            answer = ask(address, f"metrics/get-history?{_query(body)}", None)
            found += [
                Point(int(one.get("step") or 0), float(one["value"]),
                      datetime.fromtimestamp(int(one["timestamp"]) / 1000, UTC))
                for one in answer.get("metrics", ())
            ]  # fmt: skip
            if not (token := answer.get("next_page_token")):
                return sorted(found, key=lambda point: (point.step, point.time))
            body["page_token"] = token
    except (OSError, ValueError, KeyError) as error:
        raise StorageError(f"{unreachable(address, error)}.") from None


def _query(body: dict[str, Any]) -> str:
    from urllib.parse import urlencode

    return urlencode(body)
