"""A lake in a bucket does what a lake on disk does."""

from __future__ import annotations

from conftest import make_workspace
from lakelet.session import Workspace
from storage.conftest import Server, root_of

FIRST = {
    "a.jsonl": '{"id": 1, "n": 1}\n{"id": 2, "n": 2}\nbroken\n',
    "deep/b.jsonl": '{"id": 3, "n": 3, "text": "ü"}\n',
}
SECOND = {"c.jsonl": '{"id": 4, "n": 4, "late": true}\n{"id": 5, "n": "x"}\n'}


def put(s3: Server, ws: Workspace, files: dict[str, str]) -> None:
    for name, text in files.items():
        s3.put(f"{root_of(ws)}/raw/{name}", text)


def test_the_same_files_give_the_same_table_as_on_disk(
    s3: Server, bucket_ws: Workspace, tmp_path
) -> None:
    local = make_workspace(tmp_path / "local")
    for batch in (FIRST, SECOND):
        put(s3, bucket_ws, batch)
        for name, text in batch.items():
            path = local.folder.files / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        remote_report = bucket_ws.load("raw:", into="t.posts")
        local_report = local.load("files:", into="t.posts")
        assert [(e.kept, e.rescued, e.rejected) for e in remote_report.entries] == [
            (e.kept, e.rescued, e.rejected) for e in local_report.entries
        ]
    for query in (
        "SELECT id, n, text, late, _rescued_data FROM t.posts ORDER BY id",
        "SELECT id, n FROM t.posts VERSION AS OF 1 ORDER BY id",
        "SELECT reason, line, record FROM t.posts__rejected ORDER BY record",
    ):
        assert bucket_ws.sql(query).rows() == local.sql(query).rows()
        assert bucket_ws.sql(query).types == local.sql(query).types
    here, there = bucket_ws.table("t.posts"), local.table("t.posts")
    assert [c.operation for c in here.history()] == [c.operation for c in there.history()]
    assert here.columns == there.columns
    facts, expected = here.describe(), there.describe()
    for name in ("rows", "version", "files", "route", "columns"):
        assert facts[name] == expected[name]


def test_nothing_new_is_found_by_listing_alone(s3: Server, bucket_ws: Workspace) -> None:
    put(s3, bucket_ws, FIRST)
    bucket_ws.load("raw:", into="t.posts")
    s3.requests()
    report = bucket_ws.load("raw:", into="t.posts")
    assert (report.same, report.entries) == (2, [])
    assert not [r for r in s3.requests() if r[0] == "GET" and "/raw/" in r[1].split("?")[0]]
