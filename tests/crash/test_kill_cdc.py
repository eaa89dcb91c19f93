"""A process killed while it applies changes: all of them or none, and each of them once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import lakelet
from conftest import make_workspace
from crash.processes import moments, run
from lakelet.pipelines.publishing.journal import journals
from lakelet.session import Workspace

PIPELINE = """
CREATE STREAMING TABLE t;
CREATE FLOW f AS AUTO CDC INTO t FROM STREAM read_files('files/c', format => 'jsonl') KEYS (id)
  APPLY AS DELETE WHEN op = 'd' SEQUENCE BY at COLUMNS (id, v) STORED AS SCD TYPE 2;
CREATE STREAMING TABLE u;
CREATE FLOW g AS AUTO CDC INTO u FROM STREAM t WITH (readChangeFeed) KEYS (id, __START_AT)
  APPLY AS DELETE WHEN _change_type = 'delete' SEQUENCE BY _commit_version
  COLUMNS * EXCEPT (_change_type, _commit_version, _commit_timestamp) STORED AS SCD TYPE 1;
CREATE MATERIALIZED VIEW n AS SELECT count(*) AS n FROM t;
"""
FIRST = '{"id": 1, "v": "a", "at": 1, "op": "u"}\n{"id": 2, "v": "a", "at": 5, "op": "u"}\n'
SECOND = '{"id": 1, "v": "b", "at": 3, "op": "u"}\n{"id": 2, "at": 7, "op": "d"}\n'

State = tuple[list[tuple[object, ...]], list[tuple[object, ...]], int]
ONE: State = ([(1, "a", 1, None), (2, "a", 5, None)], [(1, 1, False), (2, 5, False)], 2)
TWO: State = (
    [(1, "a", 1, 3), (1, "b", 3, None), (2, "a", 5, 7)],
    [(1, 1, False), (1, 3, False), (2, 5, False), (2, 7, True)],
    3,
)


def state(ws: Workspace) -> State:
    """The table, the changes kept for it, and the count made from it."""
    rows = sorted(ws.sql("SELECT id, v, __START_AT, __END_AT FROM p.t").rows())
    assert rows == sorted(ws.sql("SELECT id, v, __START_AT, __END_AT FROM p.u").rows())
    kept = ws.sql("SELECT id, __cdc_sequence, __cdc_deleted FROM p.t__cdc").rows()
    return rows, sorted(kept), int(ws.sql("SELECT n FROM p.n").rows()[0][0])


@pytest.mark.slow
def test_killed_at_every_step_and_gone_on(tmp_path: Path) -> None:
    base = tmp_path / "base"
    make_workspace(base)
    (base / "pipelines" / "p").mkdir()
    (base / "pipelines" / "p" / "p.sql").write_text(PIPELINE)
    (base / "files" / "c").mkdir()
    (base / "files" / "c" / "1.jsonl").write_text(FIRST)
    assert run(base, "update").returncode == 0
    (base / "files" / "c" / "2.jsonl").write_text(SECOND)
    assert state(lakelet.open(base)) == ONE
    traced = Path(shutil.copytree(base, tmp_path / "traced"))
    faults = moments(traced, "update", tmp_path / "trace")
    assert state(lakelet.open(traced)) == TWO
    for number, fault in enumerate(faults):
        root = Path(shutil.copytree(base, tmp_path / f"killed{number}"))
        assert run(root, "update", fault).returncode == -9, fault
        ws = lakelet.open(root)
        seen = state(ws)
        assert seen in (ONE, TWO), (fault, seen)
        again = run(root, "update")
        assert again.returncode == 0, (fault, again.stderr)
        assert state(ws) == TWO, fault
        assert not journals(ws.lake), fault
        shutil.rmtree(root)
