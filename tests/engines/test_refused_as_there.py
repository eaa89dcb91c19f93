"""What Databricks refuses is refused here too, and nothing that it takes."""

from __future__ import annotations

import pytest

from lakelet.errors import SqlError
from lakelet.session import Workspace

REFUSED = [
    ("SELECT DECIMAL '1.10'", r"UNSUPPORTED_TYPED_LITERAL.*CAST\('1.10' AS DECIMAL.*1.10BD"),
    ("SELECT 1,\n numeric '1.1'", r"NUMERIC before a text.*line 2, column 2"),
    ("SELECT DECIMAL(10, 2) '1.10'", r"CAST\('1.10' AS DECIMAL\(10, 2\)\)"),
    ("SELECT INT '3'", r"CAST\('3' AS INT\)"),
    ("SELECT id AS y FROM s.t WHERE y = 1", r"UNRESOLVED_COLUMN.*WHERE knows no column y"),
    ("SELECT explode(arr) AS e FROM s.t WHERE e > 1", "WHERE knows no column e"),
    ("SELECT 1 AS x WHERE x = 1", "WHERE knows no column x"),
    ("SELECT (SELECT max(id) AS q FROM s.t WHERE q = 1)", "WHERE knows no column q"),
    ("SELECT lag(x) OVER () FROM s.t", r"function lag needs an order.*ORDER BY"),
    ("SELECT row_number() OVER (PARTITION BY x) FROM s.t", r"row_number\(\) needs an order"),
    ("SELECT lead(x) OVER w FROM s.t WINDOW w AS (PARTITION BY x)", "lead needs an order"),
    ("SELECT id, x, FROM s.t", r"comma and FROM \(line 1, column 13\)"),
    ("SELECT id,", "comma and the end"),
    ("SELECT 1e400", "INVALID_NUMERIC_LITERAL_RANGE.*1e400"),
    ("SELECT sequence(DATE '2026-01-03', DATE '2026-01-01', INTERVAL 1 DAY)", "leads away from"),
    ("SELECT sequence(DATE '2026-01-01', DATE '2026-03-01', INTERVAL 1 MONTH)", "by this step"),
    ("SELECT * FROM (SELECT 1 AS a, ) q", r"comma and \)"),
    ("SELECT id FROM s.t GROUP BY id, ORDER BY id", "comma and ORDER"),
]
TAKEN = [
    ("SELECT 1.10BD, 3L, DATE '2026-01-01' > DATE'2025-01-01', TIMESTAMP '2026-01-01' IS NULL", 1),
    ("SELECT CAST('1' AS INT) AS x, '3'::DECIMAL(3, 1) AS y, double(1), string(2)", 1),
    ("SELECT decimal FROM (SELECT 1 AS decimal) int WHERE int.decimal = 1", 1),
    ("SELECT id AS x FROM s.t WHERE x = 5", 1),
    ("SELECT id AS y FROM s.t WHERE exists(arr, y -> y > 3)", 1),
    ("SELECT id AS y FROM s.t WHERE id IN (SELECT y FROM (SELECT 1 AS y))", 1),
    ("SELECT id AS y FROM s.t a JOIN (SELECT 2 AS y) b ON a.id = b.y WHERE y = 2", 1),
    ("SELECT e AS z FROM s.t LATERAL VIEW explode(arr) v AS e WHERE e = 4", 1),
    ("SELECT x FROM s.t a WHERE EXISTS (SELECT a.id AS x FROM s.t b WHERE x = b.x)", 2),
    ("SELECT id AS y FROM s.t GROUP BY y HAVING y > 1", 1),
    ("SELECT sum(x) OVER (), first_value(x) OVER (), ntile(2) OVER (ORDER BY id) FROM s.t", 2),
    ("SELECT lag(x) OVER w FROM s.t WINDOW w AS (ORDER BY id)", 2),
    ("SELECT `from`, `from` FROM (SELECT 1 AS `from`);", 1),
]


@pytest.fixture
def table(ws: Workspace) -> Workspace:
    ws.sql(
        "CREATE TABLE s.t AS SELECT * FROM VALUES (1, 5, array(1)), (2, 6, array(4)) t(id, x, arr)"
    )
    return ws


@pytest.mark.parametrize(("query", "told"), REFUSED)
def test_refused(table: Workspace, query: str, told: str) -> None:
    with pytest.raises(SqlError, match=f"(?s){told}"):
        table.sql(query).rows()


def test_a_sequence_of_days(ws: Workspace) -> None:
    query = (
        "SELECT sequence(a, b), sequence(b, a), sequence(a, b, INTERVAL 2 DAYS) "
        "FROM VALUES (DATE '2026-02-27', DATE '2026-03-02'), (NULL, DATE '2026-03-02') t(a, b)"
    )
    (up, down, by_two), empty = ws.sql(query).rows()
    assert [str(day)[5:] for day in up] == ["02-27", "02-28", "03-01", "03-02"]
    assert down == up[::-1] and by_two == up[::2]
    assert empty == (None, None, None)


def test_the_root_of_a_cube_is_whole(ws: Workspace) -> None:
    query = "SELECT cbrt(27), cbrt(-27), cbrt(x) FROM VALUES (2.5), (NULL) t(x) ORDER BY x"
    roots = ws.sql(query).rows()
    assert roots[0] == (3.0, -3.0, None)
    assert roots[1] == (3.0, -3.0, pytest.approx(1.3572088082974532))


@pytest.mark.parametrize(("query", "rows"), TAKEN)
def test_taken(table: Workspace, query: str, rows: int) -> None:
    assert len(table.sql(query).rows()) == rows
