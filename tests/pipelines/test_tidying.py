"""OPTIMIZE of what a pipeline reads changes no rows, so that no dataset runs for it."""

from __future__ import annotations

from lakelet.session import Workspace
from pipelines.writing import commits, define


def test_putting_files_together_is_no_change(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS a")
    ws.sql("INSERT INTO s.t VALUES (2)")
    define(
        ws,
        "CREATE STREAMING TABLE c AS SELECT a FROM STREAM s.t;"
        "CREATE STREAMING TABLE f AS SELECT a FROM STREAM c;"
        "CREATE MATERIALIZED VIEW m AS SELECT sum(a) AS a FROM s.t;"
        "CREATE MATERIALIZED VIEW n AS SELECT count(*) AS n FROM c;",
    )
    ws.update("p")
    ws.sql("INSERT INTO s.t VALUES (3)")
    ws.update("p")
    before = commits(ws)
    ws.sql("OPTIMIZE s.t")
    ws.sql("OPTIMIZE p.c")
    moved = commits(ws)
    assert all(moved[name] > before[name] for name in ("s.t", "p.c"))
    ws.table("s.t").maintain()
    before = commits(ws)
    assert {d.how for d in ws.plan("p").decisions} == {"skip"}
    assert ws.update("p").update is None
    assert commits(ws) == before
    ws.sql("INSERT INTO s.t VALUES (4)")
    ws.update("p")
    for table, rows in (("c", 4), ("f", 4)):
        assert ws.sql(f"SELECT count(*), sum(a) FROM p.{table}").rows() == [(rows, 10)]
    assert ws.sql("SELECT a FROM p.m").rows() == [(10,)]
    assert ws.sql("SELECT n FROM p.n").rows() == [(4,)]


def test_what_changes_columns_is_a_change(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS a")
    define(ws, "CREATE MATERIALIZED VIEW m AS SELECT * FROM s.t")
    ws.update("p")
    ws.sql("ALTER TABLE s.t ADD COLUMN b INT")
    assert [d.how for d in ws.plan("p").decisions] == ["full"]
    ws.update("p")
    assert ws.sql("SELECT * FROM p.m").rows() == [(1, None)]
