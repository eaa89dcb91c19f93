"""Calls inside calls are bound once each: what grew by powers took minutes six deep."""

from __future__ import annotations

import pytest

from lakelet.engines.dialect import translate_query
from lakelet.session import Workspace

DEEP = 6
ONCE = (
    ("substring({}, 1, 3)", "42"),
    ("concat({}, 'x')", "42" + "x" * DEEP),
    ("{} || id", "42" + "42" * DEEP),
    ("lpad({}, 5, '0')", "00042"),
    ("replace(initcap({}), 'a', 'b')", "42"),
    ("reverse({})", "42"),
    ("split({}, ',')[0]", "42"),
    ("concat_ws(',', {}, id)", ",".join(["42"] * (DEEP + 1))),
    ("cast(cast({} as int) as string)", "42"),
    ("cast(cast({} as double) + 1 as bigint)", 42 + DEEP),
    ("cast(cast({} as double) / 1 as string)", "42.0"),
    ("cast(round(cast({} as double), 2) as string)", "42.0"),
    ("cast(abs(cast({} as int)) as string)", "42"),
    ("cast(cast({} as decimal(10, 2)) as string)", "42.00"),
)
TIMES = (
    ("date_format(cast({} as timestamp), 'yyyy-MM-dd')", "2024-02-28"),
    ("cast(to_date({}) as string)", "2024-02-28"),
    ("cast(date_add(cast({} as date), 1) as string)", "2024-03-05"),
    ("cast(cast({} as date) + INTERVAL 1 DAY as string)", "2024-03-05"),
    ("cast(date_trunc('month', cast({} as timestamp)) as string)", "2024-02-01 00:00:00"),
    ("cast(add_months(cast({} as date), 1) as string)", "2024-08-28"),
)


def nested(call: str, inner: str) -> str:
    for _ in range(DEEP):
        inner = call.format(inner)
    return inner


@pytest.fixture
def one(ws: Workspace) -> Workspace:
    ws.sql("CREATE TABLE a.b AS SELECT 42L AS id, '2024-02-28' AS day")
    return ws


@pytest.mark.parametrize(("call", "value"), ONCE)
def test_numbers_and_text(one: Workspace, call: str, value: object) -> None:
    text = nested(call, "cast(id AS STRING)")
    assert one.sql(f"SELECT {text} FROM a.b").rows() == [(value,)]


@pytest.mark.parametrize(("call", "value"), TIMES)
def test_times(one: Workspace, call: str, value: object) -> None:
    assert one.sql(f"SELECT {nested(call, 'day')} FROM a.b").rows() == [(value,)]


def test_aggregates_windows_and_groups(one: Workspace) -> None:
    one.sql("INSERT INTO a.b VALUES (43L, '2024-02-29'), (44L, 'no date')")
    text = nested("cast(cast({} AS INT) AS STRING)", "cast(sum(id) AS STRING)")
    assert one.sql(f"SELECT {text} AS n FROM a.b").rows() == [("129",)]
    half = "cast(cast(substring(day, 9, 2) AS INT) % 2 AS STRING)"
    rows = one.sql(
        f"SELECT {half} AS half, concat(cast(count(*) AS STRING), {half}) AS n, "
        f"row_number() OVER (ORDER BY {half}) AS place FROM a.b WHERE id < 44 GROUP BY {half} "
        f"HAVING {half} IS NOT NULL ORDER BY half"
    ).rows()
    assert rows == [("0", "10", 1), ("1", "11", 2)]


def test_a_branch_that_is_not_taken_is_not_computed(one: Workspace) -> None:
    one.sql("INSERT INTO a.b VALUES (44L, 'no date')")
    day = "cast(cast(day AS DATE) AS STRING)"
    for text in (
        f"CASE WHEN id = 42 THEN {day} ELSE 'none' END",
        f"if(id = 42, {day}, 'none')",
        f"coalesce(CASE WHEN id = 44 THEN 'none' END, {day})",
    ):
        rows = one.sql(f"SELECT {text} FROM a.b ORDER BY id").rows()
        assert rows == [("2024-02-28",), ("none",)], text


def test_no_macro_takes_what_another_makes() -> None:
    """DuckDB would write the inner one out wherever the outer one names it."""
    written = translate_query("SELECT substring(substring(substring(s, 1, 2), 1, 2), 1, 2) FROM t")
    assert written.sql.count("lk_substring(") == 3
    assert "lk_substring(lk_" not in written.sql and written.sql.count("list_transform(") == 2


def typed(ws: Workspace) -> list[tuple[str, str]]:
    relation = ws.sql("SELECT * FROM a.c").relation
    return list(zip(relation.columns, map(str, relation.types), strict=True))


@pytest.fixture
def nested_columns(ws: Workspace) -> Workspace:
    ws.sql(
        "CREATE TABLE a.c AS SELECT named_struct('id', 5L, 'ts', '2024-01-02', 'In x', "
        "named_struct('d', 2.5e0), 'p', CAST(1.5 AS DECIMAL(3, 1))) AS payload, "
        "array(named_struct('n', 1), named_struct('n', 2)) AS parts, map('k', 1L) AS m, 7 AS id"
    )
    return ws


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("concat('x', payload.id)", "x5"), ("c.payload.id + 1", 6), ("PAYLOAD.ID + id", 12),
        ("cast(payload.`In x`.d AS STRING)", "2.5"), ("payload.p * 2 = 3", True),
        ("date_format(cast(payload.ts AS TIMESTAMP), 'yyyy')", "2024"),
        ("parts[1].n + 1", 3), ("m['k'] + 1", 2), ("m['no']", None),
        ("concat(concat(payload.ts, 'a'), cast(payload.id + 1 AS STRING))", "2024-01-02a6"),
    ],
)  # fmt: skip
def test_fields_elements_and_values(nested_columns: Workspace, text: str, value: object) -> None:
    assert nested_columns.sql(f"SELECT {text} FROM a.c").rows() == [(value,)]
    written = translate_query(
        f"SELECT {text} FROM a.c", columns=lambda _table: typed(nested_columns)
    )
    assert "lk_number(" not in written.sql and "lk_piece(" not in written.sql


def test_a_source_is_not_taken_for_a_column(nested_columns: Workspace) -> None:
    nested_columns.sql("CREATE TABLE a.d AS SELECT 'word' AS id")
    found = nested_columns.sql("SELECT payload.id || 'x' FROM a.d AS payload")
    assert found.rows() == [("wordx",)]
