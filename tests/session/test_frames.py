"""Frames of any make, strictly: what does not fit a column is refused, and nothing is written."""

from __future__ import annotations

import datetime as dt
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from pathlib import Path

import pandas
import polars
import pyarrow
import pytest

import lakelet
from lakelet.errors import (
    CommandError,
    ConstraintError,
    LakeletError,
    PastVersionError,
    SchemaError,
    SqlError,
)
from lakelet.lake import TableName
from lakelet.lake.type_text import parse_columns
from lakelet.session import Table, Workspace

COLUMNS = (
    "id BIGINT NOT NULL, name STRING, score DOUBLE, d DATE, ts TIMESTAMP, n TIMESTAMP_NTZ, "
    "dec DECIMAL(10,2), tags ARRAY<STRING>, st STRUCT<a: BIGINT>, m MAP<STRING, BIGINT>"
)


@pytest.fixture
def table(ws: Workspace) -> Table:
    ws.lake.create(TableName("s", "t"), parse_columns(COLUMNS))
    return ws.table("s.t")


def ids(table: Table) -> list[int]:
    return [row[0] for row in table.sql("SELECT id FROM this ORDER BY id").rows()]


def test_dictionaries_keep_every_value(table: Table) -> None:
    row = {
        "id": 1, "name": "ä", "score": float("inf"), "d": dt.date(2026, 1, 2),
        "ts": dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC), "n": dt.datetime(2026, 1, 2, 3, 4, 5, 6),
        "dec": Decimal("12345678.25"), "tags": ["x", None], "st": {"a": 2**62}, "m": {"k": 1},
    }  # fmt: skip
    table.append([row, {"id": 2}])
    assert table.sql("SELECT * FROM this WHERE id = 1").dicts() == [row]
    assert table.sql("SELECT count(name) FROM this").rows() == [(1,)]


def test_a_table_as_it_was_is_not_written(table: Table) -> None:
    table.append([{"id": 1}])
    past = table.at(version=0)
    for write in (
        lambda: past.append([{"id": 2}]), lambda: past.merge([{"id": 2}], on=["id"]),
        lambda: past.restore(0), past.maintain, lambda: past.ignore("x"),
    ):  # fmt: skip
        with pytest.raises(PastVersionError, match=r"s\.t as it was at version 0.*was not done"):
            write()
    assert (ids(table), table.version) == ([1], 1)


def test_one_column_to_merge_on_may_stand_alone(table: Table) -> None:
    table.append([{"id": 1, "name": "a"}])
    table.merge([{"id": 1, "name": "b"}, {"id": 2}], on="id")
    assert table.sql("SELECT id, name FROM this ORDER BY id").rows() == [(1, "b"), (2, None)]
    with pytest.raises(SchemaError, match="no column 'idd' to merge on"):
        table.merge([{"id": 1}], on="idd")
    with pytest.raises(CommandError, match="nothing was merged"):
        table.merge([{"id": 1}], on=[])


@pytest.mark.parametrize(
    "make",
    [
        lambda: polars.DataFrame({"id": [1, 2], "name": ["a", "b"]}),
        lambda: pandas.DataFrame({"id": [1, 2], "name": ["a", "b"]}),
        lambda: pyarrow.table({"id": [1, 2], "name": ["a", "b"]}),
        lambda: iter(pyarrow.table({"id": [1, 2], "name": ["a", "b"]}).to_batches()),
        lambda: pyarrow.table({"id": pyarrow.array([1, 2], pyarrow.int32()), "name": ["a", "b"]}),
    ],
)
def test_frames_of_every_make(table: Table, make) -> None:
    table.append(make())
    assert table.sql("SELECT id, name FROM this ORDER BY id").rows() == [(1, "a"), (2, "b")]


def test_polars_columns_of_nothing_but_null(ws: Workspace) -> None:
    """Polars hands NULLs over in a way that no reader of Arrow takes."""
    ws.sql("CREATE TABLE s.n (id BIGINT, x STRING, st STRUCT<a: INT>, l ARRAY<DOUBLE>)")
    frame = polars.DataFrame({"id": [1], "x": [None], "st": [{"a": None}], "l": [[]]})
    ws.table("s.n").append(frame)
    ws.table("s.n").merge(frame.with_columns(id=polars.lit(2)), on="id")
    rows = ws.sql("SELECT * FROM s.n ORDER BY id").rows()
    assert rows == [(1, None, {"a": None}, []), (2, None, {"a": None}, [])]


def test_a_result_is_a_frame(ws: Workspace, table: Table) -> None:
    table.append(ws.sql("SELECT CAST(7 AS BIGINT) AS id"))
    table.append(ws.sql("SELECT 8::BIGINT AS id", dialect="duckdb").relation)
    assert ids(table) == [7, 8]


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        ([{"id": "1"}], "id is BIGINT"),
        ([{"id": True}], "id is BIGINT"),
        ([{"id": 2**63}], "id is BIGINT"),
        ([{"id": 1, "score": "1.5"}], "score is DOUBLE"),
        ([{"id": 1, "ts": dt.datetime(2026, 1, 2)}], "ts is TIMESTAMP"),
        ([{"id": 1, "nmae": "x"}], "did you mean 'name'"),
        ([{"id": 1, "st": {"b": 1}}], "no field 'b'"),
        (polars.DataFrame({"id": ["1"]}), "the data is STRING"),
        (polars.DataFrame({"id": [1.0]}), "the data is DOUBLE"),
        (polars.DataFrame({"id": [1], "score": [2**60]}), "the data is BIGINT"),
        ({"id": 1}, "put it into a list"),
        (5, "is no frame"),
        (iter([1]), "no Arrow batches"),
    ],
)
def test_what_does_not_fit_is_refused(table: Table, frame, says: str) -> None:
    with pytest.raises(SchemaError, match=says):
        table.append(frame)
    assert ids(table) == []


def test_a_broken_constraint_writes_nothing(table: Table) -> None:
    with pytest.raises(ConstraintError):
        table.append([{"id": 1}, {"name": "no id"}])
    assert ids(table) == []


def test_merge_in_every_way(table: Table) -> None:
    table.append([{"id": 1, "name": "a"}, {"id": 2, "name": "b"}])
    outcome = table.merge([{"id": 2, "name": "B"}, {"id": 3, "name": "c"}], on=["id"])
    assert (outcome.inserted, outcome.updated, outcome.deleted) == (1, 1, 0)
    assert table.sql("SELECT id, name FROM this ORDER BY id").rows() == [
        (1, "a"),
        (2, "B"),
        (3, "c"),
    ]
    outcome = table.merge([{"id": 2}], on=["id"], when_matched="delete", when_not_matched="ignore")
    assert (outcome.deleted, ids(table)) == (1, [1, 3])
    table.merge([{"id": 3, "name": "C"}], on=["id"], when_matched="keep", when_missing="delete")
    assert table.sql("SELECT id, name FROM this").rows() == [(3, "c")]


def test_merge_refuses_what_is_not_clear(table: Table) -> None:
    table.append([{"id": 1}])
    with pytest.raises(SqlError, match="several source rows"):
        table.merge([{"id": 1, "name": "a"}, {"id": 1, "name": "b"}], on=["id"])
    with pytest.raises(SchemaError, match="did you mean 'id'"):
        table.merge([{"id": 1}], on=["idd"])
    with pytest.raises(CommandError):
        table.merge([{"id": 1}], on=["id"], when_matched="perhaps")


def test_changes_leave_out_rows_that_only_moved(table: Table) -> None:
    table.append([{"id": n, "name": "x"} for n in range(5)])
    table.merge([{"id": 3, "name": "y"}], on=["id"])
    found = [(r["id"], r["name"], r["_change_type"]) for r in table.changes(since=1).dicts()]
    assert sorted(found) == [(3, "x", "delete"), (3, "y", "insert")]


def test_partition_values_with_special_characters_survive_a_merge(ws: Workspace) -> None:
    ws.lake.create(TableName("s", "p"), parse_columns("id BIGINT, p STRING"), partition_by=["p"])
    table = ws.table("s.p")
    odd = ["a b/c", "50%", "é", "x=y", "q?#"]
    table.append([{"id": n, "p": p} for n, p in enumerate(odd)])
    table.merge([{"id": 1, "p": "50%"}, {"id": 9, "p": "new one"}], on=["id"])
    wanted = [*enumerate(odd), (9, "new one")]
    assert table.sql("SELECT id, p FROM this ORDER BY id").rows() == wanted


def create(root: str) -> bool:
    try:
        lakelet.open(Path(root)).lake.create(TableName("s", "race"), parse_columns("id BIGINT"))
    except LakeletError:
        return False
    return True


def test_of_several_creators_one_wins(ws: Workspace) -> None:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(4, mp_context=spawn) as pool:
        won = list(pool.map(create, [str(ws.folder.root)] * 4))
    assert won.count(True) == 1
    assert ws.table("s.race").version == 0


def test_the_catalog_may_be_named_as_in_databricks(ws: Workspace) -> None:
    ws.sql("CREATE TABLE main.s.t AS SELECT 1 AS a")
    ws.sql("UPDATE spark_catalog.s.t SET a = a + 1")
    for query in (
        "SELECT * FROM main.s.t",
        "SELECT main.s.t.a FROM main.s.t",
        "SELECT t.a FROM hive_metastore.s.t JOIN s.t AS u ON t.a = u.a",
        "SELECT a FROM main.s.t@v1",
    ):
        assert ws.sql(query).rows() == [(2,)], query


def test_nanoseconds_that_are_whole_microseconds_are_taken(ws: Workspace) -> None:
    pd = pandas
    ws.sql("CREATE TABLE py.ns (wall TIMESTAMP_NTZ, moment TIMESTAMP)")

    def frame(text: str) -> pandas.DataFrame:
        return pd.DataFrame({
            "wall": pd.to_datetime([text, None]).astype("datetime64[ns]"),
            "moment": pd.to_datetime([text, None], utc=True).astype("datetime64[ns, UTC]"),
        })  # fmt: skip

    table = ws.table("py.ns")
    table.append(frame("2026-01-01 00:00:00.123456"))
    rows = table.sql("SELECT CAST(wall AS STRING), moment = TIMESTAMP'2026-01-01 00:00:00.123456Z' "
                     "FROM this WHERE wall IS NOT NULL").rows()  # fmt: skip
    assert rows == [("2026-01-01 00:00:00.123456", True)]
    with pytest.raises(SchemaError, match="the column wall has moments with fractions of a micro"):
        table.append(frame("2026-01-01 00:00:00.123456789"))
    merged = frame("2026-01-01 00:00:00.1234567")[["moment"]]
    with pytest.raises(SchemaError, match="the column moment has moments with fractions"):
        table.merge(merged, on="moment")
    # A wall clock is no moment until its zone is said, however finely it counts.
    walls = frame("2026-01-01")[["wall"]].rename(columns={"wall": "moment"})
    with pytest.raises(SchemaError, match="the data is TIMESTAMP_NTZ") as told:
        table.append(walls)
    assert "tz_localize" in str(told.value)
    assert table.version == 1
