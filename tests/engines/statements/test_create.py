"""CREATE TABLE in all its forms: one commit, exact types, nothing accepted that is not kept."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from conftest import make_workspace
from engines.statements.rows import refused, rows, version
from lakelet.errors import (
    ConstraintError,
    InvalidNameError,
    SchemaError,
    SqlError,
    TableExistsError,
)
from lakelet.lake.lake import DEFAULT_PROPERTIES
from lakelet.session import Workspace

FULL = """
CREATE TABLE b.people (
  id BIGINT NOT NULL COMMENT 'the key',
  name STRING,
  price DECIMAL(10, 2),
  born DATE,
  tags ARRAY<STRING>,
  place STRUCT<lat: DOUBLE, lon: DOUBLE>,
  twice BIGINT GENERATED ALWAYS AS (id * 2),
  CONSTRAINT positive CHECK (id > 0),
  CHECK (name <> '')
) USING DELTA
PARTITIONED BY (born)
COMMENT 'people''s table'
TBLPROPERTIES ('team' = 'research')
"""


def test_columns_constraints_comments_and_properties_are_kept(ws: Workspace) -> None:
    ws.sql(FULL)
    said = ws.table("b.people").describe()
    assert [(c["name"], c["type"]) for c in said["columns"]] == [
        ("id", "BIGINT"), ("name", "STRING"), ("price", "DECIMAL(10,2)"), ("born", "DATE"),
        ("tags", "ARRAY<STRING>"), ("place", "STRUCT<lat: DOUBLE, lon: DOUBLE>"),
        ("twice", "BIGINT"),
    ]  # fmt: skip
    assert said["columns"][0]["nullable"] is False
    assert said["columns"][0]["comment"] == "the key"
    assert said["constraints"] == {"positive": "`id` > 0", "check_2": "`name` <> ''"}
    assert said["comment"] == "people's table"
    assert said["partition_by"] == ["born"]
    assert said["properties"] == {**DEFAULT_PROPERTIES, "team": "research"}
    assert version(ws, "b.people") == 0


def test_what_was_declared_is_enforced(ws: Workspace) -> None:
    ws.sql(FULL)
    ws.sql(
        "INSERT INTO b.people VALUES (1, 'Ann', 1.25, DATE '2000-02-29', array('a', 'b'), "
        "named_struct('lat', 1.5D, 'lon', 2.5D))"
    )
    assert rows(ws, "SELECT * FROM b.people") == [
        (1, "Ann", Decimal("1.25"), dt.date(2000, 2, 29), ["a", "b"], {"lat": 1.5, "lon": 2.5}, 2)
    ]
    for broken in ("(0, 'x')", "(NULL, 'x')", "(2, '')"):
        refused(ws, f"INSERT INTO b.people (id, name) VALUES {broken}", error=ConstraintError)
    assert version(ws, "b.people") == 1


def test_a_table_that_is_there_is_kept_or_replaced_as_said(ws: Workspace) -> None:
    ws.sql("CREATE TABLE b.t (a INT)")
    ws.sql("INSERT INTO b.t VALUES (1)")
    refused(ws, "CREATE TABLE b.t (x STRING)", "OR REPLACE", error=TableExistsError)
    refused(ws, "CREATE TABLE b.t AS SELECT 1 AS x", "OR REPLACE", error=TableExistsError)
    ws.sql("CREATE TABLE IF NOT EXISTS b.t (x STRING)")
    assert rows(ws, "SELECT a FROM b.t") == [(1,)]
    ws.sql("CREATE OR REPLACE TABLE b.t (x STRING, y INT) PARTITIONED BY (x)")
    assert rows(ws, "SELECT x, y FROM b.t") == []
    assert rows(ws, "SELECT a FROM b.t VERSION AS OF 1") == [(1,)]
    assert version(ws, "b.t") == 2


def test_as_query_makes_table_and_rows_in_one_commit(ws: Workspace) -> None:
    ws.sql("CREATE TABLE b.s (id BIGINT, n INT)")
    ws.sql("INSERT INTO b.s VALUES (1, 10), (2, 20)")
    made = ws.sql("CREATE TABLE b.t COMMENT 'c' AS SELECT id, n * 2 AS n2, 'x' AS s FROM b.s")
    assert made.columns == ["num_affected_rows", "num_inserted_rows"]
    assert made.rows() == [(2, 2)]
    assert rows(ws, "SELECT * FROM b.t ORDER BY id") == [(1, 20, "x"), (2, 40, "x")]
    assert version(ws, "b.t") == 0
    assert ws.table("b.t").describe()["properties"] == DEFAULT_PROPERTIES
    ws.sql("CREATE OR REPLACE TABLE b.t PARTITIONED BY (k) AS SELECT n AS k, id FROM b.s")
    assert rows(ws, "SELECT k, id FROM b.t ORDER BY id") == [(10, 1), (20, 2)]
    assert version(ws, "b.t") == 1
    assert rows(ws, "SELECT s FROM b.t@v0 LIMIT 1") == [("x",)]


def test_a_table_may_be_replaced_by_what_is_read_from_it(ws: Workspace) -> None:
    ws.sql("CREATE TABLE b.t AS SELECT id FROM range(10)")
    ws.sql("CREATE OR REPLACE TABLE b.t AS SELECT sum(id) AS total FROM b.t")
    assert rows(ws, "SELECT total FROM b.t") == [(45,)]


def test_moments_keep_their_instant_in_every_zone(tmp_path) -> None:  # type: ignore[no-untyped-def]
    ws = make_workspace(tmp_path / "ws", "Europe/Berlin")
    ws.sql("CREATE TABLE b.t AS SELECT TIMESTAMP '2026-01-01 12:00:00' AS t, "
           "TIMESTAMP_NTZ '2026-01-01 12:00:00' AS w")  # fmt: skip
    kinds = [column.type.sql for column in ws.table("b.t").columns]
    assert kinds == ["TIMESTAMP", "TIMESTAMP_NTZ"]
    ((moment, wall),) = rows(ws, "SELECT t, w FROM b.t")
    assert moment == dt.datetime(2026, 1, 1, 11, tzinfo=dt.UTC)
    assert wall == dt.datetime(2026, 1, 1, 12)


def test_like_takes_the_columns_and_no_rows(ws: Workspace) -> None:
    ws.sql("CREATE TABLE b.s (id BIGINT NOT NULL, day DATE) PARTITIONED BY (day)")
    ws.sql("INSERT INTO b.s VALUES (1, DATE '2026-01-01')")
    ws.sql("CREATE TABLE b.t LIKE b.s")
    assert ws.table("b.t").columns == ws.table("b.s").columns
    assert ws.table("b.t").describe()["partition_by"] == ["day"]
    assert rows(ws, "SELECT * FROM b.t") == []


def test_a_dropped_name_goes_on_with_the_same_log(ws: Workspace) -> None:
    ws.sql("CREATE TABLE b.t AS SELECT 1 AS old")
    ws.sql("DROP TABLE b.t")
    ws.sql("CREATE TABLE b.t AS SELECT 2 AS new")
    assert rows(ws, "SELECT * FROM b.t") == [(2,)]
    assert rows(ws, "SELECT old FROM b.t VERSION AS OF 0") == [(1,)]
    assert version(ws, "b.t") == 1


@pytest.mark.parametrize(
    ("text", "said", "error"),
    [
        ("(id BIGINT GENERATED ALWAYS AS IDENTITY)", "uuid()", SqlError),
        ("(id BIGINT GENERATED BY DEFAULT AS IDENTITY)", "uuid()", SqlError),
        ("(id BIGINT) USING PARQUET", "USING DELTA", SqlError),
        ("(id BIGINT) LOCATION '/data/x'", "lakelet attach /data/x --name b.t", SqlError),
        ("(id BIGINT) CLUSTER BY (id)", "ZORDER BY", SqlError),
        ("(id BIGINT DEFAULT 1)", "DEFAULT", SqlError),
        ("(id BIGINT PRIMARY KEY)", "MERGE INTO", SqlError),
        ("(id BIGINT, PRIMARY KEY (id))", "MERGE INTO", SqlError),
        ("(id VARCHAR(10))", "use STRING", SqlError),
        ("(id BIGNIT)", "did you mean BIGINT", SchemaError),
        ("(id INT, ID INT)", "two columns", SchemaError),
        ("(`a b` INT)", "cannot name a column", InvalidNameError),
        ("(id INT) PARTITIONED BY (x)", "cannot partition", SchemaError),
        ("(id INT) PARTITIONED BY (id)", "a column must be left", SchemaError),
        ("(id INT) TBLPROPERTIES ('delta.columnMapping.mode' = 'name')", "refused", SqlError),
        ("(id INT) TBLPROPERTIES ('delta.enableExpiredLogCleanup' = 'true')", "maintain", SqlError),
        ("(id INT, CHECK (sqrt(id) > 1))", "sqrt() is refused", SqlError),
        ("(id INT, CHECK (id > 'x'))", "is refused", SqlError),
        ("(id INT, CHECK (idd > 1))", "did you mean 'id'", SchemaError),
        ("(t TIMESTAMP, d DATE GENERATED ALWAYS AS (CAST(t AS DATE)))", "is refused", SqlError),
        ("(id INT, g STRING GENERATED ALWAYS AS (id + 1))", "gives whole", SqlError),
        ("", "without columns", SqlError),
        ("(id INT) AS SELECT 1 AS id", "the query gives the columns", SqlError),
        ("AS SELECT NULL AS x", "CAST(NULL AS STRING)", SchemaError),
        ("AS SELECT 1 AS x, 2 AS X", "two columns", SchemaError),
        ("AS SELECT count(*) FROM range(3)", "cannot name a column", InvalidNameError),
        ("TBLPROPERTIES ('a' = 'b') AS SELECT 1 AS x", "SET TBLPROPERTIES", SchemaError),
    ],
)
def test_what_cannot_be_kept_is_refused_and_makes_nothing(
    ws: Workspace, text: str, said: str, error: type[Exception]
) -> None:
    refused(ws, f"CREATE TABLE b.t {text}", said, error=error)  # type: ignore[arg-type]
    assert list(ws.tables()) == []


def test_system_tables_are_nobodys_to_make(ws: Workspace) -> None:
    refused(ws, "CREATE TABLE system.x (a INT)", "Lakelet writes itself")
    refused(ws, "CREATE TABLE b.x__rejected (a INT)", "Lakelet writes itself")
    refused(ws, "CREATE SCHEMA system", "reserved")


def test_in_duckdbs_dialect_a_table_is_one_of_the_lake(ws: Workspace) -> None:
    ws.sql('CREATE TABLE b.t (a INTEGER, "when" TIMESTAMP, s VARCHAR)', dialect="duckdb")
    kinds = [column.type.sql for column in ws.table("b.t").columns]
    assert kinds == ["INT", "TIMESTAMP_NTZ", "STRING"]
    ws.sql("CREATE OR REPLACE TABLE b.t AS FROM range(3)", dialect="duckdb")
    assert rows(ws, "SELECT * FROM b.t ORDER BY 1") == [(0,), (1,), (2,)]
