"""`lakelet updates` says what became of an update whose process was killed."""

from __future__ import annotations

from pathlib import Path

import pytest

import lakelet
from crash.processes import run
from crash.test_kill_update import prepared


@pytest.mark.parametrize(
    ("moment", "first", "after"),
    [
        ("before:publish.journal", "interrupted", ["published", "interrupted"]),
        # From the journal on, whoever comes next finishes it, and has nothing left to do.
        ("before:publish.publish", "interrupted", ["published"]),
        ("after:publish.publish", "interrupted", ["published"]),
        ("before:publish.clear", "published", ["published"]),
    ],
)
def test_what_became_of_a_killed_update(
    tmp_path: Path, moment: str, first: str, after: list[str]
) -> None:
    root = prepared(tmp_path / "ws", "new")
    assert run(root, "update", f"kill:{moment}").returncode == -9
    ws = lakelet.open(root)
    assert [u["state"] for u in ws.updates("p")] == [first]
    ws.update("p")
    found = ws.updates("p")
    assert [u["state"] for u in found] == after
    assert all(u["ended"] >= u["started"] for u in found)
    if first == "interrupted":
        assert "its process ended" in found[-1]["message"]
        last = ws.sql(
            "SELECT max_by(message, number) FROM system.pipeline_events WHERE update_id = 1"
        ).rows()
        assert str(last[0][0]).startswith(f"update 1 is {after[-1]}: its process ended")


def test_a_killed_change_by_hand_is_told(tmp_path: Path) -> None:
    root = prepared(tmp_path / "ws", "first")
    assert run(root, "delete", "kill:before:publish.publish").returncode == -9
    ws = lakelet.open(root)
    assert [u["state"] for u in ws.updates("p")] == ["interrupted", "published"]
    ws.sql("COMMENT ON TABLE p.posts IS 'another change by hand'")
    assert [u["state"] for u in ws.updates("p")] == ["published", "published", "published"]
