"""A commit that the store has made, but whose answer was lost on the way, is not made twice."""

from __future__ import annotations

from lakelet.lake import TableName
from lakelet.lake.type_text import parse_columns
from lakelet.session import Workspace
from storage.conftest import Server, root_of
from storage.process import merge


def swallow(s3: Server, ws: Workspace, table: str, version: int) -> None:
    place = f"{ws.lake.root}/t/{table}".removeprefix("s3://")
    s3.ask(f"/swallow/{place}/_delta_log/{version:020d}.json")


def test_a_load_whose_commit_was_not_heard_of_counts_once(s3: Server, bucket_ws: Workspace) -> None:
    s3.put(f"{root_of(bucket_ws)}/raw/a.jsonl", '{"id": 1}')
    bucket_ws.load("raw:", into="t.posts")
    s3.put(f"{root_of(bucket_ws)}/raw/b.jsonl", '{"id": 2}')
    swallow(s3, bucket_ws, "posts", 2)
    bucket_ws.load("raw:", into="t.posts")
    assert bucket_ws.sql("SELECT id FROM t.posts ORDER BY id").rows() == [(1,), (2,)]
    assert bucket_ws.load("raw:", into="t.posts").same == 2


def test_an_append_whose_commit_was_not_heard_of_counts_once(
    s3: Server, bucket_ws: Workspace
) -> None:
    bucket_ws.lake.create(TableName("t", "rows"), parse_columns("id BIGINT"))
    table = bucket_ws.table("t.rows")
    table.append([{"id": 1}])
    swallow(s3, bucket_ws, "rows", 2)
    table.append([{"id": 2}])
    assert table.sql("SELECT id FROM this ORDER BY id").rows() == [(1,), (2,)]
    assert table.version == 2
    assert len(table.changes(since=1).rows()) == 1


def test_a_merge_whose_commit_was_not_heard_of_counts_once(
    s3: Server, bucket_ws: Workspace
) -> None:
    bucket_ws.lake.create(TableName("t", "rows"), parse_columns("id BIGINT, n BIGINT"))
    table = bucket_ws.table("t.rows")
    table.append([{"id": 1, "n": 1}])
    swallow(s3, bucket_ws, "rows", 2)
    table.merge([{"id": 1, "n": 2}, {"id": 2, "n": 2}], on=["id"])
    assert table.sql("SELECT id, n FROM this ORDER BY id").rows() == [(1, 2), (2, 2)]


def test_a_restore_whose_commit_was_not_heard_of(s3: Server, bucket_ws: Workspace) -> None:
    bucket_ws.lake.create(TableName("t", "rows"), parse_columns("id BIGINT"))
    table = bucket_ws.table("t.rows")
    table.append([{"id": 1}])
    swallow(s3, bucket_ws, "rows", 2)
    table.restore(0)
    assert table.sql("SELECT id FROM this").rows() == []


def test_a_sum_whose_commit_was_not_heard_of_is_not_added_to_twice(
    s3: Server, bucket_ws: Workspace
) -> None:
    bucket_ws.lake.create(TableName("t", "counters"), parse_columns("id BIGINT, n BIGINT"))
    table = bucket_ws.table("t.counters")
    table.append([{"id": number, "n": 0} for number in range(100)])
    swallow(s3, bucket_ws, "counters", 2)
    merge(bucket_ws, "1")
    assert table.sql("SELECT DISTINCT n FROM this").rows() == [(1,)]
    assert table.version == 2
