"""What a person decides about rescued fields of a pipeline's table holds for files to come."""

from __future__ import annotations

import pytest

import lakelet
from lakelet.session import Workspace
from pipelines.writing import define, put

STAR = "CREATE STREAMING TABLE t AS SELECT * FROM STREAM read_files('files/raw');"
CHECKED = (
    "CREATE STREAMING TABLE t (CONSTRAINT c EXPECT (id > 0)) "
    "AS SELECT * FROM STREAM read_files('files/raw');"
)
LISTED = (
    "CREATE STREAMING TABLE t "
    "AS SELECT id, score, _rescued_data, _metadata FROM STREAM read_files('files/raw');"
)


def rows(ws: Workspace, columns: str) -> list[tuple[object, ...]]:
    return ws.sql(f"SELECT {columns}, _rescued_data FROM p.t ORDER BY id").rows()


@pytest.mark.parametrize("query", [STAR, CHECKED, LISTED])
def test_a_widened_column(ws: Workspace, query: str) -> None:
    define(ws, query)
    put(ws, "raw/1.json", {"id": 1, "score": 2})
    ws.update("p")
    put(ws, "raw/2.json", {"id": 2, "score": 2.5})
    ws.update("p")
    assert rows(ws, "id, score") == [(1, 2, None), (2, None, '{"score":2.5}')]
    ws.table("p.t").widen("score", "DOUBLE")
    put(ws, "raw/3.json", {"id": 3, "score": 3.5})
    ws.update("p")
    assert rows(ws, "id, score") == [(1, 2.0, None), (2, 2.5, None), (3, 3.5, None)]


def test_a_column_that_the_query_makes_of_another_type(ws: Workspace) -> None:
    # The text of a number is that of the BIGINT it was read as, before and after.
    define(
        ws,
        "CREATE STREAMING TABLE t AS SELECT id, CAST(score AS STRING) AS score, _rescued_data, _metadata "
        "FROM STREAM read_files('files/raw');",
    )
    put(ws, "raw/1.json", {"id": 1, "score": 2})
    ws.update("p")
    ws.table("p.t").widen("id", "DOUBLE")
    put(ws, "raw/2.json", '{"id":2,"score":3.0}')
    ws.update("p")
    assert rows(ws, "id, score") == [(1.0, "2", None), (2.0, "3", None)]


@pytest.mark.parametrize("query", [STAR, CHECKED])
def test_a_field_made_a_column_keeps_its_type(ws: Workspace, query: str) -> None:
    (ws.folder.root / "lakelet.toml").write_text('time_zone = "UTC"\n[loading]\nevolve="rescue"\n')
    ws = lakelet.open(ws.folder.root)
    define(ws, query)
    put(ws, "raw/1.json", {"id": 1, "geo": {"lat": 1}})
    ws.update("p")
    put(ws, "raw/2.json", {"id": 2, "geo": {"lat": 2, "alt": 7}, "mark": 5})
    ws.update("p")
    ws.table("p.t").promote("mark", "STRING")
    ws.table("p.t").promote("geo.alt", "DOUBLE")
    put(ws, "raw/3.json", {"id": 3, "geo": {"lat": 3, "alt": 8}, "mark": 6})
    ws.update("p")
    assert rows(ws, "id, mark, `geo.alt`") == [
        (1, None, None, None),
        (2, "5", 7.0, None),
        (3, "6", 8.0, None),
    ]


def test_a_field_mapped_to_a_column(ws: Workspace) -> None:
    (ws.folder.root / "lakelet.toml").write_text('time_zone = "UTC"\n[loading]\nevolve="rescue"\n')
    ws = lakelet.open(ws.folder.root)
    define(ws, STAR)
    put(ws, "raw/1.json", {"id": 1, "author": "a"})
    ws.update("p")
    put(ws, "raw/2.json", {"id": 2, "writer": "b"})
    ws.update("p")
    ws.table("p.t").map_field("writer", "author")
    put(ws, "raw/3.json", {"id": 3, "writer": "c"})
    ws.update("p")
    assert rows(ws, "id, author") == [(1, "a", None), (2, "b", None), (3, "c", None)]


def test_where_the_query_leaves_out_which_file_it_was(ws: Workspace) -> None:
    define(
        ws,
        "CREATE STREAMING TABLE t AS SELECT id, score, _rescued_data "
        "FROM STREAM read_files('files/raw');",
    )
    put(ws, "raw/1.json", {"id": 1, "score": 2})
    ws.update("p")
    put(ws, "raw/2.json", {"id": 2, "score": 2.5})
    ws.update("p")
    (field,) = ws.table("p.t").rescued()
    assert (field.path, field.count, field.file) == ("score", 1, "")
    assert ws.table("p.t").widen("score", "DOUBLE").filled == 1
    assert rows(ws, "id, score") == [(1, 2.0, None), (2, 2.5, None)]


def test_a_table_without_rescued_data_is_widened(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS id")
    assert ws.table("s.t").widen("id", "DOUBLE").filled == 0
    assert ws.sql("SELECT id FROM s.t").rows() == [(1.0,)]
