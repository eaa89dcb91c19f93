"""What depends on more than one row of a stream is refused; what does not is taken batch by batch."""

from __future__ import annotations

import pytest

from lakelet.errors import PipelineError
from lakelet.session import Workspace
from pipelines.writing import commits, define


@pytest.fixture
def tables(ws: Workspace) -> Workspace:
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS k, 10 AS v, array(1, 2) AS l")
    ws.sql("CREATE TABLE s.u AS SELECT 1 AS k, 'x' AS name")
    return ws


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("SELECT k, count(*) AS n FROM STREAM s.t GROUP BY k", "GROUP BY"),
        ("SELECT max(v) AS v FROM STREAM(s.t)", r"max\(\)"),
        ("SELECT DISTINCT k FROM STREAM s.t", "DISTINCT"),
        ("SELECT k FROM STREAM s.t LIMIT 5", "LIMIT"),
        ("SELECT k, row_number() OVER (ORDER BY v) AS n FROM STREAM s.t", r"a window \(OVER\)"),
        ("SELECT k FROM STREAM s.t QUALIFY row_number() OVER (ORDER BY v) = 1", "QUALIFY"),
        ("SELECT count(*) AS n FROM STREAM read_files('files/t')", r"count\(\)"),
        ("SELECT n + 1 AS n FROM (SELECT sum(v) AS n FROM STREAM s.t)", r"sum\(\)"),
        ("WITH a AS (SELECT * FROM STREAM s.t) SELECT DISTINCT k FROM a", "DISTINCT"),
        ("SELECT k FROM STREAM s.t UNION SELECT k FROM s.u", "UNION"),
        ("SELECT k FROM STREAM s.t EXCEPT SELECT k FROM s.u", "EXCEPT"),
        ("SELECT k FROM STREAM s.t UNION ALL SELECT k FROM s.u", "UNION ALL with what is not"),
        ("SELECT u.k FROM s.u AS u LEFT JOIN STREAM s.t AS t ON t.k = u.k", "an outer join"),
        ("SELECT u.k FROM STREAM s.t AS t FULL JOIN s.u AS u ON t.k = u.k", "an outer join"),
        ("SELECT k FROM s.u WHERE k IN (SELECT k FROM STREAM s.t)", "a subquery"),
        ("SELECT * FROM STREAM v", r"GROUP BY over STREAM in the view p\.v"),
    ],
)
def test_what_depends_on_several_rows_is_refused(tables: Workspace, query: str, what: str) -> None:
    view = "CREATE TEMPORARY VIEW v AS SELECT k, count(*) AS n FROM STREAM s.t GROUP BY k;"
    define(tables, f"{view}\nCREATE STREAMING TABLE c AS {query}")
    before = commits(tables)
    for act in (tables.plan, tables.update):
        with pytest.raises(PipelineError, match=rf"a\.sql:2: p\.c: {what}.*each batch") as refused:
            act("p")
        assert "MATERIALIZED VIEW" in str(refused.value)
    assert commits(tables) == before


def test_several_streams_in_one_query_are_refused(tables: Workspace) -> None:
    define(
        tables,
        "CREATE STREAMING TABLE c AS SELECT t.k FROM STREAM s.t AS t JOIN STREAM s.u AS u "
        "ON t.k = u.k",
    )
    with pytest.raises(PipelineError, match="reads several things with STREAM"):
        tables.plan("p")


@pytest.mark.parametrize(
    "text",
    [
        "CREATE MATERIALIZED VIEW m AS SELECT * FROM v",
        "CREATE STREAMING TABLE m AS SELECT t.k FROM STREAM s.t AS t JOIN v ON v.k = t.k",
    ],
)
def test_a_view_of_new_rows_is_read_as_a_stream(tables: Workspace, text: str) -> None:
    define(tables, f"CREATE TEMPORARY VIEW v AS SELECT * FROM STREAM s.t;\n{text}")
    for act in (tables.plan, tables.update):
        with pytest.raises(PipelineError, match=r"a\.sql:2: p\.m: the temporary view p\.v reads"):
            act("p")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT k FROM STREAM s.t WHERE v > (SELECT min(k) FROM s.u) ORDER BY v",
        "SELECT t.k FROM STREAM s.t AS t LEFT JOIN s.u AS u ON t.k = u.k",
        "SELECT t.k FROM s.u AS u JOIN STREAM s.t AS t ON t.k = u.k",
        "SELECT t.k FROM s.u AS u RIGHT JOIN STREAM s.t AS t ON t.k = u.k",
        "SELECT k FROM STREAM s.t LEFT SEMI JOIN s.u USING (k)",
        "SELECT t.k FROM STREAM s.t AS t JOIN (SELECT k, count(*) AS n FROM s.u GROUP BY k) AS u "
        "ON t.k = u.k",
        "WITH a AS (SELECT * FROM STREAM s.t) SELECT k FROM a",
    ],
)
def test_what_is_right_batch_by_batch_is_taken(tables: Workspace, query: str) -> None:
    define(tables, f"CREATE STREAMING TABLE c AS {query}")
    tables.update("p")
    tables.sql("INSERT INTO s.t VALUES (1, 20, array(3))")
    tables.update("p")
    assert tables.sql("SELECT k FROM p.c").rows() == [(1,), (1,)]


def test_a_flow_that_runs_once_may_aggregate(tables: Workspace) -> None:
    define(
        tables,
        "CREATE STREAMING TABLE c;"
        "CREATE FLOW old AS INSERT INTO ONCE c BY NAME SELECT k, sum(v) AS v FROM s.t GROUP BY k;"
        "CREATE FLOW new AS INSERT INTO c BY NAME SELECT k, CAST(v AS BIGINT) AS v FROM STREAM s.t;",
    )
    tables.update("p")
    assert tables.sql("SELECT k, v FROM p.c").rows() == [(1, 10), (1, 10)]
