"""``.lakelet`` is gone: updates go on, and what they did before is still told."""

from __future__ import annotations

import shutil

import pytest

import lakelet
from lakelet.errors import PipelineError
from lakelet.session import Workspace
from pipelines.writing import define, put

TEXT = (
    "CREATE STREAMING TABLE raw (CONSTRAINT c EXPECT (id > 0) ON VIOLATION FAIL UPDATE) AS "
    "SELECT id FROM STREAM read_files('files/t');"
)


@pytest.fixture
def updated(ws: Workspace) -> Workspace:
    define(ws, TEXT)
    put(ws, "t/a.jsonl", {"id": 1})
    ws.update("p")
    put(ws, "t/b.jsonl", {"id": 0})
    with pytest.raises(PipelineError):
        ws.update("p")
    put(ws, "t/b.jsonl", {"id": 2})
    ws.sql("DELETE FROM p.raw WHERE id = 9")
    return ws


def test_updates_go_on_and_are_told(updated: Workspace) -> None:
    before = [(u["update"], u["state"]) for u in updated.updates()]
    shutil.rmtree(updated.folder.private)
    told = updated.updates("p")
    assert [(u["update"], u["state"]) for u in told] == [(2, "failed"), (1, "published")]
    assert before[1:] == [(2, "failed"), (1, "published")]
    assert "breaks the expectation c" in told[0]["message"]
    assert updated.updates("other") == []
    report = updated.update("p")
    assert report.published
    assert [u["update"] for u in updated.updates()] == [report.update, 2, 1]
    assert sorted(updated.sql("SELECT id FROM p.raw").rows()) == [(1,), (2,)]


def test_a_lake_elsewhere_is_taken_over_only_when_asked(updated: Workspace) -> None:
    other = lakelet.init(updated.folder.root.parent / "other")
    toml = other.folder.root / "lakelet.toml"
    toml.write_text(toml.read_text().replace('# path = "lake"', f'path = "{updated.lake.root}"'))
    define(other, TEXT)
    shutil.rmtree(other.folder.private)
    other = lakelet.open(other.folder.root)
    for _ in range(2):
        with pytest.raises(PipelineError, match="updated by another workspace"):
            other.update("p")
    other.take_over()
