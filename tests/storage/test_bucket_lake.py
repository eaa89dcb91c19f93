"""A lake in a bucket does what a lake on disk does."""

from __future__ import annotations

import pytest

import lakelet
from conftest import make_workspace
from lakelet.errors import InvalidNameError, StorageError
from lakelet.lake import TableName
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


def test_time_travel_restore_diff_files_and_rejected(s3: Server, bucket_ws: Workspace) -> None:
    put(s3, bucket_ws, FIRST)
    bucket_ws.load("raw:", into="t.posts")
    first = bucket_ws.table("t.posts").version
    put(s3, bucket_ws, SECOND)
    bucket_ws.load("raw:", into="t.posts")
    table = bucket_ws.table("t.posts")
    assert table.sql("SELECT count(*) FROM this").rows() == [(5,)]
    assert table.at(version=first).sql("SELECT count(*) FROM this").rows() == [(3,)]
    diff = table.diff(first, table.version)
    assert (diff.added, diff.removed) == (2, 0)
    assert {e["file"] for e in table.files()} == {
        f"{root_of(bucket_ws)}/raw/{name}" for name in (*FIRST, *SECOND)
    }
    (row,) = table.rejected()
    assert (row["line"], row["record"]) == (3, "broken")
    assert table.restore(first) == 1
    assert table.sql("SELECT count(*) FROM this").rows() == [(3,)]
    assert len(bucket_ws.load("raw:", into="t.posts").entries) == 1
    assert table.sql("SELECT count(*) FROM this").rows() == [(5,)]


def test_a_table_elsewhere_by_path_and_by_name(s3: Server, bucket_ws: Workspace, tmp_path) -> None:
    put(s3, bucket_ws, FIRST)
    bucket_ws.load("raw:", into="t.posts")
    place = f"{bucket_ws.lake.root}/t/posts"
    assert bucket_ws.sql(f"SELECT count(*) FROM delta.`{place}`").rows() == [(3,)]
    assert bucket_ws.sql(f"SELECT count(*) FROM delta.`{place}@v0`").rows() == [(0,)]

    local = make_workspace(tmp_path / "other")
    bucket = root_of(bucket_ws).removeprefix("s3://")
    section = bucket_ws.folder.root.joinpath("lakelet.toml").read_text()
    with (local.folder.root / "lakelet.toml").open("a") as settings:
        settings.write(section[section.index(f"\n[storage.{bucket}]") :])
    local = lakelet.open(local.folder.root)
    local.lake.attach(TableName("archive", "posts"), place)
    assert local.sql("SELECT count(*) FROM archive.posts").rows() == [(3,)]
    assert local.table("archive.posts").describe()["location"] == place
    local.lake.drop(TableName("archive", "posts"))
    assert bucket_ws.sql("SELECT count(*) FROM t.posts").rows() == [(3,)]


def test_drop_and_undrop(s3: Server, bucket_ws: Workspace) -> None:
    put(s3, bucket_ws, FIRST)
    bucket_ws.load("raw:", into="t.posts")
    name = TableName("t", "posts")
    bucket_ws.lake.drop(name)
    assert not bucket_ws.lake.exists(name)
    bucket_ws.lake.undrop(name)
    assert bucket_ws.sql("SELECT count(*) FROM t.posts").rows() == [(3,)]


def test_rows_changed_by_key(s3: Server, bucket_ws: Workspace) -> None:
    put(s3, bucket_ws, {"a.jsonl": '{"id": 1, "n": 1}\n{"id": 2, "n": 2}\n'})
    bucket_ws.load("raw:", into="t.posts", key=["id"])
    put(s3, bucket_ws, {"b.jsonl": '{"id": 2, "n": 20}\n{"id": 3, "n": 30}\n'})
    bucket_ws.load("raw:", into="t.posts", key=["id"])
    rows = bucket_ws.sql("SELECT id, n FROM t.posts ORDER BY id").rows()
    assert rows == [(1, 1), (2, 20), (3, 30)]


def test_a_query_opens_each_file_once_and_reads_only_the_columns_it_needs(
    s3: Server, bucket_ws: Workspace
) -> None:
    lines = (f'{{"id": {i}, "text": "{i * 7919 % 100003:050d}"}}' for i in range(50_000))
    put(s3, bucket_ws, {"a.jsonl": "\n".join(lines)})
    bucket_ws.load("raw:", into="t.posts")
    s3.requests()
    assert bucket_ws.sql("SELECT count(*), max(id) FROM t.posts").rows() == [(50_000, 49_999)]
    reads = [r for r in s3.requests() if ".parquet" in r[1]]
    assert len([r for r in reads if r[2].startswith("bytes=-")]) == 1
    assert len(reads) <= 3
    whole = bucket_ws.table("t.posts").describe()["bytes"]
    ranges = [r[2].removeprefix("bytes=").split("-") for r in reads if "=-" not in r[2]]
    assert sum(int(end) - int(start) for start, end in ranges) < whole / 2


def test_a_file_of_a_volume_opens_and_can_be_sought_in(s3: Server, bucket_ws: Workspace) -> None:
    body = bytes(range(256)) * 80_000  # more than two fetches
    s3.put(f"{root_of(bucket_ws)}/raw/deep/a.bin", body)
    s3.put(f"{root_of(bucket_ws)}/raw/empty", b"")
    with bucket_ws.open("raw:deep/a.bin") as file:
        assert file.read() == body
        file.seek(-10, 2)
        assert file.read(4) == body[-10:-6]
        file.seek(9_000_000)
        assert file.read(100) == body[9_000_000:9_000_100]
    with bucket_ws.open("/Volumes/main/default/raw/empty") as file:
        assert file.read() == b""
    with pytest.raises(StorageError, match="raw/missing is not there"):
        bucket_ws.open("raw:missing")
    with pytest.raises(InvalidNameError, match="leaves the volume"):
        bucket_ws.open("raw:../lake/t")
