"""What the tests of crashes and of many processes do in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import lakelet
from lakelet.errors import LakeletError
from lakelet.session import Workspace

STATEMENTS = {
    "merge": "MERGE INTO b.t USING b.s ON t.id = s.id WHEN MATCHED AND s.n < 0 THEN DELETE "
    "WHEN MATCHED THEN UPDATE SET n = s.n WHEN NOT MATCHED AND s.n > 0 THEN INSERT *",
    "ctas": "CREATE TABLE IF NOT EXISTS b.made AS SELECT id, n FROM b.s",
    "replace": "CREATE OR REPLACE TABLE b.t AS SELECT id, n FROM b.s",
    "type": "ALTER TABLE b.t ALTER COLUMN n TYPE BIGINT",
    "overwrite": "INSERT OVERWRITE b.t SELECT id, n FROM b.s",
    "rename": "ALTER TABLE b.t RENAME TO c.t",
}


def insert(ws: Workspace, number: int) -> None:
    """Ten inserts of one row each."""
    for count in range(10):
        ws.sql("INSERT INTO b.log VALUES (?, ?)", [number, count])


def add(ws: Workspace, _number: int) -> None:
    """Five merges that add one to each of a hundred counters."""
    for _ in range(5):
        ws.sql(
            "MERGE INTO b.counters c USING (SELECT id, 1 AS one FROM range(100)) s ON c.id = s.id "
            "WHEN MATCHED THEN UPDATE SET n = c.n + s.one "
            "WHEN NOT MATCHED THEN INSERT (id, n) VALUES (s.id, s.one)"
        )


def start(root: Path, what: str, fault: str = "") -> subprocess.Popen[str]:
    """The process that runs one of these on a workspace."""
    env = {key: value for key, value in os.environ.items() if key != "LAKELET_FAULT"}
    if fault:
        env["LAKELET_FAULT"] = fault
    return subprocess.Popen(
        [sys.executable, __file__, str(root), what],
        env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def main(root: str, what: str) -> int:
    ws = lakelet.open(Path(root))
    name, _, number = what.partition(":")
    try:
        if number:
            {"insert": insert, "add": add}[name](ws, int(number))
        else:
            ws.sql(STATEMENTS[name])
    except LakeletError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
