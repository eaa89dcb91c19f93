"""What only the command line says about loads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import lakelet


@pytest.fixture
def root(tmp_path: Path) -> Path:
    lakelet.init(tmp_path / "ws")
    return tmp_path / "ws"


def run(root: Path, *args: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "lakelet", *args],
        cwd=root, capture_output=True, text=True, env={**os.environ, "COLUMNS": "120"}, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_watch_waits_for_the_first_file_of_an_empty_folder(root: Path) -> None:
    watching = subprocess.Popen(
        [sys.executable, "-m", "lakelet", "load", "files", "--into", "b.p", "--watch"],
        cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert watching.stdout is not None
    try:
        assert "no file so far" in watching.stdout.readline()
        (root / "files" / "first.jsonl").write_text('{"id": 7}\n')
        while "first.jsonl" not in watching.stdout.readline():
            assert watching.poll() is None
        watching.send_signal(signal.SIGINT)
        assert watching.wait(30) == 0
    finally:
        watching.kill()
        watching.wait()
        watching.stdout.close()


def test_a_value_an_option_cannot_have_is_a_mistake_of_use(root: Path) -> None:
    (root / "files" / "a.jsonl").write_text('{"id": 1}\n')
    for wrong in (["--format", "xml"], ["--option", "heder=true"], ["--evolve", "fial"]):
        code, said = run(root, "load", "files", "--into", "b.p", *wrong)
        assert code == 2, said
        assert "Traceback" not in said


def test_the_account_of_a_load(root: Path) -> None:
    path = root / "files" / "a.jsonl"
    path.write_text('{"id": 1}\nx\n')
    _, said = run(root, "load", "files", "--into", "b.p", "--hints", "later DATE")
    assert "The hint later DATE matches no column so far" in said
    path.write_text('{"id": 1, "more": 2}\nx\n')
    run(root, "load", "files", "--into", "b.p", "--on-changed", "replace")
    _, said = run(root, "files", "b.p")
    assert "replaced by 2" in said
    _, said = run(root, "show", "b.p")
    assert said.index("more") < said.index("_rescued_data") < said.index("_metadata")
    _, said = run(root, "rejected", "b.p", "--json")
    (row,) = json.loads(said)
    assert row["expectations"] is None
    assert row["reason"] == "broken JSON: expecting value at character 1"
