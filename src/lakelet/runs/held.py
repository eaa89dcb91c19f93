"""Which versions a repeated run reads: those the run it repeats did."""

from __future__ import annotations

import os

from lakelet.runs.source import TABLE
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.folder import REPEATS
from lakelet.workspace.store import open_store

__all__ = ("held_versions",)


def held_versions(folder: WorkspaceFolder) -> dict[str, int]:
    """Versions by table, of tables the first run read as they were; the first one it read of each.

    What its code named a version of itself needs no holding.
    """
    with open_store(folder) as store:
        rows = store.execute(
            "SELECT name, version FROM run_inputs "
            "WHERE run_id = ? AND kind = ? AND NOT named ORDER BY number DESC",
            (os.environ[REPEATS], TABLE),
        ).fetchall()
    return {row["name"]: row["version"] for row in rows}
