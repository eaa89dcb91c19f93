"""What only the command line says about loads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
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


def test_a_dry_run_tells_what_would_be_replaced(root: Path) -> None:
    for name in ("a", "b"):
        (root / "files" / f"{name}.jsonl").write_text('{"id": 1}\n')
    run(root, "load", "files/[ab].jsonl", "--into", "b.p")
    (root / "files" / "a.jsonl").write_text('{"id": 1, "more": 2}\n')
    code, said = run(root, "load", "files/[ab].jsonl", "--into", "b.p", "--dry-run")
    assert code == 0 and "0 files would be loaded, 1 loaded already, 1 changed" in said
    replacing = ("--dry-run", "--on-changed", "replace")
    code, said = run(root, "load", "files/[ab].jsonl", "--into", "b.p", *replacing)
    assert "1 file would be loaded (1 in place of earlier rows), 1 loaded already" in said
    assert "New columns: more BIGINT" in said
    code, said = run(root, "load", "files/[ab].jsonl", "--into", "b.p", "--on-changed", "fail")
    assert code == 1 and "nothing was loaded" in said


def test_a_dry_run_tries_the_beginning_of_the_files(root: Path) -> None:
    lines = [f'{{"id": {number}, "name": "n{number}"}}' for number in range(8)]
    (root / "files" / "a.jsonl").write_text(
        "\n".join([*lines, '{"id": tru}', '{"id": "x"}']) + "\n"
    )
    before = sorted(root.rglob("_delta_log"))
    code, said = run(root, "load", "files/a.jsonl", "--into", "b.p", "--hints", "id BIGINT",
                     "--dry-run")  # fmt: skip
    assert code == 0 and "looked at whole: 9 rows would be kept, 1 of them with values" in said
    assert "that fit no column, 1 rejected." in said
    assert "broken JSON" in said and '"id": tru' in said and "n3" in said and "n7" not in said
    code, said = run(root, "load", "files/a.jsonl", "--into", "b.p", "--dry-run", "--json")
    told = json.loads(said)["trial"]
    assert (told["kept"], told["rejected"], told["table"]) == (9, 1, "b.p")
    assert sorted(root.rglob("_delta_log")) == before


def test_watch_tells_a_changed_file_once(root: Path) -> None:
    (root / "files" / "a.jsonl").write_text('{"id": 1}\n')
    run(root, "load", "files/a.jsonl", "--into", "b.p")
    watching = subprocess.Popen(
        [sys.executable, "-m", "lakelet", "load", "files/a.jsonl", "--into", "b.p", "--watch"],
        cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert watching.stdout is not None
    try:
        assert "nothing new" in watching.stdout.readline()
        (root / "files" / "a.jsonl").write_text('{"id": 1, "more": 2}\n')
        assert "1 file changed after being loaded" in watching.stdout.readline()
        watching.stdout.readline()  # what to type
        time.sleep(3)
        watching.send_signal(signal.SIGINT)
        assert "changed" not in watching.communicate(timeout=30)[0]
    finally:
        watching.kill()
        watching.wait()
