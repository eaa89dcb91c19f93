"""Differences between versions whose columns differ too."""

from __future__ import annotations

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
