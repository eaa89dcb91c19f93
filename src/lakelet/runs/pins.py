"""Pins: what an open run read, in the metadata store as soon as it is read."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from typing import Any

from lakelet.errors import LakeletError
from lakelet.lake import LakeTable, TableName
from lakelet.runs.source import FILES, MODEL, TABLE
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.notices import FilesRead, ModelUsed, Notice, TableRead
from lakelet.workspace.store import open_store

__all__ = ("Pin", "PinBook", "waiting_pins")


@dataclass(frozen=True)
class Pin:
    """One input of a run.

    Attributes:
        kind: ``lakelet_table``, ``lakelet_files`` or ``lakelet_model``.
        name: the table's or the model's name, or the path of files.
        digest: what tells this version or content from another, for MLflow.
        facts: all that is known of it.
        named: whether the code named the version itself.
    """

    kind: str
    name: str
    digest: str
    facts: dict[str, Any]
    named: bool = False


@dataclass
class PinBook:
    """Writes down what an open run reads.

    Attributes:
        folder: the workspace.
        run_id: the run.
        thread: the thread that opened the run.
    """

    folder: WorkspaceFolder
    run_id: str
    thread: int = field(default_factory=threading.get_ident)
    _seen: set[tuple[str, str, bool]] = field(default_factory=set)
    _ids: dict[str, str] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)
    _lock: Any = field(default_factory=threading.RLock)

    def note(self, notice: Notice) -> None:
        """Write an input down, once, unless it was read in the thread of another run."""
        here = threading.get_ident()
        if here != self.thread and here in _threads.values():
            return
        with self._lock:
            if isinstance(notice, FilesRead):
                if notice.opened and self._told.issuperset(notice.members):
                    return  # by whoever was asked to read it, and opened it then
                self._told.update(notice.members)
            pin = self._pin(notice)
            key = (pin.name, pin.digest, pin.named)
            if key in self._seen:
                return
            self._write(pin)
            self._seen.add(key)

    def _pin(self, notice: Notice) -> Pin:
        if isinstance(notice, FilesRead):
            return _files_pin(self.folder, notice)
        if isinstance(notice, ModelUsed):
            return _model_pin(self.folder, notice)
        table_id = self._ids.get(notice.location)
        if table_id is None:
            table_id = self._ids[notice.location] = _table_id(self.folder, notice)
        return _table_pin(self.folder, notice, table_id)

    def _write(self, pin: Pin) -> None:
        facts = pin.facts
        values = (
            self.run_id, pin.kind, pin.name, pin.digest, facts.get("version"),
            facts.get("location"), facts.get("table_id"), json.dumps(facts), int(pin.named),
            len(self._seen),
        )  # fmt: skip
        with open_store(self.folder) as store:
            # A version that was read as the table was, too, is held where the run is repeated.
            store.execute(
                "INSERT INTO run_inputs (run_id, kind, name, digest, version, location, table_id, "
                "source, named, number, waiting) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1) "
                "ON CONFLICT DO UPDATE SET named = min(named, excluded.named)",
                values,
            )

    def __enter__(self) -> PinBook:
        _threads[self.run_id] = self.thread
        return self

    def __exit__(self, *_: object) -> None:
        _threads.pop(self.run_id, None)


_threads: dict[str, int] = {}
"""The thread of every open run: a read in one of them is its run's, any other is everyone's."""


def _table_id(folder: WorkspaceFolder, notice: TableRead) -> str:
    """Delta's id of a table, which it keeps when it is renamed; '' where it cannot be told."""
    schema, _, name = notice.name.partition(".")
    table = LakeTable(folder, TableName(schema, name), notice.location)
    try:
        return str(table.open(notice.version).metadata().id)
    except LakeletError:
        return ""


def _table_pin(folder: WorkspaceFolder, notice: TableRead, table_id: str) -> Pin:
    facts = {
        "kind": TABLE, "name": notice.name, "version": notice.version,
        "location": notice.location, "table_id": table_id, "workspace": str(folder.root),
        "named": notice.named,
    }  # fmt: skip
    # MLflow keeps one dataset for each name and digest, of 36 characters at most.
    return Pin(TABLE, notice.name, f"v{notice.version}-{table_id[:8]}", facts, notice.named)


def _files_pin(folder: WorkspaceFolder, notice: FilesRead) -> Pin:
    facts = {
        "kind": FILES, "name": notice.name, "count": notice.count, "size": notice.size,
        "digest": notice.digest, "workspace": str(folder.root),
    }  # fmt: skip
    return Pin(FILES, notice.name, notice.digest, facts)


def _model_pin(folder: WorkspaceFolder, notice: ModelUsed) -> Pin:
    facts = {
        "kind": MODEL, "name": notice.name, "model": notice.digest, "engine": notice.engine,
        "settings": dict(notice.settings), "workspace": str(folder.root),
    }  # fmt: skip
    # The same model used in two ways is two inputs.
    told = json.dumps([notice.digest, notice.engine, notice.settings])
    return Pin(MODEL, notice.name, hashlib.sha256(told.encode()).hexdigest()[:24], facts)


def waiting_pins(folder: WorkspaceFolder, run_id: str) -> list[Pin]:
    """The inputs of a run that MLflow does not know yet, in the order they were read."""
    with open_store(folder) as store:
        rows = store.execute(
            "SELECT * FROM run_inputs WHERE run_id = ? AND waiting ORDER BY number", (run_id,)
        ).fetchall()
    return [
        Pin(row["kind"], row["name"], row["digest"],
            {**json.loads(row["source"]), "named": bool(row["named"]), "number": row["number"]},
            bool(row["named"]))
        for row in rows
    ]  # fmt: skip
