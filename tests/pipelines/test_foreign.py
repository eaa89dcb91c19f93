"""Versions that another program committed to a pipeline's table: never published by accident."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakelet.errors import PipelineError
from lakelet.session import Workspace
from pipelines.writing import commits, define, put


@pytest.fixture
def changed(ws: Workspace) -> Workspace:
    """A streaming table from which another program took a row away."""
    from deltalake import DeltaTable

    define(ws, "CREATE STREAMING TABLE raw AS SELECT id FROM STREAM read_files('files/t');")
    put(ws, "t/a.jsonl", {"id": 1}, {"id": 2}, {"id": 3})
    ws.update("p")
    DeltaTable(str(Path(ws.lake.root) / "p" / "raw")).delete("id = 1")
    return ws


def ids(ws: Workspace) -> list[int]:
    return sorted(row[0] for row in ws.sql("SELECT id FROM p.raw").rows())


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DELETE FROM p.raw WHERE id = 2", "DELETE"),
        ("UPDATE p.raw SET id = 9 WHERE id = 2", "UPDATE"),
        ("COMMENT ON TABLE p.raw IS 'said by hand'", "COMMENT ON"),
        ("OPTIMIZE p.raw", "OPTIMIZE"),
        ("VACUUM p.raw", "VACUUM"),
    ],
)
def test_a_change_by_hand_stops_before_them(changed: Workspace, statement: str, what: str) -> None:
    before = commits(changed)
    with pytest.raises(PipelineError, match=rf"not shown, and {what} did nothing") as refused:
        changed.sql(statement)
    assert "another program committed version 2 (DELETE) to p.raw" in str(refused.value)
    assert "--adopt" in str(refused.value)
    assert ids(changed) == [1, 2, 3]
    assert commits(changed) == before
    assert [u["state"] for u in changed.updates("p")] == ["published"], "no update was begun"


def test_upkeep_stops_before_them(changed: Workspace) -> None:
    with pytest.raises(PipelineError, match="not shown, and maintenance did nothing"):
        changed.table("p.raw").maintain()
    assert ids(changed) == [1, 2, 3]
    changed.update("p", foreign="discard")
    assert changed.foreign() == []
    assert changed.update("p").update is None, "what was undone stops nobody any more"
    changed.table("p.raw").maintain()
    changed.sql("DELETE FROM p.raw WHERE id = 2")
    assert ids(changed) == [1, 3]
