"""Whether a view is refreshed from what changed, what is said of it, and what it costs to touch."""

from __future__ import annotations

import pytest

from lakelet.errors import PipelineError, SqlError
from lakelet.lake import TableName
from lakelet.session import Workspace
from pipelines.writing import define, put

SUMS = "SELECT k, count(*) AS n, sum(v) AS s FROM s.t GROUP BY k"


@pytest.fixture
def table(ws: Workspace) -> Workspace:
    ws.sql(
        "CREATE TABLE s.t AS SELECT id, id % 50 AS k, id % 7 AS v, id / 4 AS d FROM range(2000000)"
    )
    return ws


def view(ws: Workspace, query: str, policy: str = "AUTO", more: str = "") -> None:
    define(ws, f"CREATE MATERIALIZED VIEW m {more} REFRESH POLICY {policy} AS {query};")


def updated(ws: Workspace) -> str:
    (report,) = ws.update("p").datasets
    return report.how


def is_its_query(ws: Workspace, query: str) -> bool:
    return sorted(ws.sql(query).rows()) == sorted(ws.sql("SELECT * FROM p.m").rows())


def note(ws: Workspace) -> tuple[str, str]:
    (decision,) = ws.plan("p").decisions
    return decision.how, str(decision.details.get("note", ""))


def test_the_cheaper_way_is_taken_and_told(table: Workspace) -> None:
    query = "SELECT id, v + 1 AS v FROM s.t WHERE k > 10"
    view(table, query)
    assert updated(table) == "full"
    table.sql("INSERT INTO s.t VALUES (-1, 20, 5, 0.5D)")
    how, why = note(table)
    assert how == "incremental"
    assert "for 1 row that came or went" in why
    assert updated(table) == "incremental"
    assert table.sql("SELECT v FROM p.m WHERE id = -1").rows() == [(6,)]
    newest, first = table.why("p", "m")
    assert (newest["how"], newest["kept"], first["how"]) == ("incremental", 1, "full")
    assert newest["saved_rows"] == 2_000_000
    assert newest["choice"].startswith("it goes by what changed")
    table.sql("UPDATE s.t SET v = v + 1")
    assert note(table)[0] == "full"
    assert updated(table) == "full"


def test_many_rows_of_few_keys_are_found_by_a_look_at_the_keys(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT id, id % 200000 AS k, id / 4 AS d FROM range(2000000)")
    query = "SELECT k, avg(d) AS mean FROM s.t GROUP BY k"
    view(ws, query)
    assert updated(ws) == "full"
    rows = "INSERT INTO s.t SELECT id, {} AS k, 0.5D FROM range(150000)"
    for keys, way, told in (
        ("id % 2000", "incremental", "it goes by what changed: "),
        ("id", "full", "it is computed whole, since it is cheaper so: "),
    ):
        ws.sql(rows.format(keys))
        how, said = note(ws)
        assert (how, "if that has few keys" in said) == ("incremental", True), said
        assert updated(ws) == way
        assert ws.why("p", "m")[0]["choice"].startswith(told)
        assert is_its_query(ws, query)


def test_what_was_saved_is_told_after_an_update_that_skips(table: Workspace) -> None:
    query = "SELECT id FROM s.t WHERE k > 10"
    define(
        table,
        f"CREATE MATERIALIZED VIEW m AS {query}; CREATE MATERIALIZED VIEW n AS SELECT 1 AS a;",
    )
    table.update("p")
    table.update("p", full_refresh=["n"])
    newest, first = table.why("p", "m")
    assert (newest["how"], first["how"]) == ("skip", "full")
    assert newest["saved_rows"] == first["kept"] > 0
    assert newest["saved_seconds"] == first["seconds"]


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("SELECT a.k FROM s.t AS a JOIN s.t AS b ON a.id = b.id", "joins tables"),
        ("SELECT k, now() AS at FROM s.t", "calls now()"),
        ("SELECT k, current_date AS at FROM s.t", "uses current_date"),
        ("SELECT id, uuid() AS u FROM s.t", "calls uuid()"),
        ("SELECT k FROM s.t LIMIT 3", "has LIMIT"),
        ("SELECT k, first(v) AS v FROM s.t GROUP BY k", "calls first()"),
        ("SELECT count(*) AS n FROM s.t GROUP BY k", "groups by k, which is not among"),
        ("SELECT k, row_number() OVER (ORDER BY id) AS n FROM s.t", "uses a window"),
        ("SELECT k FROM s.t WHERE id IN (SELECT id FROM s.t)", "subquery"),
        ("SELECT DISTINCT k FROM (SELECT DISTINCT k FROM s.t) AS q", "DISTINCT inside"),
        ("SELECT avg(v) AS a FROM s.t", "makes one value of all rows"),
    ],
)
def test_what_is_computed_whole_says_why(ws: Workspace, query: str, why: str) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT id, id % 5 AS k, id AS v FROM range(10)")
    view(ws, query)
    ws.update("p")
    ws.sql("INSERT INTO s.t VALUES (11, 1, 1)")
    how, said = note(ws)
    assert (how, why in said) == ("full", True), said
    assert updated(ws) == "full"
    view(ws, query, "INCREMENTAL")
    with pytest.raises(
        (PipelineError, SqlError), match="REFRESH POLICY INCREMENTAL cannot be kept"
    ):
        ws.plan("p", full_refresh=["m"])


def test_policies(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT id, id % 5 AS k, id AS v FROM range(10)")
    view(ws, SUMS, "INCREMENTAL STRICT")
    ws.update("p")
    ws.sql("INSERT INTO s.t VALUES (11, 1, 1)")
    assert updated(ws) == "incremental"
    assert is_its_query(ws, SUMS)
    ws.sql("INSERT INTO s.t VALUES (12, 1, 1)")
    view(ws, SUMS, "FULL")
    assert note(ws) == ("full", "it is computed whole, since it has REFRESH POLICY FULL")
    view(ws, SUMS, "INCREMENTAL STRICT")
    ws.sql("CREATE OR REPLACE TABLE s.t AS SELECT 1 AS id, 2 AS k, 3 AS v")
    with pytest.raises(PipelineError, match=r"STRICT cannot be kept: .* reads s\.t, which was"):
        ws.update("p")
    ws.update("p", full_refresh=["m"])
    assert is_its_query(ws, SUMS)
    define(ws, "CREATE TEMPORARY VIEW m REFRESH POLICY FULL AS SELECT 1 AS a;")
    with pytest.raises(SqlError, match="REFRESH POLICY is of materialized views"):
        ws.plan("p")


def test_only_the_files_with_rows_that_go_are_written_anew(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS id, 'a' AS g")
    view(ws, "SELECT id, g FROM s.t", "INCREMENTAL")
    ws.update("p")
    for number in range(2, 5):
        ws.sql(f"INSERT INTO s.t VALUES ({number}, 'a')")
        ws.update("p")
    name = TableName.parse("p.m")
    before = set(ws.lake.table(name).open().file_uris())
    assert len(before) == 4
    ws.sql("DELETE FROM s.t WHERE id = 3")
    assert updated(ws) == "incremental"
    after = set(ws.lake.table(name).open().file_uris())
    assert (len(before & after), len(after - before)) == (3, 0)
    assert is_its_query(ws, "SELECT id, g FROM s.t")


def test_many_small_files_are_put_together(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS id")
    view(ws, "SELECT id FROM s.t", "INCREMENTAL")
    ws.update("p")
    for number in range(2, 36):
        ws.sql(f"INSERT INTO s.t VALUES ({number})")
        ws.update("p")
    assert len(ws.lake.table(TableName.parse("p.m")).open().file_uris()) < 5
    assert is_its_query(ws, "SELECT id FROM s.t")


def test_expectations_hold_for_what_is_added(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS id, 5 AS v")
    rule = "(CONSTRAINT small EXPECT (v < 10) ON VIOLATION DROP ROW)"
    view(ws, "SELECT id, v FROM s.t", "INCREMENTAL", rule)
    ws.update("p")
    ws.sql("INSERT INTO s.t VALUES (2, 50), (3, 6)")
    assert updated(ws) == "incremental"
    assert sorted(ws.sql("SELECT id FROM p.m").rows()) == [(1,), (3,)]
    assert ws.sql("SELECT record FROM p.m__rejected").rows() == [('{"id":2,"v":50}',)]
    ws.sql("DELETE FROM s.t WHERE id = 2")
    assert updated(ws) == "full", "a rejected row has to be taken back"
    assert ws.sql("SELECT count(*) FROM p.m__rejected").rows() == [(0,)]


def test_views_upon_views_go_by_what_their_inputs_staged(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT id, id % 5 AS k, id AS v FROM range(100)")
    define(
        ws,
        "CREATE MATERIALIZED VIEW few REFRESH POLICY INCREMENTAL AS SELECT * FROM s.t WHERE v > 9;"
        "CREATE MATERIALIZED VIEW m REFRESH POLICY INCREMENTAL AS "
        "SELECT k, count(*) AS n, sum(v) AS s FROM few GROUP BY k;",
    )
    ws.update("p")
    for change in ("INSERT INTO s.t VALUES (100, 9, 77)", "DELETE FROM s.t WHERE k IN (3, 9)"):
        ws.sql(change)
        assert {d.how for d in ws.update("p").datasets} == {"incremental"}
        assert is_its_query(ws, SUMS.replace("s.t", "p.few"))


def test_a_view_over_structs_goes_by_what_the_same_update_brings(ws: Workspace) -> None:
    define(
        ws,
        "CREATE STREAMING TABLE r AS SELECT * FROM STREAM read_files('files/t');"
        "CREATE MATERIALIZED VIEW m REFRESH POLICY INCREMENTAL STRICT AS "
        "SELECT id, _metadata.file_path AS file FROM r;",
    )
    put(ws, "t/a.jsonl", {"id": 1, "in": {"some field": 1}})
    ws.update("p")
    put(ws, "t/b.jsonl", {"id": 2, "in": {"some field": 2}})
    assert [d.how for d in ws.update("p").datasets] == ["new rows", "incremental"]
    assert sorted(ws.sql("SELECT id FROM p.m").rows()) == [(1,), (2,)]
