"""What a pipeline's table is partitioned by: told before an update, and kept by its log."""

from __future__ import annotations

import pytest

from lakelet.errors import LakeletError
from lakelet.lake import TableName
from lakelet.session import Workspace
from pipelines.writing import define, put

FILES = "AS SELECT * FROM STREAM read_files('files/raw');"


def partitions(ws: Workspace, table: str) -> list[str]:
    return ws.lake.table(TableName("p", table)).open().metadata().partition_columns


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("PARTITIONED BY (yy) AS SELECT 1 AS year, 2 AS z", "yy cannot partition the table"),
        ("PARTITIONED BY (x) AS SELECT array(1) AS x, 2 AS z", "x cannot partition the table"),
        ("PARTITIONED BY (x) AS SELECT 1 AS x", "a column must be left"),
        ("PARTITIONED BY (x, X) AS SELECT 1 AS x, 2 AS z", "by X twice"),
    ],
)
def test_what_cannot_partition_is_told_by_plan(ws: Workspace, text: str, message: str) -> None:
    define(ws, f"\nCREATE MATERIALIZED VIEW m {text}")
    with pytest.raises(LakeletError, match=rf"a\.sql:2: p\.m: .*{message}"):
        ws.plan("p")


def test_columns_only_reading_tells(ws: Workspace) -> None:
    put(ws, "raw/1.json", {"id": 1})
    define(ws, f"CREATE STREAMING TABLE t PARTITIONED BY (nope) {FILES}")
    with pytest.raises(LakeletError, match=r"a\.sql:1: p\.t: .*nope cannot partition the table"):
        ws.update("p")
    assert "p.t" not in ws.tables()


def test_names_in_another_case(ws: Workspace) -> None:
    define(ws, "CREATE MATERIALIZED VIEW m PARTITIONED BY (KIND) AS SELECT 1 AS kind, 2 AS z")
    ws.update("p")
    ws.update("p", full_refresh=True)
    assert partitions(ws, "m") == ["kind"]


def test_a_streaming_table_keeps_its_partitions_until_it_is_made_anew(ws: Workspace) -> None:
    put(ws, "raw/1.json", {"id": 1, "kind": "a"})
    define(ws, f"CREATE STREAMING TABLE t PARTITIONED BY (kind) {FILES}")
    ws.update("p")
    put(ws, "raw/2.json", {"id": 2, "kind": "b"})
    define(ws, f"CREATE STREAMING TABLE t PARTITIONED BY (id) {FILES}")
    note = ws.plan("p").decisions[0].details["note"]
    assert "stays partitioned as it is until a full refresh" in note
    ws.update("p")
    assert ws.sql("SELECT id, kind FROM p.t ORDER BY id").rows() == [(1, "a"), (2, "b")]
    ws.update("p", full_refresh=True)
    assert ws.sql("SELECT id, kind FROM p.t ORDER BY id").rows() == [(1, "a"), (2, "b")]
    assert partitions(ws, "t") == ["id"]


def test_so_does_a_table_of_changes(ws: Workspace) -> None:
    flow = (
        "CREATE FLOW f AS AUTO CDC INTO t FROM STREAM read_files('files/raw') KEYS (id) "
        "SEQUENCE BY at COLUMNS (id, kind, at) STORED AS SCD TYPE 1;"
    )
    put(ws, "raw/1.json", {"id": 1, "kind": "a", "at": 1})
    define(ws, f"CREATE STREAMING TABLE t PARTITIONED BY (kind); {flow}")
    ws.update("p")
    put(ws, "raw/2.json", {"id": 1, "kind": "b", "at": 2}, {"id": 2, "kind": "a", "at": 2})
    define(ws, f"CREATE STREAMING TABLE t; {flow}")
    ws.update("p")
    assert ws.sql("SELECT id, kind FROM p.t ORDER BY id").rows() == [(1, "b"), (2, "a")]
