"""Kept queries from the command line, as the SQL page keeps them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lakelet.errors import CommandError
from lakelet.session import Workspace


def lakelet(root: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lakelet", *arguments],
        cwd=root, input=given, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_query_is_kept_found_renamed_and_removed(ws: Workspace) -> None:
    root = ws.folder.root
    assert "--save NAME" in lakelet(root, "queries").stdout
    assert lakelet(root, "queries", "--save", "top posts", "SELECT 1 AS a").returncode == 0
    assert (root / "queries" / "top posts.sql").read_text() == "SELECT 1 AS a\n"
    again = lakelet(root, "queries", "--save", "top posts", "-", given="SELECT 2 AS b")
    assert (again.returncode, "already" in again.stderr) == (1, True)
    over = lakelet(root, "queries", "--save", "top posts", "-", "--over", given="SELECT 2 AS b")
    assert over.returncode == 0, over.stderr
    assert "top posts" in lakelet(root, "queries", "AS B").stdout
    assert "No query holds 'nothing'" in lakelet(root, "queries", "nothing").stdout
    assert lakelet(root, "queries", "--rename", "top posts", "best").returncode == 0
    shown = lakelet(root, "queries", "--show", "best").stdout
    assert lakelet(root, "sql", shown).returncode == 0
    assert lakelet(root, "queries", "--delete", "best").returncode == 0
    gone = lakelet(root, "queries", "--show", "best")
    assert (gone.returncode, "there is no query 'best'" in gone.stderr) == (1, True)
    for wrong in (["--over"], ["--show", "a", "--delete", "b"]):
        assert lakelet(root, "queries", *wrong).returncode == 2
    told = ws.sql("SELECT action, target, source FROM system.audit ORDER BY id").rows()
    assert ("rename query", "top posts", "command line") in told
    assert [row[0] for row in told][-1] == "delete query"


def test_the_same_in_python(ws: Workspace) -> None:
    ws.save_query("one", "SELECT 1")
    assert [q.name for q in ws.saved_queries("select")] == ["one"]
    with pytest.raises(CommandError, match="already"):
        ws.save_query("one", "SELECT 2")
    ws.rename_query("one", "two")
    assert ws.saved_query("two").text == "SELECT 1\n"
    ws.delete_query("two")
    assert ws.saved_queries() == []
