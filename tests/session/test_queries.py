"""`system.queries`: what was asked, what it read and wrote."""

from __future__ import annotations

import pytest

import lakelet
from lakelet.errors import SqlError
from lakelet.session import Workspace


def kept(ws: Workspace, columns: str) -> list[tuple[object, ...]]:
    return ws.sql(f"SELECT {columns} FROM system.queries ORDER BY id").rows()


def test_statements_are_kept_with_what_they_read_and_wrote(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS a")
    ws.sql("INSERT INTO s.t VALUES (2), (3)")
    assert len(ws.sql("SELECT * FROM s.t").rows()) == 3
    list(ws.sql("SELECT * FROM s.t WHERE a > 1").batches())
    with pytest.raises(SqlError):
        ws.sql("SELECT nope FROM s.t")
    found = kept(ws, "text, read, written, rows, error IS NOT NULL, source")
    assert found == [
        ("CREATE TABLE s.t AS SELECT 1 AS a", {}, {"s.t": 0}, 1, False, "python"),
        ("INSERT INTO s.t VALUES (2), (3)", {}, {"s.t": 1}, 2, False, "python"),
        ("SELECT * FROM s.t", {"s.t": 1}, {}, 3, False, "python"),
        ("SELECT * FROM s.t WHERE a > 1", {"s.t": 1}, {}, 2, False, "python"),
        ("SELECT nope FROM s.t", {"s.t": 1}, {}, None, True, "python"),
    ]
    ((seconds,),) = ws.sql("SELECT min(seconds) FROM system.queries").rows()
    assert seconds > 0


def test_a_setting_turns_it_off(ws: Workspace) -> None:
    path = ws.folder.root / "lakelet.toml"
    path.write_text(path.read_text().replace("# history = true", "history = false"))
    ws = lakelet.open(ws.folder.root)
    ws.sql("SELECT 1").rows()
    assert kept(ws, "text") == []


def test_old_statements_go(ws: Workspace) -> None:
    from lakelet.workspace.store import open_store

    ws.sql("SELECT 1").rows()
    with open_store(ws.folder) as store:
        store.execute("UPDATE queries SET time = time - 91 * 24 * 3600")
    ws.sql("SELECT 2").rows()
    assert [text for (text,) in kept(ws, "text")] == ["SELECT 2"]
