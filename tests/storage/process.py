"""What the tests of buckets do in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import lakelet
from lakelet.engines.connection import open_connection
from lakelet.engines.rewrite import Matched, Merge, Target, merge_rows
from lakelet.errors import LakeletError
from lakelet.lake import TableName
from lakelet.lake.delta import retry_conflicts


def load(ws: lakelet.session.Workspace) -> None:
    ws.load("raw:", into="t.posts")


def restore(ws: lakelet.session.Workspace) -> None:
    ws.table("t.posts").restore(1)


def append(ws: lakelet.session.Workspace, number: str, times: str) -> None:
    table = ws.table("t.shared")
    for turn in range(int(times)):
        table.append([{"writer": int(number), "turn": turn}])


def append_beside_counters(ws: lakelet.session.Workspace, number: str, times: str) -> None:
    table = ws.table("t.counters")
    for turn in range(int(times)):
        table.append([{"id": 1000 * (int(number) + 1) + turn, "n": 0}])


def merge(ws: lakelet.session.Workspace, times: str) -> None:
    """Add one to each of the hundred counters of the table, several times."""
    table = ws.lake.table(TableName("t", "counters"))
    connection = open_connection(ws.folder)
    rows = "SELECT range::BIGINT AS id, 1::BIGINT AS n FROM range(100)"
    add = Matched(None, {"n": "target.n + source.n"})
    wanted = Merge(rows, "target.id = source.id", matched=[add])

    def once() -> None:
        with table.lock():
            merge_rows(Target.attach(table, connection), wanted)

    for _ in range(int(times)):
        retry_conflicts(once)


def write_and_wait(ws: lakelet.session.Workspace) -> None:
    """Write once, say so, and stay until standard input ends."""
    append(ws, "0", "1")
    sys.stdout.write("written\n")
    sys.stdout.flush()
    sys.stdin.read()


def start(root: Path, what: str, *arguments: object, fault: str = "") -> subprocess.Popen[str]:
    env = {key: value for key, value in os.environ.items() if key != "LAKELET_FAULT"}
    if fault:
        env["LAKELET_FAULT"] = fault
    return subprocess.Popen(
        [sys.executable, __file__, str(root), what, *map(str, arguments)],
        env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def run(root: Path, what: str, *arguments: object, fault: str = "") -> tuple[int, str]:
    process = start(root, what, *arguments, fault=fault)
    _, said = process.communicate(timeout=300)
    return process.returncode, said


def command_line(root: Path, *arguments: str) -> tuple[int, str]:
    """Run `lakelet` and give its exit code and everything it said."""
    done = subprocess.run(
        [sys.executable, "-m", "lakelet", "--workspace", str(root), *arguments],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


if __name__ == "__main__":
    try:
        globals()[sys.argv[2]](lakelet.open(sys.argv[1]), *sys.argv[3:])
    except LakeletError as error:
        sys.exit(f"{error}\nCause: {error.__cause__!r}")
