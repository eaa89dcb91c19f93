"""Differences between versions whose columns differ too."""

from __future__ import annotations

import pytest

from lakelet.errors import SchemaError
from lakelet.session import Workspace


def test_rows_show_the_columns_of_their_version(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT id, 'x' AS gone FROM range(2)")
    ws.sql("ALTER TABLE s.t DROP COLUMN gone")
    ws.sql("ALTER TABLE s.t ADD COLUMNS (n STRING)")
    ws.sql("INSERT INTO s.t VALUES (1, 'twice'), (7, 'new')")
    found = ws.table("s.t").diff(0, 3)
    assert found.columns == ["n was added (STRING)", "gone was removed"]
    assert (found.names, found.added_names, found.removed_names) == (
        ["id"], ["id", "n"], ["id", "gone"],
    )  # fmt: skip
    assert (found.added, found.removed) == (2, 0)
    added = sorted(found.as_dict()["added"], key=lambda row: row["id"])
    assert [row["id"] for row in added] == [1, 7]
    assert added[1] == {"id": 7, "n": "new"}
    back = ws.table("s.t").diff(3, 0)
    assert back.columns == ["gone was added (STRING)", "n was removed"]
    assert (back.added, back.removed) == (0, 2)


def test_versions_without_a_column_in_common(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS a")
    ws.sql("CREATE OR REPLACE TABLE s.t AS SELECT DATE '2026-01-02' AS b")
    found = ws.table("s.t").diff(0, 1)
    assert found.columns == ["b was added (DATE)", "a was removed"]
    assert (found.added, found.removed) == (1, 1)
    assert found.removed_rows() == [(1,)]


def test_a_column_of_another_type_is_compared_by_what_it_says(ws: Workspace) -> None:
    ws.sql("CREATE TABLE t.t (id INT, n BIGINT, d DATE)")
    ws.sql("INSERT INTO t.t VALUES (1, 5, DATE'2026-01-01'), (2, 7, NULL)")
    for change in ("n TYPE STRING", "d TYPE TIMESTAMP", "id TYPE BIGINT"):
        ws.sql(f"ALTER TABLE t.t ALTER COLUMN {change}")
    ws.sql("INSERT INTO t.t VALUES (3, 'n/a', NULL)")
    newest = ws.table("t.t").version
    there = ws.table("t.t").diff(1, newest)
    assert (there.added, there.removed) == (1, 0)
    assert there.added_rows() == [(3, "n/a", None)]
    back = ws.table("t.t").diff(newest, 1)
    assert (back.added, back.removed) == (0, 1)


def test_a_row_that_both_have_is_told_as_one_that_changed(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT id, id % 2 AS n, 'x' AS said FROM range(6)")
    ws.sql("UPDATE s.t SET said = NULL, n = 7 WHERE id = 3")
    ws.sql("DELETE FROM s.t WHERE id = 5")
    ws.sql("INSERT INTO s.t VALUES (9, 0, 'new')")
    pairs = ws.table("s.t").diff(0, 3).paired()
    assert pairs is not None
    assert (pairs.key, pairs.changed, pairs.added, pairs.removed) == (["id"], 1, 1, 1)
    (row,) = pairs.changed_rows()
    assert (row.before, row.after) == ((3, 1, "x"), (3, 7, None))
    assert row.changed == (False, True, True)
    assert (pairs.added_rows(), pairs.removed_rows()) == ([(9, 0, "new")], [(5, 1, "x")])


def test_no_key_is_guessed_of_values_that_happen_to_differ(ws: Workspace) -> None:
    # n is unique in the rows that differ, yet not in the table: it tells nothing.
    ws.sql("CREATE TABLE s.t (a STRING, n BIGINT)")
    ws.sql("INSERT INTO s.t VALUES ('x', 1), ('y', 1), ('z', 2)")
    ws.sql("UPDATE s.t SET a = 'Z' WHERE n = 2")
    ws.sql("INSERT INTO s.t VALUES ('w', 1)")
    found = ws.table("s.t").diff(1, 3)
    assert found.paired() is None
    pairs = found.paired("N")
    assert pairs is not None and (pairs.key, pairs.changed, pairs.added) == (["n"], 1, 1)


def test_a_key_that_tells_no_rows_apart_is_refused(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t (a BIGINT, b BIGINT, c BIGINT)")
    ws.sql("INSERT INTO s.t VALUES (1, 1, 1), (1, 2, 2), (NULL, 3, 3)")
    ws.sql("UPDATE s.t SET c = 9")
    found = ws.table("s.t").diff(1, 2)
    with pytest.raises(SchemaError, match="does not tell rows apart: 2 rows"):
        found.paired("a")
    with pytest.raises(SchemaError, match="not both versions have a column 'd'"):
        found.paired(["a", "d"])
    pairs = found.paired(["a", "b"])
    assert pairs is not None
    # Where a part of the key is missing nobody knows which row it is.
    assert (pairs.changed, pairs.added, pairs.removed) == (2, 1, 1)


def test_rows_are_paired_across_versions_with_other_columns_and_types(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT id, CAST(id AS INT) AS n, 'x' AS gone FROM range(3)")
    ws.sql("ALTER TABLE s.t DROP COLUMN gone")
    ws.sql("ALTER TABLE s.t ALTER COLUMN n TYPE STRING")
    ws.sql("ALTER TABLE s.t ADD COLUMNS (more STRING)")
    ws.sql("UPDATE s.t SET more = 'm', n = 'two' WHERE id = 2")
    pairs = ws.table("s.t").diff(0, 4).paired("id")
    assert pairs is not None and pairs.names == ["id", "n", "more", "gone"]
    (row,) = pairs.changed_rows()
    assert (row.before, row.after) == ((2, 2, None, "x"), (2, "two", "m", None))
    assert row.changed == (False, True, True, True)
