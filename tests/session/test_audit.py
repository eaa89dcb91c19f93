"""`system.audit`: who changed what, from where, with what it was before and after."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from typing import Any

import pytest

from lakelet.errors import LakeletError
from lakelet.session import Workspace


def audit(ws: Workspace) -> list[dict[str, Any]]:
    return ws.sql("SELECT * FROM system.audit ORDER BY id").dicts()


def test_changes_of_a_table_are_told_with_its_versions(ws: Workspace) -> None:
    ws.sql("CREATE TABLE a.b (id INT)")
    ws.sql("INSERT INTO a.b VALUES (1)")
    ws.table("a.b").append([{"id": 2}])
    ws.table("a.b").restore(1)
    found = [(one["action"], one["target"], one["before"], one["after"]) for one in audit(ws)]
    assert found == [
        ("CREATE TABLE", "a.b", None, "0"),
        ("INSERT", "a.b", "0", "1"),
        ("append", "a.b", "1", "2"),
        ("restore to version 1", "a.b", "2", "3"),
    ]
    user = pwd.getpwuid(os.getuid()).pw_name
    assert {(one["user"], one["source"], one["error"]) for one in audit(ws)} == {
        (user, "python", None)
    }
    assert all(one["time"] <= one["ended"] for one in audit(ws))


def test_what_failed_is_told_with_its_error(ws: Workspace) -> None:
    ws.sql("CREATE TABLE a.b (id INT NOT NULL)")
    with pytest.raises(LakeletError):
        ws.table("a.b").append([{"id": None}])
    last = audit(ws)[-1]
    assert (last["action"], last["before"], last["after"]) == ("append", "0", "0")
    assert last["error"]


def test_looking_is_no_change(ws: Workspace) -> None:
    (ws.folder.files / "a.jsonl").write_text('{"id":1}\n')
    ws.load("files/a.jsonl", into="a.b", dry_run=True)
    assert audit(ws) == []
    ws.load("files/a.jsonl", into="a.b")
    assert [one["action"] for one in audit(ws)] == ["load files/a.jsonl"]


def test_commands_say_where_they_were_asked_for(ws: Workspace) -> None:
    folder = ws.folder.root / "pipelines" / "p"
    folder.mkdir()
    (folder / "p.sql").write_text("CREATE MATERIALIZED VIEW a.v AS SELECT 1 AS one;\n")
    command = [sys.executable, "-m", "lakelet", "update", "p"]
    subprocess.run(command, cwd=ws.folder.root, check=True, capture_output=True)
    env = {**os.environ, "LAKELET_ASKED_FROM": "page"}
    subprocess.run(command, cwd=ws.folder.root, check=True, capture_output=True, env=env)
    found = [(o["source"], o["action"], o["target"], o["after"]) for o in audit(ws)]
    assert found[0] == ("command line", "update", "p", json.dumps("update 1 published"))
    assert found[1][:3] == ("page", "update", "p")
