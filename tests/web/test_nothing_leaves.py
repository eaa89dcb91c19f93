"""The server, its children and a run ask nobody but this machine; the browser is watched elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from lakelet.session import Workspace
from web.test_pipeline_pages import SQL
from web.test_screens import PAGES

WATCHED = Path(__file__).parent / "watched"
OWN = {"127.0.0.1", "localhost", "::1", "", "None"}
RUN = """
import lakelet
ws = lakelet.open()
with ws.run("watched/first", params={"a": 1}) as run:
    ws.table("bronze.posts").rows()
    run.log(x=1)
"""


def test_nobody_else_is_asked(
    ws: Workspace, serve: Callable[[Path], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tmp_path / "asked.txt"
    asked.touch()
    script = tmp_path / "run.py"
    script.write_text(RUN)
    monkeypatch.setenv("LAKELET_WATCHED", str(asked))
    monkeypatch.setenv("PYTHONPATH", f"{WATCHED}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    folder = ws.folder.root / "pipelines" / "forum"
    folder.mkdir()
    (folder / "forum.sql").write_text(SQL)
    (ws.folder.files / "posts").mkdir()
    (ws.folder.files / "posts" / "a.jsonl").write_text('{"id":1,"score":5}\n')
    ws.add_job("forum", on_files=True)
    for command in (["-m", "lakelet", "load", "files/posts", "--into", "bronze.posts"],
                    ["-m", "lakelet", "update", "forum"], ["-W", "ignore", str(script)],
                    ["-c", "import socket; socket.getaddrinfo('127.0.0.1', 1)"]):  # fmt: skip
        subprocess.run([sys.executable, *command], cwd=ws.folder.root, check=True, timeout=180)
    assert "127.0.0.1" in asked.read_text(), "the watch is on"
    site = serve(ws.folder.root)
    for page in (*PAGES, "/runs", "/openapi.json"):
        request = urllib.request.Request(site + page, headers={"Accept": "text/html"})
        try:
            urllib.request.urlopen(request, timeout=60).close()
        except urllib.error.HTTPError as error:
            error.close()
    found = set(asked.read_text().splitlines())
    assert found <= OWN, found - OWN
