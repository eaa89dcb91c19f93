"""A process killed at any step of an update publishes all of it or nothing, and loses nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lakelet
from conftest import make_workspace
from crash.processes import SCENARIO, moments, run
from lakelet.errors import TableNotFoundError
from lakelet.pipelines.publishing.journal import journals
from lakelet.session import Workspace

PIPELINE = """
CREATE STREAMING TABLE raw AS SELECT * FROM STREAM read_files('files/posts', format => 'jsonl');
CREATE STREAMING TABLE twice AS SELECT id * 2 AS id FROM STREAM raw;
CREATE MATERIALIZED VIEW posts (
  CONSTRAINT known EXPECT (forum = 'ml') ON VIOLATION DROP ROW
) AS SELECT * EXCEPT (_rescued_data, _metadata) FROM raw;
CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS n, max(id) AS last FROM posts;
"""
FIRST = '{"id": 1, "forum": "ml"}\n{"id": 2, "forum": "x"}\nbroken\n'
SECOND = '{"id": 3, "forum": "ml", "late": 1}\n{"id": 4, "forum": "y"}\nbroken too\n'

State = tuple[object, ...]


def state(ws: Workspace) -> State:
    """All that a reader sees, in one statement: so from one publication."""
    query = (
        "SELECT (SELECT count(*) FROM p.raw), (SELECT sum(id) FROM p.twice), "
        "(SELECT count(*) FROM p.posts), (SELECT n FROM p.totals), "
        "(SELECT count(*) FROM p.posts__rejected), (SELECT count(*) FROM p.raw__rejected), "
        "(SELECT sum(k) FROM (SELECT max_by(kept, batch) AS k FROM system.loaded_files GROUP BY file))"
    )
    try:
        return ws.sql(query).rows()[0]
    except TableNotFoundError:
        return ("nothing",)


NONE: State = ("nothing",)
ONE: State = (2, 6, 1, 1, 1, 1, 2)
TWO: State = (4, 20, 2, 2, 2, 2, 4)
DELETED: State = (1, 6, 1, 1, 1, 1, 2)
SCENARIOS = [
    ("new", "update", NONE, ONE),
    ("second", "update", ONE, TWO),
    ("first", "refresh", ONE, ONE),
    ("first", "delete", ONE, DELETED),
]


def prepared(root: Path, stage: str) -> Path:
    make_workspace(root)
    folder = root / "pipelines" / "p"
    folder.mkdir()
    (folder / "p.sql").write_text(PIPELINE)
    (root / "files" / "posts").mkdir()
    (root / "files" / "posts" / "a.jsonl").write_text(FIRST)
    if stage != "new":
        assert run(root, "update").returncode == 0
    if stage == "second":
        (root / "files" / "posts" / "b.jsonl").write_text(SECOND)
    return root


def telling(faults: list[str]) -> list[str]:
    """Every commit to a table or to the lake's own, and of the steps before it each kind once."""
    each = ("stage.adopt", "publish.", "table.append", "events.")
    return [
        fault for fault in faults if fault.endswith(":1") or fault.split(":", 2)[2].startswith(each)
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "what", "before", "after"), SCENARIOS)
def test_killed_at_every_step_and_gone_on(
    tmp_path: Path, stage: str, what: str, before: State, after: State
) -> None:
    base = prepared(tmp_path / "base", stage)
    assert state(lakelet.open(base)) == before
    traced = Path(shutil.copytree(base, tmp_path / "traced"))
    faults = telling(moments(traced, what, tmp_path / "trace"))
    assert state(lakelet.open(traced)) == after
    assert len(faults) >= 8
    for number, fault in enumerate(faults):
        root = Path(shutil.copytree(base, tmp_path / f"killed{number}"))
        assert run(root, what, fault).returncode == -9, fault
        ws = lakelet.open(root)
        # Whoever looks before anything is repaired sees all of the update, or nothing of it.
        seen = state(ws)
        assert seen in (before, after), (fault, seen)
        again = run(root, what)
        assert again.returncode == 0, (fault, again.stderr)
        assert state(ws) == after, fault
        assert not journals(ws.lake), fault
        shutil.rmtree(root)


@pytest.mark.slow
@pytest.mark.parametrize(("how", "stride"), [("full", 1), ("unreachable", 3)])
def test_every_step_fails_with_one_clear_message(tmp_path: Path, how: str, stride: int) -> None:
    base = prepared(tmp_path / "base", "second")
    traced = Path(shutil.copytree(base, tmp_path / "traced"))
    count = len(moments(traced, "update", tmp_path / "trace")) // 2
    for number in range(1, count + 1, stride):
        root = Path(shutil.copytree(base, tmp_path / f"failed{number}"))
        failed = run(root, "update", f"fail:{number}:{how}")
        assert "Traceback" not in failed.stderr, failed.stderr
        ws = lakelet.open(root)
        seen = state(ws)
        assert seen in (ONE, TWO), (number, seen)
        assert failed.returncode == 1 or seen == TWO, number
        assert run(root, "update").returncode == 0, number
        assert state(ws) == TWO, number
        shutil.rmtree(root)


@pytest.mark.slow
def test_readers_never_see_half_of_an_update(tmp_path: Path) -> None:
    root = prepared(tmp_path / "ws", "second")
    ws = lakelet.open(root)
    seen: list[State] = []
    for number in range(6):
        name = f"more{number}.jsonl"
        (root / "files" / "posts" / name).write_text(f'{{"id": {number + 10}, "forum": "ml"}}\n')
        update = subprocess.Popen([sys.executable, str(SCENARIO), str(root), "update"])
        while update.poll() is None:
            seen.append(state(ws))
        assert update.returncode == 0
    for raw, _, posts, totals, dropped, _, kept in seen:
        assert posts == totals, "a fresh table beside an old one"
        assert raw == posts + dropped == kept
    assert len(set(seen)) >= 6
