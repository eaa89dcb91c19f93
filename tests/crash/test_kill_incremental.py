"""A process killed while views are refreshed from what changed: all of it or nothing, and once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import lakelet
from conftest import make_workspace
from crash.processes import moments, run
from lakelet.pipelines.publishing.journal import journals
from lakelet.session import Workspace

POLICY = "REFRESH POLICY INCREMENTAL STRICT"
PIPELINE = f"""
CREATE MATERIALIZED VIEW some (CONSTRAINT small EXPECT (v < 100)) {POLICY}
  AS SELECT id, g, v FROM b.s WHERE v > 1;
CREATE MATERIALIZED VIEW sums {POLICY} AS SELECT g, sum(v) AS v, count(*) AS n FROM some GROUP BY g;
CREATE MATERIALIZED VIEW tops {POLICY} AS SELECT g, max(v) AS v FROM b.s GROUP BY g;
"""

State = list[list[tuple[object, ...]]]
VIEWS = {
    "some": "SELECT id, g, v FROM b.s WHERE v > 1",
    "sums": "SELECT g, sum(v) AS v, count(*) AS n FROM b.s WHERE v > 1 GROUP BY g",
    "tops": "SELECT g, max(v) AS v FROM b.s GROUP BY g",
}


def state(ws: Workspace) -> State:
    return [sorted(ws.sql(f"SELECT * FROM p.{view}").rows()) for view in VIEWS]


def expected(ws: Workspace) -> State:
    """What the views' queries give, asked of the table itself."""
    return [sorted(ws.sql(query).rows()) for query in VIEWS.values()]


@pytest.mark.slow
def test_killed_at_every_step_and_gone_on(tmp_path: Path) -> None:
    base = tmp_path / "base"
    ws = make_workspace(base)
    ws.sql("CREATE TABLE b.s AS SELECT id, id % 3 AS g, id AS v FROM range(30)")
    (base / "pipelines" / "p").mkdir()
    (base / "pipelines" / "p" / "p.sql").write_text(PIPELINE)
    assert run(base, "update").returncode == 0
    before = state(ws)
    assert before == expected(ws)
    ws.sql("INSERT INTO b.s VALUES (100, 0, 50), (101, 7, 8)")
    ws.sql("DELETE FROM b.s WHERE id IN (29, 4)")
    ws.sql("UPDATE b.s SET v = v + 40 WHERE id = 5")
    after = expected(ws)
    assert after != before
    traced = Path(shutil.copytree(base, tmp_path / "traced"))
    faults = moments(traced, "update", tmp_path / "trace")
    done = lakelet.open(traced)
    assert {done.why("p", view)[0]["how"] for view in VIEWS} == {"incremental"}
    assert state(done) == after
    for number, fault in enumerate(faults):
        root = Path(shutil.copytree(base, tmp_path / f"killed{number}"))
        assert run(root, "update", fault).returncode == -9, fault
        ws = lakelet.open(root)
        assert state(ws) in (before, after), fault
        again = run(root, "update")
        assert again.returncode == 0, (fault, again.stderr)
        assert state(ws) == after, fault
        assert not journals(ws.lake), fault
        shutil.rmtree(root)
