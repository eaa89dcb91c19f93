"""New fields inside STRUCT columns: added to the type, NULL in older rows, readable by others."""

from __future__ import annotations

import json
import warnings

import pytest

from lakelet.errors import SchemaError
from lakelet.lake import TableName
from lakelet.session import Workspace

FIRST = {"id": 1, "geo": {"lat": 1.5}, "tags": [{"k": "a"}], "deep": {"a": {"b": 1}}}
SECOND = {
    "id": 2,
    "geo": {"lat": 2.5, "alt": 100},
    "tags": [{"k": "b", "w": 0.5}, {"k": "c"}],
    "deep": {"a": {"b": 2, "c": {"d": "2026-01-02"}}},
}
GROWN = {
    "id": "BIGINT",
    "geo": "STRUCT<lat: DOUBLE, alt: BIGINT>",
    "tags": "ARRAY<STRUCT<k: STRING, w: DOUBLE>>",
    "deep": "STRUCT<a: STRUCT<b: BIGINT, c: STRUCT<d: DATE>>>",
}


def load(ws: Workspace, name: str, *rows: object, **options: object):
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (ws.folder.files / name).write_text(text)
    return ws.load("files", into="t.t", **options)  # type: ignore[arg-type]


def types(ws: Workspace) -> dict[str, str]:
    return {c.name: c.type.sql for c in ws.table("t.t").columns if not c.name.startswith("_")}


def rows(ws: Workspace, what: str) -> list[tuple[object, ...]]:
    return ws.sql(f"SELECT {what} FROM t.t ORDER BY id").rows()


def test_add_grows_the_struct(ws: Workspace) -> None:
    load(ws, "a.jsonl", FIRST, {"id": 3, "geo": None})
    before = ws.table("t.t").version
    report = load(ws, "b.jsonl", SECOND)
    assert types(ws) == GROWN
    assert [(c.name, c.type.sql) for c in report.new_columns] == [
        ("geo.alt", "BIGINT"), ("tags[].w", "DOUBLE"), ("deep.a.c", "STRUCT<d: DATE>"),
    ]  # fmt: skip
    assert rows(ws, "id, geo.alt, geo IS NULL, _rescued_data") == [
        (1, None, False, None), (2, 100, False, None), (3, None, True, None),
    ]  # fmt: skip
    assert rows(ws, "tags[0].w, CAST(deep.a.c.d AS STRING)")[:2] == [
        (None, None),
        (0.5, "2026-01-02"),
    ]
    assert ws.sql("SELECT id FROM t.t WHERE geo.alt > 1").rows() == [(2,)]
    assert ws.sql("SELECT id FROM t.t WHERE geo.alt IS NULL ORDER BY id").rows() == [(1,), (3,)]
    old = ws.table("t.t").at(version=before).sql("SELECT geo FROM this ORDER BY id").rows()
    assert old == [({"lat": 1.5},), (None,)]


def test_a_batch_that_needs_no_growth_adds_nothing(ws: Workspace) -> None:
    load(ws, "a.jsonl", FIRST)
    load(ws, "b.jsonl", SECOND)
    version = ws.table("t.t").version
    assert load(ws, "c.jsonl", SECOND | {"id": 3}).new_columns == []
    assert ws.table("t.t").version == version + 1


def test_what_others_changed_of_the_type_stays(ws: Workspace) -> None:
    load(ws, "a.jsonl", FIRST)
    ws.sql("ALTER TABLE t.t ALTER COLUMN geo COMMENT 'where'")
    load(ws, "b.jsonl", SECOND)
    assert next(c.comment for c in ws.table("t.t").columns if c.name == "geo") == "where"


def test_rescue_keeps_the_type(ws: Workspace) -> None:
    load(ws, "a.jsonl", FIRST)
    load(ws, "b.jsonl", SECOND, evolve="rescue")
    assert types(ws)["geo"] == "STRUCT<lat: DOUBLE>"
    (rescued,) = rows(ws, "_rescued_data")[1]
    assert json.loads(str(rescued)) == {
        "geo.alt": 100, "tags[0].w": 0.5, "deep.a.c": {"d": "2026-01-02"},
    }  # fmt: skip


def test_fail_shows_the_field(ws: Workspace) -> None:
    load(ws, "a.jsonl", FIRST)
    with pytest.raises(SchemaError, match=r"geo\.alt BIGINT \(1 row\), tags\[\]\.w DOUBLE"):
        load(ws, "b.jsonl", SECOND, evolve="fail")


def test_a_field_that_was_promoted_stays_a_column_of_its_own(ws: Workspace) -> None:
    load(ws, "a.jsonl", FIRST)
    load(ws, "b.jsonl", SECOND, evolve="rescue")
    ws.table("t.t").promote("geo.alt")
    load(ws, "c.jsonl", SECOND | {"id": 3, "geo": {"lat": 1.0, "alt": 7, "acc": 2}})
    assert types(ws)["geo"] == "STRUCT<lat: DOUBLE, acc: BIGINT>"
    assert rows(ws, "`geo.alt`, geo.acc") == [(None, None), (100, None), (7, 2)]


def test_a_name_that_differs_in_case_is_no_new_field(ws: Workspace) -> None:
    load(ws, "a.jsonl", {"id": 1, "s": {"a": 1}})
    load(ws, "b.jsonl", {"id": 2, "s": {"A": 2, "B": 3, "b": 4}})
    assert types(ws)["s"] == "STRUCT<a: BIGINT, B: BIGINT>"
    assert rows(ws, "s.a, s.b, _rescued_data")[1] == (2, 3, '{"s.b":4}')


def test_a_struct_stops_at_two_hundred_fields(ws: Workspace) -> None:
    load(ws, "a.jsonl", {"id": 1, "s": {"a": 1}})
    load(ws, "b.jsonl", {"id": 2, "s": {f"f{i}": i for i in range(250)}})
    assert types(ws)["s"].count("BIGINT") == 200
    (rescued,) = rows(ws, "_rescued_data")[1]
    assert len(json.loads(str(rescued))) == 51


def test_widen_grows_too(ws: Workspace) -> None:
    load(ws, "a.jsonl", {"id": 1, "v": 1, "s": {"a": 1}})
    load(ws, "b.jsonl", {"id": 2, "v": 1.5, "s": {"a": 1, "b": "x"}}, evolve="widen")
    assert types(ws) == {"id": "BIGINT", "v": "DOUBLE", "s": "STRUCT<a: BIGINT, b: STRING>"}


@pytest.mark.parametrize("first", [[FIRST], [FIRST, {"id": 2, "geo": {"lat": 9.0}}]])
def test_a_merge_by_key_afterwards(ws: Workspace, first: list[object]) -> None:
    load(ws, "a.jsonl", *first, key=["id"])
    load(ws, "b.jsonl", SECOND, key=["id"])
    assert types(ws) == GROWN
    load(ws, "c.jsonl", {"id": 1, "geo": {"lat": 3.0, "alt": 5}}, {"id": 4}, key=["id"])
    assert rows(ws, "id, geo.lat, geo.alt") == [(1, 3.0, 5), (2, 2.5, 100), (4, None, None)]


def test_maintenance_changes_and_restore_know_the_grown_type(ws: Workspace) -> None:
    load(ws, "a.jsonl", FIRST)
    load(ws, "b.jsonl", SECOND)
    table = ws.table("t.t")
    before = rows(ws, "*")
    ws.sql("OPTIMIZE t.t")
    assert rows(ws, "*") == before
    ws.sql("UPDATE t.t SET geo = named_struct('lat', 0.0D, 'alt', 1) WHERE id = 1")
    assert rows(ws, "geo.alt") == [(1,), (100,)]
    table.restore(1)
    assert rows(ws, "id, geo") == [(1, {"lat": 1.5})]


@pytest.mark.slow
def test_another_engine_reads_it(ws: Workspace) -> None:
    load(ws, "a.jsonl", FIRST)
    load(ws, "b.jsonl", SECOND)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pysail.spark import SparkConnectServer
        from pyspark.sql import SparkSession

        server = SparkConnectServer(port=0)
        server.start(background=True)
        _, port = server.listening_address
        spark = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
        try:
            found = spark.sql(
                "SELECT CAST(id AS STRING), CAST(geo.lat AS STRING), CAST(geo.alt AS STRING), "
                "CAST(tags[0].w AS STRING), CAST(deep.a.c.d AS STRING) "
                f"FROM delta.`{ws.lake.table(TableName('t', 't')).location}` ORDER BY id"
            ).collect()
        finally:
            spark.stop()
            server.stop()
    assert [tuple(row) for row in found] == [
        ("1", "1.5", None, None, None), ("2", "2.5", "100", "0.5", "2026-01-02"),
    ]  # fmt: skip
