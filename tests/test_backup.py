"""A workspace copied while it is in use opens, and goes on."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import lakelet
from conftest import make_workspace

LOADER = """
import json, sys, lakelet
ws = lakelet.open(sys.argv[1])
for number in range(1000):
    (ws.folder.files / f"n{number}.jsonl").write_text(json.dumps({"id": number}) + "\\n" + "broken\\n")
    ws.load("files", into="t.t")
    print(number, flush=True)
"""


def copy(source: Path, target: Path) -> None:
    """The order of docs/backup.md: logs and marks first, then whatever is not there yet."""
    lake = source / "lake"
    logs = [p for p in sorted(lake.rglob("*")) if p.is_file()
            and ("_delta_log" in p.parts or "_lakelet" in p.parts)]  # fmt: skip
    for path in logs:
        place(path, target / path.relative_to(source))
    for path in sorted(lake.rglob("*")):
        new = target / path.relative_to(source)
        if path.is_file() and not new.exists():
            place(path, new)
    for name in ("lakelet.toml", "files", "pipelines"):
        path = source / name
        shutil.copytree(path, target / name) if path.is_dir() else place(path, target / name)


def place(path: Path, new: Path) -> None:
    new.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):  # a scratch table that was tidied away meanwhile
        shutil.copyfile(path, new)


def test_a_copy_made_while_a_load_goes_on_is_whole(tmp_path: Path) -> None:
    ws = make_workspace(tmp_path / "ws")
    loader = subprocess.Popen(
        [sys.executable, "-c", LOADER, str(ws.folder.root)], stdout=subprocess.PIPE, text=True
    )
    assert loader.stdout is not None
    try:
        while int(loader.stdout.readline()) < 3:
            pass
        copy(ws.folder.root, tmp_path / "copy")
        assert loader.poll() is None, "the load was to go on while the copy was made"
    finally:
        loader.kill()
        loader.wait()
        loader.stdout.close()
    copied = lakelet.open(tmp_path / "copy")
    table = copied.table("t.t")
    before = [row[0] for row in table.sql("SELECT id FROM this ORDER BY id").rows()]
    assert len(before) >= 4
    assert before == list(range(len(before)))
    assert len(table.rejected()) == len(before)
    copied.load("files", into="t.t")
    after = [row[0] for row in table.sql("SELECT id FROM this ORDER BY id").rows()]
    on_disk = {
        json.loads(p.read_text().split("\n")[0])["id"] for p in copied.folder.files.glob("*.jsonl")
    }
    assert after == sorted(on_disk)
