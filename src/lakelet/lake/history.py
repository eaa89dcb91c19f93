"""A table's history: its commits, and the version that was current at a moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lakelet.errors import VersionNotFoundError

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = ("Commit", "commits", "version_at")


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit to a table.

    Attributes:
        version: the version it made.
        time: when, as an instant in UTC.
        operation: WRITE, MERGE, RESTORE, …, or what Lakelet calls it (LOAD).
        rows: rows the commit added, where it says so.
        parameters: what else the commit records about itself.
    """

    version: int
    time: datetime
    operation: str
    rows: int | None
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def detail(self) -> str:
        """What else a person wants to know of it, in a few words."""
        if "lakelet.batch" in self.parameters:
            return f"load batch {self.parameters['lakelet.batch']}"
        return ", ".join(
            f"{name} {self.parameters[name]}"
            for name in _TOLD
            if self.parameters.get(name) not in _NOTHING
        )


_TOLD = ("version", "predicate", "datetime", "constraints", "name", "description")
_NOTHING = (None, "", "[]")


def _commit(raw: dict[str, Any]) -> Commit:
    metrics = raw.get("operationMetrics") or {}
    rows = raw.get("lakelet.rows")
    for name in ("num_added_rows", "numOutputRows", "num_output_rows", "numTargetRowsInserted"):
        rows = metrics.get(name) if rows is None else rows
    parameters = dict(raw.get("operationParameters") or {})
    own = {name: value for name, value in raw.items() if name.startswith("lakelet.")}
    return Commit(
        version=int(raw["version"]),
        time=datetime.fromtimestamp(int(raw.get("timestamp", 0)) / 1000, UTC),
        operation=str(raw.get("lakelet.operation") or raw.get("operation") or "UNKNOWN"),
        rows=None if rows is None else int(rows),
        parameters=parameters | own,
    )


def commits(table: DeltaTable, *, limit: int | None = None) -> list[Commit]:
    """The table's commits, the newest first, at most ``limit`` of them."""
    return [_commit(raw) for raw in table.history(limit)]


def version_at(table: DeltaTable, moment: datetime, *, name: str) -> int:
    """The version that was current at ``moment``.

    Commit times come from the log's own records: the log files' modification times, which
    delta-rs would use, change when a table is copied.

    Raises:
        VersionNotFoundError: the moment lies before the oldest commit still kept.
    """
    oldest: Commit | None = None
    for commit in commits(table):
        if commit.time <= moment:
            return commit.version
        oldest = commit
    since = f"it begins {oldest.time.isoformat()}" if oldest else "it has no history"
    raise VersionNotFoundError(
        f"{name} has no version at {moment.isoformat()}: {since}.",
        hint=f"`lakelet history {name}` lists what can be opened.",
    )
