"""Tables that were dropped and can be brought back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lakelet.workspace.store import open_store

if TYPE_CHECKING:
    from lakelet.session.workspace import Workspace

__all__ = ("DroppedTable", "dropped_tables")


@dataclass(frozen=True)
class DroppedTable:
    """A table that was dropped.

    Attributes:
        name: ``schema.table``.
        time: when it was dropped, where this workspace did it.
        user: who dropped it.
    """

    name: str
    time: datetime | None
    user: str | None


def dropped_tables(workspace: Workspace) -> list[DroppedTable]:
    """The dropped tables, in the order of their names."""
    names = [str(name) for name in workspace.lake.dropped() if not name.is_companion]
    with open_store(workspace.folder) as store:
        rows = store.execute(
            "SELECT target, max(ended) AS time, user FROM audit "
            "WHERE action = 'DROP TABLE' AND error IS NULL AND ended IS NOT NULL GROUP BY target"
        ).fetchall()
    known = {row["target"]: row for row in rows}
    return [
        DroppedTable(name, datetime.fromtimestamp(known[name]["time"], UTC), known[name]["user"])
        if name in known
        else DroppedTable(name, None, None)
        for name in names
    ]
