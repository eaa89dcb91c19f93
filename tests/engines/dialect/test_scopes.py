"""A column's type is told only where the name can mean nothing else."""

from __future__ import annotations

import pytest

from lakelet.engines.dialect import translate_query
from lakelet.errors import SqlError

TABLES = {
    "a": [("id", "INTEGER"), ("n", "BIGINT"), ("st", "STRUCT(id VARCHAR)")],
    "b": [("id", "INTEGER"), ("n", "VARCHAR"), ("z", "DATE")],
}


def sql(text: str) -> str:
    return translate_query(text, columns=lambda table: TABLES.get(table.parts[-1])).sql


def known(item: str, rest: str) -> bool:
    """Whether the type of ``item + 1`` was known."""
    return "lk_" not in sql(f"SELECT {item} + 1 AS r FROM {rest}")


@pytest.mark.parametrize(
    ("item", "rest"),
    [
        ("n", "a"),
        ("N", "s.a AS x"),
        ("x.n", "a AS x JOIN b ON x.id = b.id"),
        ("id", "a JOIN b USING (id)"),
        ("v", "(SELECT n AS v FROM a) AS q"),
        ("q.v", "(SELECT n FROM a) AS q(v)"),
        ("n", "(SELECT * FROM a) AS q"),
        ("n", "(SELECT * EXCEPT (st) FROM a UNION ALL SELECT id, n FROM a) AS q"),
        ("c", "VALUES (1), (2) AS v(c)"),
    ],
)
def test_known(item: str, rest: str) -> None:
    assert known(item, rest)


@pytest.mark.parametrize(
    ("item", "rest"),
    [
        ("n", "a, b"),
        ("st.id", "a"),
        ("st.id", "a AS st"),
        ("n", "unknown"),
        ("n", "a, unknown"),
        ("q", "(SELECT explode(array(1)) AS q, id FROM a)"),
        ("v", "a LATERAL VIEW explode(array(1)) e AS v"),
        ("r", "(SELECT n AS r FROM unknown)"),
        ("(SELECT n FROM unknown)", "a"),
    ],
)
def test_not_known(item: str, rest: str) -> None:
    assert not known(item, rest)


def test_a_name_that_the_query_gives_away_is_not_known() -> None:
    assert "lk_" in sql("SELECT id AS n FROM a ORDER BY n + 1")
    assert "lk_" not in sql("SELECT n AS n FROM a ORDER BY n + 1")


def test_a_with_query_hides_a_table_only_after_it() -> None:
    assert "lk_" not in sql("WITH a AS (SELECT n FROM a) SELECT n + 1 FROM a")
    assert "lk_" in sql("WITH a AS (SELECT n FROM unknown) SELECT n + 1 FROM a")


def test_an_order_behind_a_union_does_not_look_outside() -> None:
    inner = "(SELECT z AS k FROM b UNION SELECT z FROM b ORDER BY n + 1 LIMIT 1)"
    assert "lk_" in sql(f"SELECT n FROM a WHERE EXISTS {inner}")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM a WHERE 1",
        "SELECT * FROM a WHERE id",
        "SELECT * FROM b WHERE n",
        "SELECT * FROM a WHERE NOT id",
        "SELECT * FROM a WHERE id > 1 AND n",
        "SELECT * FROM a JOIN b ON a.id",
        "SELECT count(*) FILTER (WHERE n) FROM a",
        "SELECT n FROM a GROUP BY n HAVING n",
        "SELECT CASE WHEN n THEN 1 END FROM a",
        "SELECT * FROM a JOIN b ON a.n = b.n",
        "SELECT n FROM a UNION ALL SELECT n FROM b",
    ],
)
def test_what_databricks_does_not_take_is_refused(text: str) -> None:
    with pytest.raises(SqlError, match=r"DATATYPE_MISMATCH|INCOMPATIBLE_COLUMN_TYPE"):
        sql(text)


def test_plain_dates_are_constants() -> None:
    assert "CAST('2026-01-31' AS DATE)" in sql("SELECT * FROM b WHERE z > '2026-01-31'")
    assert "lk_cast_date_text('2026-02-30')" in sql("SELECT * FROM b WHERE z > '2026-02-30'")
    assert "lk_cast_date_text('2026')" in sql("SELECT * FROM b WHERE z > '2026'")
