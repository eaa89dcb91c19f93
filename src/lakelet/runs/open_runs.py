"""Runs that are under way, known to every process: a row in the store, and a lock that dies.

The row is written before MLflow knows of the run, so that a kill at any moment leaves a trace; the
lock is freed by the kernel when the process ends, however it does.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.locks import hold, is_held
from lakelet.workspace.steps import declare, remove_tree
from lakelet.workspace.store import STORE_FILE, open_store

__all__ = ("Entry", "KilledRun", "entered", "killed_runs", "killed_states", "let_go")

_LOCK = declare("runs.lock", "the lock file of a run that ended is gone")


@dataclass
class Entry:
    """The row of a run that is under way.

    Attributes:
        folder: the workspace.
        token: what MLflow's tag ``lakelet.start`` says of the run.
    """

    folder: WorkspaceFolder
    token: str

    def is_run(self, run_id: str) -> None:
        """Write down which run it is, once MLflow gave it an id."""
        self._set("run_id", run_id)

    def ends_as(self, status: str) -> None:
        """Write down how the run ended, before MLflow is told."""
        self._set("status", status)

    def _set(self, column: str, value: str) -> None:
        with open_store(self.folder) as store:
            store.execute(f"UPDATE open_runs SET {column} = ? WHERE token = ?", (value, self.token))


@dataclass(frozen=True)
class KilledRun:
    """A run whose process is gone.

    Attributes:
        token: its row.
        run_id: MLflow's id, or None where the process died before it knew.
        started: seconds since 1970.
        status: how it ended, or None where it did not.
    """

    token: str
    run_id: str | None
    started: float
    status: str | None


def _lock_file(folder: WorkspaceFolder, token: str) -> Path:
    return folder.private / "runs" / f"{token}.lock"


@contextmanager
def entered(folder: WorkspaceFolder) -> Iterator[Entry]:
    """Enter a run that begins; it is under way while the body runs."""
    entry = Entry(folder, uuid.uuid4().hex)
    with hold(_lock_file(folder, entry.token)):
        with open_store(folder) as store:
            store.execute(
                "INSERT INTO open_runs (token, tracking, started) VALUES (?, ?, ?)",
                (entry.token, folder.settings.runs.tracking, time.time()),
            )
        yield entry


def let_go(folder: WorkspaceFolder, token: str) -> None:
    """Forget a run that ended, once MLflow knows all of it."""
    with open_store(folder) as store:
        run = store.execute("SELECT run_id FROM open_runs WHERE token = ?", (token,)).fetchone()
        if run is not None and run["run_id"] is not None:
            store.execute("UPDATE run_inputs SET waiting = 0 WHERE run_id = ?", (run["run_id"],))
        store.execute("DELETE FROM open_runs WHERE token = ?", (token,))
    lock = _lock_file(folder, token)
    remove_tree(_LOCK, lock)
    remove_tree(_LOCK, lock.with_name(lock.name + ".gate"))


def killed_runs(
    folder: WorkspaceFolder, store: sqlite3.Connection | None = None
) -> list[KilledRun]:
    """Runs that did not end, and whose process did; also those MLflow could not be told of.

    Args:
        folder: the workspace.
        store: its metadata store, where the caller has it open.
    """
    if store is None:
        if not (folder.private / STORE_FILE).exists():
            return []
        with open_store(folder) as opened:
            return killed_runs(folder, opened)
    rows = store.execute(
        "SELECT * FROM open_runs WHERE tracking = ?", (folder.settings.runs.tracking,)
    ).fetchall()
    return [
        KilledRun(row["token"], row["run_id"], row["started"], row["status"])
        for row in rows
        if not is_held(_lock_file(folder, row["token"]))
    ]


def killed_states(folder: WorkspaceFolder, store: sqlite3.Connection) -> dict[str | None, str]:
    """What runs that MLflow takes for running are in truth, by their ids."""
    return {run.run_id: run.status or "KILLED" for run in killed_runs(folder, store)}
