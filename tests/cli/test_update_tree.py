"""The live tree of an update, on a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from lakelet.session import Workspace
from pipelines.writing import define

TEXT = """
from lakelet import pipelines as dp

@dp.materialized_view
def loud():
    for number in range(8):
        print(f"line {number}")
    print("10 %\\r20 %\\r100 % \\x1b[31mred\\x1b[0m")
    print("wide " * 40)
    return [{"x": 1}]

@dp.materialized_view
def quiet(loud):
    return loud
"""
TAIL = ["line 5", "line 6", "line 7", "100 % red"]


def on_a_terminal(root: Path, *, lines: int) -> str:
    """All that `lakelet update p` writes to a terminal of 60 columns."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "COLUMNS": "60", "LINES": str(lines), "TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, "-m", "lakelet", "update", "p"], cwd=root, stdout=theirs, env=env
    )
    os.close(theirs)
    seen = b""
    try:
        while piece := os.read(ours, 4096):
            seen += piece
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait(60) == 0
    return seen.decode().replace("\r\n", "\n")


def test_what_is_printed_stands_below_its_dataset(ws: Workspace) -> None:
    define(ws, TEXT, file="a.py")
    seen = on_a_terminal(ws.folder.root, lines=24)
    last = re.split(r"\x1b\[\d+A\x1b\[J", seen)[-1].split("\n")
    dimmed = [line for line in last if line.startswith("\x1b[2m")]
    text = [re.sub(r"\x1b\[\d+m", "", line) for line in dimmed]
    assert text[0] == "    … 5 lines before"
    assert [line.strip() for line in text[1:5]] == TAIL
    assert text[5].endswith("…")
    assert len(text[5]) == 60
    assert last.index(dimmed[-1]) < next(i for i, line in enumerate(last) if "p.quiet" in line)
    # Each drawing begins where the one before began: it has as many lines.
    frames = re.split(r"\x1b\[(\d+)A\x1b\[J", seen)
    for frame, up in zip(frames[::2], frames[1::2], strict=False):
        assert frame.count("\n") == int(up)


def test_a_low_terminal_shows_the_datasets_first(ws: Workspace) -> None:
    define(ws, TEXT, file="a.py")
    seen = on_a_terminal(ws.folder.root, lines=5)
    frames = re.split(r"\x1b\[\d+A\x1b\[J", seen)
    assert max(frame.count("\n") for frame in frames[:-1]) <= 4
    assert "100 % red" in seen


def test_without_a_terminal_it_is_written_once(ws: Workspace) -> None:
    define(ws, TEXT, file="a.py")
    done = subprocess.run(
        [sys.executable, "-m", "lakelet", "update", "p"],
        cwd=ws.folder.root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "\x1b" not in done.stdout
    assert done.stdout.count("    line 6\n") == 1
    assert f"    {'wide ' * 40}".rstrip() in done.stdout
