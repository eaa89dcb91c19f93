"""Many processes write to one bucket at once, or one only where the bucket keeps no promise."""

from __future__ import annotations

import json

import pytest

import lakelet
from conftest import make_workspace
from lakelet.lake import TableName
from lakelet.lake.type_text import parse_columns
from lakelet.session import Workspace
from storage.conftest import Server, configure, root_of
from storage.process import command_line, run, start


def shared_table(ws: Workspace) -> None:
    ws.lake.create(TableName("t", "shared"), parse_columns("writer BIGINT, turn BIGINT"))


@pytest.fixture
def careless(s3: Server, tmp_path) -> Workspace:
    """A workspace on a bucket that ignores conditional writes, with a table made by a process."""
    make_workspace(tmp_path / "ws")
    ws = configure(tmp_path / "ws", s3.bucket("careless"), s3.endpoint)
    s3.put(f"{root_of(ws)}/raw/a.jsonl", '{"writer": 1, "turn": 1}')
    code, said = command_line(ws.folder.root, "load", "raw:", "--into", "t.shared")
    assert code == 0, said
    return ws


def test_a_careless_bucket_takes_one_writing_process(s3: Server, careless: Workspace) -> None:
    root = careless.folder.root
    first = start(root, "write_and_wait")
    assert first.stdout is not None
    assert first.stdin is not None
    assert first.stdout.readline() == "written\n", first.communicate()
    s3.put(f"{root_of(careless)}/raw/b.jsonl", '{"writer": 2, "turn": 1}')
    code, said = command_line(root, "load", "raw:", "--into", "t.shared")
    assert code == 1
    assert "ignores conditional writes" in said
    assert "only one process" in said
    assert "Traceback" not in said
    # Reading goes on, and so does the first writer.
    code, said = command_line(root, "sql", "SELECT count(*) AS n FROM t.shared", "--as", "json")
    assert (code, json.loads(said)) == (0, [{"n": 2}])
    first.communicate()
    assert first.returncode == 0
    # With it gone the next one may write.
    code, said = command_line(root, "load", "raw:", "--into", "t.shared")
    assert code == 0, said
    assert lakelet.open(root).sql("SELECT count(*) FROM t.shared").rows() == [(3,)]


def test_doctor_names_a_careless_bucket(careless: Workspace) -> None:
    code, said = command_line(careless.folder.root, "doctor", "--json")
    found = {f["what"]: f for f in json.loads(said)}
    assert code == 0
    assert found["conditional writes"]["state"] == "note"
    assert "only one process may write" in found["conditional writes"]["text"]


def test_the_probe_leaves_nothing_behind(s3: Server, bucket_ws: Workspace) -> None:
    shared_table(bucket_ws)
    bucket = root_of(bucket_ws).removeprefix("s3://")
    storage = s3.storage(bucket)
    assert list(storage.files(f"s3://{bucket}/lake/t/shared/_lakelet")) == []


@pytest.mark.parametrize(("writers", "times"), [(3, 3), pytest.param(8, 6, marks=pytest.mark.slow)])
def test_processes_append_to_one_table_at_once(
    bucket_ws: Workspace, writers: int, times: int
) -> None:
    shared_table(bucket_ws)
    started = [start(bucket_ws.folder.root, "append", n, times) for n in range(writers)]
    for process in started:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
    rows = bucket_ws.sql("SELECT writer, turn FROM t.shared ORDER BY ALL").rows()
    assert rows == [(n, turn) for n in range(writers) for turn in range(times)]


@pytest.mark.slow
def test_machines_that_share_no_lock_append_and_merge(s3: Server, tmp_path) -> None:
    """Four workspaces, as on four machines: only the bucket stands between them."""
    bucket = s3.bucket()
    roots = []
    for number in range(4):
        make_workspace(tmp_path / f"ws{number}")
        configure(tmp_path / f"ws{number}", bucket, s3.endpoint)
        roots.append(tmp_path / f"ws{number}")
    ws = lakelet.open(roots[0])
    ws.lake.create(TableName("t", "counters"), parse_columns("id BIGINT, n BIGINT"))
    ws.table("t.counters").append([{"id": number, "n": 0} for number in range(100)])
    started = [start(roots[n % 4], "append_beside_counters", n, 5) for n in range(8)]
    started += [start(root, "merge", 3) for root in roots]
    for process in started:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
    counters = "SELECT count(*), min(n), max(n) FROM t.counters WHERE id < 100"
    assert ws.sql(counters).rows() == [(100, 12, 12)]
    appended = "SELECT id FROM t.counters WHERE id >= 100 ORDER BY id"
    assert ws.sql(appended).rows() == [
        (1000 * n + turn,) for n in range(1, 9) for turn in range(5)
    ]  # fmt: skip


def test_run_reports_a_failed_process(bucket_ws: Workspace) -> None:
    code, said = run(bucket_ws.folder.root, "append", 1, 1)
    assert code == 1
    assert "there is no table t.shared" in said
