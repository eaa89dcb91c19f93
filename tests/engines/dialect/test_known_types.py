"""Where types are known, plain operators stand for macros: the same types, values and failures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakelet.engines.dialect import Translation, translate_query
from lakelet.errors import SqlError

COLUMNS = {
    "ti": "TINYINT", "si": "SMALLINT", "i": "INTEGER", "b": "BIGINT", "e": "DECIMAL(5,2)",
    "d": "DECIMAL(15,2)", "w": "DECIMAL(38,10)", "x": "DOUBLE", "f": "FLOAT", "s": "VARCHAR",
    "dt": "DATE", "ts": "TIMESTAMP WITH TIME ZONE", "tn": "TIMESTAMP", "bo": "BOOLEAN",
}  # fmt: skip
ROWS = [
    "1, 2, 3, 4, 1.25, 2.50, 3.0000000001, 1.5, 2.5, '12', DATE '2024-02-29', "
    "TIMESTAMPTZ '2024-02-29 12:00:00+00', TIMESTAMP '2024-02-29 12:00:00', true",
    "0, 0, 0, 0, 0, 0, 0, 0, 0, '', DATE '1970-01-01', "
    "TIMESTAMPTZ '1970-01-01 00:00:00+00', TIMESTAMP '1970-01-01 00:00:00', false",
    "-7, -7, -7, -7, -7.77, -7.77, -7.77, -7.77, -7.75, '-7', DATE '1969-12-31', "
    "TIMESTAMPTZ '1969-12-31 23:59:59+00', TIMESTAMP '1969-12-31 23:59:59', true",
    "127, 32767, 2147483647, 9223372036854775807, 999.99, 9999999999999.99, "
    "9999999999999999999999999999.9999999999, 1e308, 3e38, 'x', DATE '9999-12-31', "
    "TIMESTAMPTZ '9999-12-31 00:00:00+00', TIMESTAMP '9999-12-31 00:00:00', false",
    "-128, -32768, -2147483648, -9223372036854775808, -999.99, -9999999999999.99, "
    "-0.0000000005, 'nan', 'inf', ' 1.7 ', DATE '0001-01-01', "
    "TIMESTAMPTZ '0001-01-02 00:00:00+00', TIMESTAMP '0001-01-01 00:00:00', true",
    ", ".join(["NULL"] * len(COLUMNS)),
]
NUMBERS = [name for name, kind in COLUMNS.items() if kind[0] in "TSIBDF" and name not in
           {"s", "dt", "ts", "tn", "bo"}]  # fmt: skip
EXACT = [name for name in NUMBERS if name != "f"]
LITERALS = ["0", "1", "7", "100", "-3", "2147483647", "3000000000", "0.5", "100.00", "0.005",
            "1.5e0", "-2.75"]  # fmt: skip
DATES = ["'2024-02-29'", "'2024-02-30'", "'2024-2-9'", "'1969-12-31 23:59:59'", "'2024'", "'no'",
         "'2024-02-29T12:00:00'", "DATE '2024-02-29'", "TIMESTAMP '2024-02-29 12:00:00'",
         "TIMESTAMP_NTZ '1970-01-01 00:00:00'", "' 2024-02-29 '"]  # fmt: skip


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect(config={"threads": 1})
    made.execute("SET TimeZone = 'Europe/Berlin'")
    listed = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    made.execute(f"CREATE TABLE t (row INTEGER, {listed})")
    for number, values in enumerate(ROWS):
        made.execute(f"INSERT INTO t VALUES ({number}, {values})")
    return made


def answers(connection: duckdb.DuckDBPyConnection, found: Translation | None, row: int) -> Any:
    if found is None:
        return "fails"
    for macro in found.macros:
        connection.execute(macro)
    try:
        got = connection.execute(found.sql.replace("12345", str(row)))
        types = [str(column[1]) for column in got.description]
        return types, [[_plain(value) for value in line] for line in got.fetchall()]
    except duckdb.Error:
        return "fails"


def _plain(value: object) -> object:
    if isinstance(value, float):
        return "nan" if math.isnan(value) else f"{value:.15g}"
    return value


def translated(text: str, *, known: bool) -> Translation | None:
    columns = [("row", "INTEGER"), *COLUMNS.items()]
    try:
        return translate_query(text, columns=lambda _table: columns if known else None)
    except SqlError:
        return None


def same(
    connection: duckdb.DuckDBPyConnection, text: str, rows: Sequence[int] = range(len(ROWS))
) -> None:
    known, unknown = (translated(text, known=flag) for flag in (True, False))
    for row in rows:
        found, wanted = (answers(connection, one, row) for one in (known, unknown))
        assert found == wanted, f"{text}\nrow {row}\n{known}\n{unknown}"


def combined(leaves: st.SearchStrategy[str], most: int = 4) -> st.SearchStrategy[str]:
    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        operator = st.sampled_from(["+", "-", "*", "/", "%", "div"])
        return st.one_of(
            st.builds("({} {} {})".format, inner, operator, inner),
            st.builds("(- {})".format, inner),
            st.builds("CASE WHEN bo THEN {} ELSE {} END".format, inner, inner),
            st.builds("coalesce({}, {})".format, inner, inner),
            st.builds("CAST({} AS {})".format, inner,
                      st.sampled_from(["BIGINT", "DOUBLE", "DECIMAL(10,2)"])),
        )  # fmt: skip

    return st.recursive(leaves, larger, max_leaves=most)


LEAVES = st.sampled_from([*NUMBERS, *EXACT, *EXACT, *LITERALS])
EXPRESSIONS = combined(LEAVES)
SMALL = combined(LEAVES, most=2)
# Each example runs on every row, both ways; macros take long to bind.
some = settings(
    max_examples=40, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@some
@given(text=EXPRESSIONS)
def test_arithmetic(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    same(connection, f"SELECT {text} AS r FROM t WHERE row = 12345")


@settings(some, max_examples=14)
@given(text=SMALL, function=st.sampled_from(["sum", "avg", "min", "max", "count"]),
       distinct=st.sampled_from(["", "DISTINCT "]))  # fmt: skip
def test_aggregates(
    connection: duckdb.DuckDBPyConnection, text: str, function: str, distinct: str
) -> None:
    call = f"{function}({distinct}{text})"
    same(connection, f"SELECT {call} AS r, {call} / 3 AS q FROM t WHERE row <= 12345")


@some
@given(left=st.sampled_from(list(COLUMNS)), right=st.sampled_from([*LITERALS, *DATES, "'1'", "'1.7'", "'true'", "'x'", "NULL"]), operator=st.sampled_from(["=", "<", ">=", "<>", "<=>"]))  # fmt: skip
def test_comparisons(
    connection: duckdb.DuckDBPyConnection, left: str, right: str, operator: str
) -> None:
    same(connection, f"SELECT {left} {operator} {right} AS r, {left} IN ({right}) AS q, "
         f"{left} BETWEEN {right} AND {right} AS p FROM t WHERE row = 12345")  # fmt: skip


@settings(some, max_examples=14)
@given(text=SMALL, other=SMALL)
def test_types_go_through_subqueries(
    connection: duckdb.DuckDBPyConnection, text: str, other: str
) -> None:
    same(
        connection,
        f"WITH c AS (SELECT *, {text} AS v FROM t WHERE row <= 12345) SELECT sum(v) AS r, "
        f"avg(u.v * 2) AS q, (SELECT max({other}) FROM t AS z WHERE z.row = max(u.row)) AS p "
        "FROM (SELECT v, row FROM c UNION ALL SELECT v, row FROM c) AS u WHERE u.v <> 5",
        rows=(0, 3, 5),
    )
