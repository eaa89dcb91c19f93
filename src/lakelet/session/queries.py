"""`system.queries`: every statement through Lakelet, kept for 90 days in the metadata store."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb

from lakelet.errors import StorageError
from lakelet.workspace.store import open_store

if TYPE_CHECKING:
    from lakelet.engines.dialect import TableReference
    from lakelet.engines.engine import Attached
    from lakelet.workspace import WorkspaceFolder

__all__ = ("QueriesTable", "Recorder")

_KEPT_SECONDS = 90 * 24 * 3600
_TYPED = (
    ("id", "BIGINT"), ("time", "TIMESTAMP WITH TIME ZONE"), ("text", "VARCHAR"),
    ("dialect", "VARCHAR"), ("source", "VARCHAR"), ("read", "MAP(VARCHAR, BIGINT)"),
    ("written", "MAP(VARCHAR, BIGINT)"), ("rows", "BIGINT"), ("seconds", "DOUBLE"),
    ("error", "VARCHAR"),
)  # fmt: skip


@dataclass
class Recorder:
    """One statement on its way, written down once: when its rows were taken, or it failed.

    Attributes:
        workspace: where it is written down, unless a setting says not to.
        text: the statement.
        dialect: whose SQL it is.
        source: where it came from: ``python`` or ``command line``.
        read: versions of the tables it read, by name.
        written: versions it made, by name.
    """

    workspace: WorkspaceFolder
    text: str
    dialect: str
    source: str
    read: dict[str, int] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    _began: float = field(default_factory=time.time)
    _done: bool = False

    def reads(self, reference: TableReference, pinned: Attached) -> None:
        """Note a table that is read, at its version where it has one."""
        version = getattr(pinned, "version", None)
        if version is not None:
            self.read[".".join(reference.parts)] = version

    def done(self, rows: int | None = None, error: str | None = None) -> None:
        """Write the statement down; what it says a second time counts no more."""
        if self._done or not self.workspace.settings.sql.history:
            return
        self._done = True
        now = time.time()
        values = (
            self._began, self.text, self.dialect, self.source, json.dumps(self.read),
            json.dumps(self.written), rows, now - self._began, error,
        )  # fmt: skip
        # A statement is not to blame where its history cannot be kept (a read-only disk).
        with suppress(StorageError), open_store(self.workspace) as store:
            store.execute("DELETE FROM queries WHERE time < ?", (now - _KEPT_SECONDS,))
            store.execute(
                "INSERT INTO queries (time, text, dialect, source, read, written, rows, seconds, "
                "error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )

    @property
    def taken(self) -> Callable[[int | None], None]:
        """What a result tells when its rows were taken."""
        return lambda rows: self.done(rows)


@dataclass(frozen=True)
class QueriesTable:
    """The statements kept, as a table of a query."""

    workspace: WorkspaceFolder

    @property
    def typed(self) -> tuple[tuple[str, str], ...]:
        """Names and DuckDB types of the columns."""
        return _TYPED

    def attach(self, connection: duckdb.DuckDBPyConnection, view: str) -> None:
        """Make the statements a table of that name on a connection."""
        with open_store(self.workspace) as store:
            rows = store.execute("SELECT * FROM queries ORDER BY id").fetchall()
        declared = ", ".join(f"{name} {kind}" for name, kind in _TYPED)
        connection.execute(f"CREATE TABLE {view} ({declared})")
        if rows:
            marks = ", ".join(f"CAST(? AS {kind})" for _, kind in _TYPED)
            connection.executemany(
                f"INSERT INTO {view} VALUES ({marks})", [_bound(row) for row in rows]
            )


def _bound(row: Any) -> list[Any]:
    return [
        row["id"], datetime.fromtimestamp(row["time"], UTC), row["text"], row["dialect"],
        row["source"], _map(row["read"]), _map(row["written"]), row["rows"], row["seconds"],
        row["error"],
    ]  # fmt: skip


def _map(text: str) -> dict[str, list[Any]]:
    found = json.loads(text)
    return {"key": list(found), "value": list(found.values())}
