"""A process killed at any step of a load or a restore loses, doubles and breaks nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import lakelet
from conftest import make_workspace
from crash.processes import moments, run
from lakelet.session import Workspace

FIRST = {
    "a.jsonl": ['{"id": 1, "n": 1}', '{"id": 2, "n": 2.5}', "broken"],
    "b.jsonl": ['{"id": 3, "g": {"a": 1}}'],
}
SECOND = {
    "c.jsonl": ['{"id": 4, "late": true, "g": {"b": 2}}', '{"id": 5, "n": "x"}', "broken too"]
}
IDS = {"first": [1, 2, 3], "both": [1, 2, 3, 4, 5]}


def write(root: Path, files: dict[str, list[str]]) -> None:
    for name, lines in files.items():
        (root / "files" / name).write_text("\n".join(lines) + "\n")


def prepared(root: Path, stage: str) -> Path:
    make_workspace(root)
    write(root, FIRST)
    if stage == "new":
        return root
    assert run(root, "load").returncode == 0
    if stage == "changed":
        write(root, {"a.jsonl": ['{"id": 1, "n": 1}', '{"id": 7}'], "c.jsonl": ['{"id": 4}']})
        return root
    write(root, SECOND)
    if stage == "loaded twice":
        assert run(root, "load").returncode == 0
    return root


def check(ws: Workspace, ids: list[int], rejected: int) -> None:
    table = ws.table("t.posts")
    assert [row[0] for row in table.sql("SELECT id FROM this ORDER BY id").rows()] == ids
    assert len(table.rejected()) == rejected
    loaded = [entry for entry in table.files() if entry["state"] == "loaded"]
    newest = {entry["file"]: entry["kept"] for entry in reversed(loaded)}
    assert sum(newest.values()) == len(ids)
    last = max(entry["batch"] for entry in table.files())
    folder = Path(ws.lake.root) / "t" / "posts"
    for scratch in folder.glob("staged-load-*"):
        assert int(scratch.name.split("-")[2]) <= last, "rows of a batch that never counted"


def _name():
    from lakelet.lake import TableName

    return TableName("t", "posts")


SCENARIOS = [
    ("new", "load", IDS["first"], 1),
    ("loaded", "load", IDS["both"], 2),
    ("loaded", "load by key", IDS["both"], 2),
    ("changed", "load in place", [1, 3, 4, 7], 0),
    ("loaded twice", "restore", IDS["first"], 1),
]
CHANGES = [
    ("merge", [(1, 1), (2, 20), (3, None), (4, None), (5, None), (9, 90)]),
    ("widen", [(1, "1.0"), (2, "2.5"), (3, None), (4, None), (5, "x")]),
    ("maintain", [(1, 1), (2, 2.5), (3, None), (4, None), (5, None)]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "what", "ids", "rejected"), SCENARIOS)
def test_killed_at_every_step_and_gone_on(
    tmp_path: Path, stage: str, what: str, ids: list[int], rejected: int
) -> None:
    base = prepared(tmp_path / "base", stage)
    traced = Path(shutil.copytree(base, tmp_path / "traced"))
    faults = moments(traced, what, tmp_path / "trace")
    assert len(faults) >= 4
    for number, fault in enumerate(faults):
        root = Path(shutil.copytree(base, tmp_path / f"killed{number}"))
        assert run(root, what, fault).returncode == -9, fault
        # Whoever looks before anything is repaired sees a whole state.
        ws = lakelet.open(root)
        if ws.lake.exists(_name()):
            seen = [r[0] for r in ws.sql("SELECT id FROM t.posts ORDER BY id").rows()]
            assert seen in ([], IDS["first"], IDS["both"], ids), (fault, seen)
        assert run(root, what).returncode == 0, fault
        check(lakelet.open(root), ids, rejected)
        shutil.rmtree(root)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["full", "unreachable"])
@pytest.mark.parametrize(("stage", "what", "ids", "rejected"), SCENARIOS[1:])
def test_every_step_fails_with_one_clear_message(
    tmp_path: Path, stage: str, what: str, ids: list[int], rejected: int, how: str
) -> None:
    base = prepared(tmp_path / "base", stage)
    traced = Path(shutil.copytree(base, tmp_path / "traced"))
    count = len(moments(traced, what, tmp_path / "trace")) // 2
    for number in range(1, count + 1):
        root = Path(shutil.copytree(base, tmp_path / f"failed{number}"))
        failed = run(root, what, f"fail:{number}:{how}")
        assert "Traceback" not in failed.stderr, failed.stderr
        said = "no space left" in failed.stderr.lower() or "No route to host" in failed.stderr
        # Only tidying up after the commit may fail unsaid: the rows are in the table.
        assert (failed.returncode, said) in ((1, True), (0, False)), (number, failed.stderr)
        assert run(root, what).returncode == 0, number
        check(lakelet.open(root), ids, rejected)
        shutil.rmtree(root)


@pytest.mark.slow
def test_a_retry_killed_at_every_step_is_done_whole_or_not_at_all(tmp_path: Path) -> None:
    base = make_workspace(tmp_path / "base").folder.root
    lines = '{"id": 1}\n{"id": 2, "t": "\xe9"}\nbroken\n'
    (base / "files" / "a.jsonl").write_bytes(lines.encode("latin-1"))
    assert run(base, "load").returncode == 0
    traced = Path(shutil.copytree(base, tmp_path / "traced"))
    faults = moments(traced, "retry", tmp_path / "trace")
    assert len(faults) >= 8
    for number, fault in enumerate(faults):
        root = Path(shutil.copytree(base, tmp_path / f"killed{number}"))
        assert run(root, "retry", fault).returncode == -9, fault
        table = lakelet.open(root).table("t.posts")
        state = (len(table.rows()), len(table.rejected()))
        assert state in ((1, 2), (2, 1)), (fault, state)
        assert run(root, "retry").returncode == 0, fault
        assert (len(table.rows()), len(table.rejected())) == (2, 1), fault
        shutil.rmtree(root)


def test_a_load_killed_before_its_commit_leaves_no_trace(tmp_path: Path) -> None:
    root = prepared(tmp_path / "ws", "loaded")
    assert run(root, "load", "kill:before:stage.adopt").returncode == -9
    ws = lakelet.open(root)
    check_unfinished = ws.table("t.posts")
    assert len(check_unfinished.rejected()) == 1
    assert {json.dumps(e["state"]) for e in check_unfinished.files()} == {'"loaded"'}
    ws.load("files", into="t.posts")
    check(ws, IDS["both"], 2)


@pytest.mark.slow
@pytest.mark.parametrize(("what", "rows"), CHANGES)
def test_a_change_killed_at_every_step_is_done_whole_or_not_at_all(
    tmp_path: Path, what: str, rows: list[tuple[object, ...]]
) -> None:
    base = prepared(tmp_path / "base", "loaded twice")
    query = "SELECT id, n FROM t.posts ORDER BY id"
    before = lakelet.open(base).sql(query).rows()
    traced = Path(shutil.copytree(base, tmp_path / "traced"))
    for number, fault in enumerate(moments(traced, what, tmp_path / "trace")):
        root = Path(shutil.copytree(base, tmp_path / f"killed{number}"))
        assert run(root, what, fault).returncode == -9, fault
        # Between the rewrite of a widened column and its back-fill the new type holds the old values.
        halfway = [(row, None if row == 5 else value) for row, value in rows]
        assert lakelet.open(root).sql(query).rows() in (before, rows, halfway), fault
        assert run(root, what).returncode == 0, fault
        assert lakelet.open(root).sql(query).rows() == rows, fault
        shutil.rmtree(root)
