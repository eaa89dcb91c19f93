"""INSERT, UPDATE and DELETE: the right rows, the right types, or nothing."""

from __future__ import annotations

import datetime as dt

import pytest

from engines.statements.rows import refused, rows, version
from lakelet.errors import ConstraintError, SchemaError, SqlError
from lakelet.session import Workspace


@pytest.fixture
def t(ws: Workspace) -> Workspace:
    ws.sql("CREATE TABLE b.t (id BIGINT, n INT, s STRING)")
    ws.sql("INSERT INTO b.t VALUES (1, 10, 'a'), (2, 20, 'b'), (3, NULL, NULL)")
    return ws


def everything(ws: Workspace) -> list[tuple]:
    return rows(ws, "SELECT id, n, s FROM b.t ORDER BY id, n")


def test_insert_counts_and_takes_columns_by_place_list_or_name(t: Workspace) -> None:
    assert t.sql("INSERT INTO b.t (s, id) VALUES ('c', 4)").rows() == [(1, 1)]
    t.sql("INSERT INTO TABLE b.t BY NAME SELECT 'd' AS S, 5 AS id")
    t.sql("INSERT INTO b.t SELECT id + 10, n, s FROM b.t WHERE id = 1;")
    t.sql("INSERT INTO b.t (WITH w AS (SELECT 6 AS x) SELECT x, x, 'w' FROM w)")
    assert everything(t)[3:] == [
        (4, None, "c"), (5, None, "d"), (6, 6, "w"), (11, 10, "a"),
    ]  # fmt: skip


def test_an_insert_of_nothing_commits_nothing(t: Workspace) -> None:
    assert t.sql("INSERT INTO b.t SELECT * FROM b.t WHERE false").rows() == [(0, 0)]
    assert version(t, "b.t") == 1


@pytest.mark.parametrize(
    ("text", "said", "error"),
    [
        ("VALUES (1, 2)", "3 columns are to be filled, the query gives 2", SchemaError),
        ("(id, n) VALUES (1)", "2 columns are to be filled", SchemaError),
        ("(id, id) VALUES (1, 2)", "named twice", SchemaError),
        ("(id, nn) VALUES (1, 2)", "did you mean 'n'", SchemaError),
        ("VALUES (1, '2', 'x')", "the column n is INT, the value is STRING", SchemaError),
        ("VALUES (1, DATE '2026-01-01', 'x')", "n is INT, the value is DATE", SchemaError),
        ("VALUES (1, true, 'x')", "n is INT, the value is BOOLEAN", SchemaError),
        ("VALUES (1, array(1), 'x')", "n is INT, the value is ARRAY<INT>", SchemaError),
        ("VALUES (1, 3000000000, 'x')", "3000000000 does not fit the column n", SqlError),
        ("SELECT 1, 1/0, 'x'", "DIVIDE_BY_ZERO", SqlError),
        ("PARTITION (id = 1) SELECT 1", "among the others", SqlError),
        ("DEFAULT VALUES", "no defaults", SqlError),
        ("SELECT * FROM b.nothing", "there is no table b.nothing", SqlError),
    ],
)
def test_an_insert_that_does_not_fit_changes_nothing(
    t: Workspace, text: str, said: str, error: type[Exception]
) -> None:
    kind = KeyError if "nothing" in text else error
    refused(t, f"INSERT INTO b.t {text}", said, error=kind)  # type: ignore[arg-type]
    assert version(t, "b.t") == 1


def test_values_become_their_columns_by_ansi_store_assignment(ws: Workspace) -> None:
    ws.sql(
        "CREATE TABLE b.k (i INT, d DOUBLE, m DECIMAL(5, 2), s STRING, day DATE, t TIMESTAMP, "
        "l ARRAY<BIGINT>, r STRUCT<a: BIGINT, b: STRING>, q MAP<STRING, DOUBLE>)"
    )
    ws.sql(
        "INSERT INTO b.k SELECT 2.9, 1, 1.005, 7, TIMESTAMP '2026-01-02 23:00:00', "
        "DATE '2026-01-03', array(1, 2), named_struct('b', 1, 'a', 2), map('k', 1)"
    )
    ((i, d, m, s, day, t, many, r, q),) = rows(ws, "SELECT * FROM b.k")
    assert (i, d, str(m), s) == (2, 1.0, "1.01", "7")
    assert (day, t) == (dt.date(2026, 1, 2), dt.datetime(2026, 1, 3, tzinfo=dt.UTC))
    assert (many, r, q) == ([1, 2], {"a": 2, "b": "1"}, {"k": 1.0})
    refused(ws, "INSERT INTO b.k (m) VALUES (1000)", "1000 does not fit the column m")
    refused(ws, "INSERT INTO b.k (r) VALUES (named_struct('a', 1))", "r is STRUCT")
    refused(ws, "INSERT INTO b.k (l) VALUES (array('x'))", "l is ARRAY<BIGINT>")


def test_overwrite_replaces_all_or_what_a_condition_names(t: Workspace) -> None:
    assert t.sql("INSERT INTO b.t REPLACE WHERE id <= 2 VALUES (2, 0, 'new')").rows() == [(1, 1)]
    assert everything(t) == [(2, 0, "new"), (3, None, None)]
    refused(t, "INSERT INTO b.t REPLACE WHERE id <= 2 VALUES (9, 0, 'x')",
            "1 of the new rows", error=ConstraintError)  # fmt: skip
    t.sql("INSERT OVERWRITE b.t SELECT id, n, 'o' FROM b.t WHERE id = 3")
    assert everything(t) == [(3, None, "o")]
    t.sql("INSERT OVERWRITE TABLE b.t SELECT * FROM b.t WHERE false")
    assert everything(t) == []
    assert len(rows(t, "SELECT * FROM b.t VERSION AS OF 1")) == 3


def test_update_changes_the_rows_meant_and_counts_them(t: Workspace) -> None:
    assert t.sql("UPDATE b.t SET n = n + 1, s = upper(s) WHERE id >= 2").rows() == [(2,)]
    assert everything(t) == [(1, 10, "a"), (2, 21, "B"), (3, None, None)]
    t.sql("UPDATE b.t AS x SET x.n = (SELECT max(y.id) FROM b.t AS y) WHERE x.n IS NULL")
    assert everything(t)[2] == (3, 3, None)
    assert t.sql("UPDATE b.t SET s = 'all'").rows() == [(3,)]
    assert t.sql("UPDATE b.t SET s = 'none' WHERE n > 100").rows() == [(0,)]
    assert version(t, "b.t") == 4


def test_delete_takes_rows_for_which_the_condition_is_true_only(t: Workspace) -> None:
    assert t.sql("DELETE FROM b.t WHERE n > 10").rows() == [(1,)]
    assert everything(t) == [(1, 10, "a"), (3, None, None)]
    assert t.sql("DELETE FROM b.t WHERE id IN (SELECT id FROM b.t WHERE s IS NULL)").rows() == [
        (1,)
    ]
    assert t.sql("DELETE FROM b.t").rows() == [(1,)]
    assert everything(t) == []
    assert len(rows(t, "SELECT * FROM b.t VERSION AS OF 1")) == 3
    t.sql("RESTORE TABLE b.t TO VERSION AS OF 1")
    t.sql("TRUNCATE TABLE b.t")
    assert everything(t) == []


def test_columns_called_like_our_own_names_do_not_disturb(ws: Workspace) -> None:
    ws.sql("CREATE TABLE b.w (clause INT, number INT, file STRING, row INT, n INT, x INT)")
    ws.sql("INSERT INTO b.w VALUES (1, 2, 'f', 4, 5, 6)")
    ws.sql("UPDATE b.w SET n = n + clause + number + row, file = concat(file, 'g') WHERE row = 4")
    ws.sql("MERGE INTO b.w p USING (SELECT 1 AS clause, 9 AS number, 4 AS row) s "
           "ON p.clause = s.clause WHEN MATCHED AND p.row = s.row THEN UPDATE SET "
           "number = s.number + p.number, x = s.clause")  # fmt: skip
    assert rows(ws, "SELECT * FROM b.w") == [(1, 11, "fg", 4, 12, 1)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("UPDATE b.t SET n = 'x'", "the column n is INT, the value is STRING"),
        ("UPDATE b.t SET m = 1", "has no column 'm'"),
        ("UPDATE b.t SET n = 1, n = 2", "named twice"),
        ("UPDATE b.t SET n = 1 WHERE id", "must be true or false"),
        ("UPDATE b.t SET n = 1 WHERE rand() < 0.5", "left to chance"),
        ("UPDATE b.t SET n = 5000000000 WHERE id = 1", "does not fit the column n"),
        ("UPDATE b.t SET n = 1 FROM b.u", "MERGE INTO"),
        ("UPDATE b.t n = 1", "SET is expected"),
        ("UPDATE t SET n = 1", "write schema.table"),
        ("DELETE b.t", "FROM is expected"),
        ("DELETE FROM b.t USING b.u", "WHERE EXISTS"),
        ("DELETE FROM b.t WHERE", "a condition is expected"),
        ("DELETE FROM delta.`/x/y` WHERE id = 1", "lakelet attach /x/y"),
    ],
)
def test_what_is_wrong_changes_nothing(t: Workspace, text: str, said: str) -> None:
    refused(t, text, said)
    assert version(t, "b.t") == 1


def test_generated_columns_follow_and_cannot_be_set(ws: Workspace) -> None:
    ws.sql("CREATE TABLE b.g (id BIGINT, twice BIGINT GENERATED ALWAYS AS (id * 2), s STRING)")
    ws.sql("INSERT INTO b.g VALUES (1, 'a')")
    ws.sql("UPDATE b.g SET id = 21")
    assert rows(ws, "SELECT id, twice, s FROM b.g") == [(21, 42, "a")]
    refused(ws, "UPDATE b.g SET twice = 1", "computed from others")
    refused(ws, "INSERT INTO b.g (id, twice) VALUES (1, 2)", "computed from others")


def test_append_only_tables_keep_their_rows(t: Workspace) -> None:
    t.sql("ALTER TABLE b.t SET TBLPROPERTIES ('delta.appendOnly' = 'true')")
    refused(t, "DELETE FROM b.t", "new rows only")
    refused(t, "INSERT OVERWRITE b.t VALUES (1, 1, 'x')", "new rows only")
    t.sql("INSERT INTO b.t VALUES (4, 4, 'd')")
    assert len(everything(t)) == 4


@pytest.mark.parametrize("dialect", ["databricks", "duckdb"])
def test_values_are_bound_in_both_dialects(t: Workspace, dialect: str) -> None:
    evil = "x'; DROP TABLE b.t --"
    t.sql("INSERT INTO b.t VALUES (?, ?, ?)", [7, 70, evil], dialect=dialect)
    assert rows(t, "SELECT s FROM b.t WHERE n = ?", [70], dialect=dialect) == [(evil,)]
    t.sql("UPDATE b.t SET n = :new WHERE s = :s", {"s": evil, "new": 71}, dialect=dialect)
    assert rows(t, "SELECT id FROM b.t WHERE n = :n", {"n": 71}, dialect=dialect) == [(7,)]
    refused(t, "DELETE FROM b.t WHERE id = ?", "1 ? marker and 0 values", dialect=dialect)
    refused(t, "DELETE FROM b.t WHERE id = :id", "the parameter :id has no value", dialect=dialect)
    t.sql("MERGE INTO b.t USING (SELECT ? AS id, ? AS n) AS s ON t.id = s.id "
          "WHEN MATCHED AND s.n = ? THEN DELETE", [7, 5, 5], dialect=dialect)  # fmt: skip
    assert len(everything(t)) == 3


def test_a_loaded_table_takes_rows_without_the_loaders_columns(ws: Workspace) -> None:
    (ws.folder.files / "a.jsonl").write_text('{"id": 1, "n": 2}\n')
    ws.load("files", into="b.loaded")
    ws.sql("INSERT INTO b.loaded VALUES (2, 3)")
    ws.sql("INSERT INTO b.loaded SELECT * FROM b.loaded WHERE id = 2")
    assert rows(ws, "SELECT id, n, _rescued_data FROM b.loaded ORDER BY id") == [
        (1, 2, None), (2, 3, None), (2, 3, None),
    ]  # fmt: skip
    for dialect in ("databricks", "duckdb"):
        listed = rows(ws, "SELECT table_name, kept FROM system.loaded_files", dialect=dialect)
        assert listed == [("b.loaded", 1)]
    refused(ws, "DELETE FROM system.loaded_files", "Lakelet writes itself")
