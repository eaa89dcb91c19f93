"""A process killed while it loads into a bucket loses, doubles and breaks nothing."""

from __future__ import annotations

import pytest

import lakelet
from lakelet.session import Workspace
from lakelet.workspace.steps import Step
from storage.conftest import Server, root_of
from storage.process import run

TIDY = Step("test.tidy", "the lake of a test is gone")
FILES = {
    "a.jsonl": '{"id": 1, "n": 1}\n{"id": 2, "n": 2}\nbroken\n',
    "b.jsonl": '{"id": 3}\n{"id": 4, "late": true}\n',
}


def loaded_once(ws: Workspace) -> None:
    rows = ws.sql("SELECT id FROM t.posts ORDER BY id").rows()
    assert rows == [(1,), (2,), (3,), (4,)]
    assert len(ws.table("t.posts").rejected()) == 1
    entries = [e for e in ws.table("t.posts").files() if e["state"] == "loaded"]
    assert sorted(e["kept"] for e in entries) == [2, 2]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_around_the_commit(s3: Server, bucket_ws: Workspace, moment: str) -> None:
    for name, text in FILES.items():
        s3.put(f"{root_of(bucket_ws)}/raw/{name}", text)
    root = bucket_ws.folder.root
    # Entries and rejected rows are adopted before the rows themselves.
    code, _ = run(root, "load", fault=f"kill:{moment}:stage.adopt:3")
    assert code == -9
    ws = lakelet.open(root)
    seen = ws.sql("SELECT count(*) FROM t.posts").rows()
    assert seen == ([(4,)] if moment == "after" else [(0,)])
    assert run(root, "load")[0] == 0
    loaded_once(lakelet.open(root))
    there = s3.storage(root_of(ws)[5:]).folders(f"{ws.lake.root}/t/posts")
    assert len([name for name in there if name.startswith("staged-")]) <= 2


@pytest.mark.slow
def test_killed_at_every_step(s3: Server, bucket_ws: Workspace, tmp_path) -> None:
    for name, text in FILES.items():
        s3.put(f"{root_of(bucket_ws)}/raw/{name}", text)
    root, bucket = bucket_ws.folder.root, root_of(bucket_ws)[5:]
    trace = tmp_path / "trace"
    assert run(root, "load", fault=f"trace:{trace}")[0] == 0
    loaded_once(lakelet.open(root))
    seen: dict[str, int] = {}
    for line in trace.read_text().splitlines():
        seen[line] = seen.get(line, 0) + 1
        moment, name = line.split(" ", 1)
        s3.storage(bucket).remove(TIDY, f"s3://{bucket}/lake")
        fault = f"kill:{moment}:{name}:{seen[line]}"
        assert run(root, "load", fault=fault)[0] in (-9, 0), fault
        code, said = run(root, "load")
        assert code == 0, (fault, said)
        loaded_once(lakelet.open(root))
