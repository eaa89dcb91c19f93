"""`lakelet up` runs the jobs, in a process of its own, unless somebody does already."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from lakelet.session import Workspace
from web.test_pipeline_pages import SQL


def wait_for(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not what():
        assert time.monotonic() < until
        time.sleep(0.1)


def test_jobs_run_beside_the_pages(ws: Workspace, serve: Callable[[Path], str]) -> None:
    folder = ws.folder.root / "pipelines" / "forum"
    folder.mkdir()
    (folder / "forum.sql").write_text(SQL)
    (ws.folder.files / "posts").mkdir()
    serve(ws.folder.root)
    lock = ws.folder.private / "locks" / "jobs.lock"
    assert not lock.exists(), "without jobs there is nothing to run"
    ws.add_job("forum", on_files=True)
    wait_for(lock.exists)
    (ws.folder.files / "posts" / "a.jsonl").write_text('{"id":1,"score":5}\n')
    wait_for(lambda: any(one["state"] == "published" for one in ws.updates("forum")))
    second = subprocess.run(
        [sys.executable, "-m", "lakelet", "jobs", "start"], cwd=ws.folder.root,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert second.returncode == 1 and "running in this workspace already" in second.stderr
