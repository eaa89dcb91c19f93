"""Bringing the index up to date, as cheaply as the place where runs are kept allows."""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any

from lakelet.runs.index.server import update_from_server
from lakelet.runs.index.sqlite_file import stamp, update_from_file
from lakelet.runs.place import artifact_folder, database, read_json
from lakelet.runs.recorded.facts import keep_facts
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.store import open_store

__all__ = ("bring_up_to_date",)

_WHOLE_SECONDS = 600.0
"""How long an edit of a tag of a run that ended may stay unseen; see `update_from_file`."""
_SERVER_SECONDS = 3.0
"""A server is asked again after this long at the earliest."""
_SILENT_SECONDS = 30.0
"""And after this long one that did not answer: pages show what is known meanwhile."""


def bring_up_to_date(
    folder: WorkspaceFolder, *, thorough: bool = False, exactly: str | None = None
) -> str:
    """Take over what changed in MLflow since the last time.

    Args:
        folder: the workspace.
        thorough: compare all of it, too, where that was not done for ten minutes: a few tenths of
            a second of 50,000 runs, some requests of a server.
        exactly: the id of a run to read again in any case.

    Returns:
        Why the index may be behind, for a person; '' where it is not.

    Raises:
        StorageError: the metadata store cannot be used.
    """
    path = database(folder)
    if path is not None and not path.exists():
        return ""
    with open_store(folder) as store:
        state = _state(store, folder)
        now = time.time()
        whole = thorough and now - state.get("whole", 0.0) > _WHOLE_SECONDS
        if path is None:
            pause = _SILENT_SECONDS if state.get("behind") else 0.0 if exactly else _SERVER_SECONDS
            if now - state.get("asked", 0.0) < pause:
                return str(state.get("behind", ""))
            told = update_from_server(store, folder, state, whole=whole, exactly=exactly)
            found = {**told, "asked": time.time()}
        else:
            there = stamp(path)
            known = state.get("stamp") == there and (not whole or state.get("seen") == there)
            if known and (exactly is None or state.get("seen") == there):
                return ""
            found = {
                "stamp": there,
                **update_from_file(
                    store,
                    path,
                    state,
                    whole=whole,
                    exactly=exactly,
                    changed=state.get("stamp") != there,
                ),
            }
            found["seen"] = there if whole else state.get("seen")
        found["whole"] = now if whole else state.get("whole", 0.0)
        _take_facts(store, folder)
        store.execute(
            "INSERT OR REPLACE INTO run_index (tracking, state) VALUES (?, ?)",
            (folder.settings.runs.tracking, json.dumps(found)),
        )
    return str(found.pop("behind", ""))


def _state(store: sqlite3.Connection, folder: WorkspaceFolder) -> dict[str, Any]:
    row = store.execute(
        "SELECT state FROM run_index WHERE tracking = ?", (folder.settings.runs.tracking,)
    ).fetchone()
    return {} if row is None else dict(json.loads(row["state"]))


def _take_facts(store: sqlite3.Connection, folder: WorkspaceFolder) -> None:
    """Take over the facts of runs that ended and left them among their artifacts only.

    So it is after the metadata store was deleted, or where another machine made the run.
    """
    rows = store.execute(
        "SELECT r.id, r.artifacts FROM runs r "
        "JOIN run_tags t ON t.run_id = r.id AND t.key = 'lakelet.packages' "
        "WHERE r.ended IS NOT NULL AND r.id IN (SELECT id FROM changed) "
        "AND r.id NOT IN (SELECT run_id FROM run_facts)"
    ).fetchall()
    for row in rows:
        there = artifact_folder(folder, row["artifacts"])
        known: Any = None if there is None else read_json(there / "lakelet" / "run.json")
        if known is not None and "packages" in known:
            keep_facts(store, row["id"], known, known.pop("installed", {}))
