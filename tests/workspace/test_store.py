"""The metadata store: made, migrated with a copy beside it, refused when it is newer."""

from __future__ import annotations

import sqlite3

import pytest

from lakelet.errors import StorageError
from lakelet.session import Workspace
from lakelet.workspace import store
from lakelet.workspace.store import STORE_FILE, STORE_VERSION, open_store


def test_an_older_store_is_copied_aside_and_migrated(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ws.folder.private / STORE_FILE
    with monkeypatch.context() as older:
        older.setattr(store, "_MIGRATIONS", store._MIGRATIONS[:1])
        older.setattr(store, "STORE_VERSION", 1)
        with open_store(ws.folder) as made:
            made.execute(
                "INSERT INTO updates (id, pipeline, state, started, process) VALUES (7, 'p', 'x', 0, 0)"
            )
    with open_store(ws.folder) as migrated:
        assert migrated.execute("SELECT id FROM updates").fetchone()["id"] == 7
        assert migrated.execute("PRAGMA user_version").fetchone()[0] == STORE_VERSION
        migrated.execute("SELECT * FROM jobs, queries")
    copied = sqlite3.connect(path.with_name(f"{STORE_FILE}.version1"))
    assert copied.execute("SELECT id FROM updates").fetchall() == [(7,)]
    copied.close()


def test_a_newer_store_is_refused_and_left(ws: Workspace) -> None:
    with open_store(ws.folder) as made:
        made.execute("PRAGMA user_version")
    connection = sqlite3.connect(ws.folder.private / STORE_FILE)
    connection.execute(f"PRAGMA user_version = {STORE_VERSION + 1}")
    connection.close()
    with pytest.raises(StorageError, match="written by a newer Lakelet"), open_store(ws.folder):
        pass


def test_a_damaged_store_is_told_and_no_table_is_lost(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS a")
    (ws.folder.private / STORE_FILE).write_bytes(b"no database at all" * 100)
    with pytest.raises(StorageError, match="cannot be used"), open_store(ws.folder):
        pass
    assert ws.sql("SELECT a FROM s.t").rows() == [(1,)], "what history cannot keep still runs"


def test_what_fails_in_a_transaction_is_undone(ws: Workspace) -> None:
    with pytest.raises(ZeroDivisionError), open_store(ws.folder) as made:
        made.execute("INSERT INTO definitions VALUES ('a', 'b')")
        _ = 1 / 0
    with open_store(ws.folder) as made:
        assert made.execute("SELECT count(*) FROM definitions").fetchone()[0] == 0
