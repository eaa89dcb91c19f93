"""Files brought into a volume from the command line and from Python."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lakelet.errors import CommandError
from lakelet.session import Workspace
from lakelet.session.uploads import append, begin_upload, take


def lakelet(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lakelet", *arguments],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_files_are_brought_into_a_volume(ws: Workspace, tmp_path: Path) -> None:
    root, outside = ws.folder.root, tmp_path / "elsewhere"
    outside.mkdir()
    for name in ("a.jsonl", "b.jsonl"):
        (outside / name).write_text('{"id":1}\n')
    both = [str(outside / name) for name in ("a.jsonl", "b.jsonl")]
    assert lakelet(root, "upload", *both).stdout == "files/a.jsonl\nfiles/b.jsonl\n"
    # The same file again is there once; another one of the name gets a number.
    (outside / "a.jsonl").write_text('{"id":2}\n')
    told = json.loads(lakelet(root, "upload", *both, "--json").stdout)
    assert told == [{"path": "files/a (2).jsonl"}, {"path": "files/b.jsonl"}]
    assert sorted(one.name for one in ws.folder.files.iterdir()) == [
        "a (2).jsonl", "a.jsonl", "b.jsonl",
    ]  # fmt: skip
    found = ws.sql("SELECT source, action, target, before, after, error FROM system.audit").rows()
    assert found[0] == (
        "command line", "upload a.jsonl", "files", None, '["files/a.jsonl"]', None,
    )  # fmt: skip
    ws.load("files/a.jsonl", into="t.a")
    assert ws.sql("SELECT id FROM t.a").rows() == [(1,)]


def test_what_was_cut_off_goes_on(ws: Workspace, tmp_path: Path) -> None:
    data = b"".join(b'{"id":%d}\n' % number for number in range(1000))
    file = tmp_path / "a.jsonl"
    file.write_bytes(data)
    changed = file.stat().st_mtime_ns // 1_000_000
    begun = begin_upload(ws, "files:", "a.jsonl", len(data), changed)
    descriptor = append(begun, 0)
    take(descriptor, data[:500], begun)
    told: list[tuple[int, int]] = []
    assert ws.upload(file, progress=lambda come, size: told.append((come, size))) == "files/a.jsonl"
    assert told == [(len(data), len(data))]
    assert (ws.folder.files / "a.jsonl").read_bytes() == data


def test_what_cannot_be_brought_is_refused(ws: Workspace, tmp_path: Path) -> None:
    (tmp_path / ".hidden").write_text("a")
    for file, message in (
        (tmp_path / "none.csv", "is not there; nothing was written"),
        (tmp_path, "is a folder; nothing was written"),
    ):
        with pytest.raises(CommandError, match=message):
            ws.upload(file)
    (tmp_path / "a.csv").write_text("a\n1\n")
    with pytest.raises(CommandError, match="is no folder"):
        ws.upload(tmp_path / "a.csv", to="files:nowhere")
    assert list(ws.folder.files.iterdir()) == []
