"""A workspace's pages: asked in the process, or of a real server by a real browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from lakelet.session import Workspace, open_workspace
from lakelet.web import create_app
from models.files import write_gguf

HOST = "127.0.0.1:8320"


@pytest.fixture
def pages(ws: Workspace) -> Iterator[TestClient]:
    """The pages of the fresh workspace, asked as a program asks."""
    app = create_app(ws.folder.root)
    yield TestClient(app, base_url=f"http://{HOST}")
    app.runs.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    """Starts `lakelet up` for a workspace and gives its address; it ends with the test."""
    running: list[subprocess.Popen[str]] = []

    def start(root: Path) -> str:
        server = subprocess.Popen(
            [sys.executable, "-m", "lakelet", "up", "--port", "0", "--no-browser"],
            cwd=root, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        running.append(server)
        assert server.stdout is not None
        line = server.stdout.readline()
        assert " at http://127.0.0.1:" in line, line
        return line.split(" at ")[1].split(" ")[0].rstrip("/")

    yield start
    for server in running:
        server.terminate()
        server.wait(20)
        assert server.stdout is not None
        server.stdout.close()


@pytest.fixture
def site(ws: Workspace, serve: Callable[[Path], str]) -> str:
    """The address of a workspace with a loaded table and a pipeline after one update."""
    from web.test_pipeline_pages import SQL

    folder = ws.folder.root / "pipelines" / "forum"
    folder.mkdir()
    (folder / "forum.sql").write_text(SQL)
    posts = ws.folder.files / "posts"
    posts.mkdir()
    (posts / "a.jsonl").write_text('{"id":1,"score":5}\n{"id":2,"score":null}\n{"id":\n')
    ws.load("files/posts", into="bronze.posts")
    ws.update("forum")
    settings = ws.folder.root / "lakelet.toml"
    settings.write_text(settings.read_text().replace('# store = "models"', 'store = "models"'))
    said = {"general.license": "mit", "general.name": "Tiny", "general.sampling.temp": 0.5}
    file = write_gguf(ws.folder.root / "tiny.gguf", said=said)
    open_workspace(ws.folder.root).add_model(file, copy=True)
    return serve(ws.folder.root)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, without a window."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        yield play.chromium.launch(executable_path=found, args=["--no-sandbox"])
