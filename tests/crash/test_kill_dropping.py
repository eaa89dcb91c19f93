"""`--drop-abandoned` killed at any step: the table is the pipeline's still, or goes, or is nobody's."""

from __future__ import annotations

import pytest

from crash.processes import run
from lakelet.errors import TableNotFoundError
from lakelet.pipelines.publishing.journal import journals
from lakelet.session import Workspace
from pipelines.writing import define

KEPT = "CREATE MATERIALIZED VIEW kept AS SELECT 1 AS x;"
GOING = "CREATE MATERIALIZED VIEW going AS SELECT 2 AS x;"
MOMENTS = [
    "before:publish.journal", "before:publish.publish", "after:publish.publish",
    "before:events.keep", "before:table.drop", "after:table.drop", "before:publish.clear",
    "after:publish.clear",
]  # fmt: skip


@pytest.fixture
def abandoned(ws: Workspace) -> Workspace:
    define(ws, KEPT + GOING)
    ws.update("p")
    define(ws, KEPT)
    return ws


def is_there(ws: Workspace) -> bool:
    return "p.going" in map(str, ws.tables())


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_and_gone_on(abandoned: Workspace, moment: str) -> None:
    ws = abandoned
    assert run(ws.folder.root, "drop abandoned", f"kill:{moment}").returncode == -9
    # As long as it is there, it can be read; nobody needs to have repaired anything.
    if is_there(ws):
        assert ws.sql("SELECT x FROM p.going").rows() == [(2,)]
    ws.update("p")
    if moment == "before:publish.journal":
        assert [str(n) for n in ws.plan("p").abandoned] == ["p.going"]
        ws.update("p", drop_abandoned=True)
    assert not is_there(ws)
    assert ws.plan("p").abandoned == []
    assert not journals(ws.lake)
    with pytest.raises(TableNotFoundError, match="was dropped"):
        ws.sql("SELECT x FROM p.going")


def test_a_table_brought_back_is_not_dropped_again(abandoned: Workspace) -> None:
    ws = abandoned
    assert run(ws.folder.root, "drop abandoned", "kill:after:table.drop").returncode == -9
    ws.sql("UNDROP TABLE p.going")
    ws.update("p")
    ws.sql("INSERT INTO p.going VALUES (3)")
    assert sorted(ws.sql("SELECT x FROM p.going").rows()) == [(2,), (3,)]


def test_a_change_of_a_table_let_go_of_finishes_the_drop_first(abandoned: Workspace) -> None:
    ws = abandoned
    assert run(ws.folder.root, "drop abandoned", "kill:before:table.drop").returncode == -9
    with pytest.raises(TableNotFoundError, match="was dropped"):
        ws.sql("INSERT INTO p.going VALUES (3)")
    assert not journals(ws.lake)


def test_a_table_brought_back_is_nobodys(abandoned: Workspace) -> None:
    ws = abandoned
    ws.update("p", drop_abandoned=True)
    ws.sql("UNDROP TABLE p.going")
    assert ws.table("p.going").describe()["pipeline"] is None
    assert ws.sql("SELECT x FROM p.going").rows() == [(2,)]
    ws.sql("DROP TABLE p.going")
    define(ws, KEPT + GOING)
    ws.update("p")
    assert ws.sql("SELECT x FROM p.going").rows() == [(2,)]
    assert ws.table("p.going").describe()["pipeline"] == "p"
