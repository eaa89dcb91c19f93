"""A view refreshed from changes holds the rows its query gives: random queries, random changes."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import lakelet
from lakelet.lake import TableName
from lakelet.session import Workspace
from pipelines.writing import define

_COLUMNS = (
    "id BIGINT, k INT, g STRING, v BIGINT, m DECIMAL(10, 2), d DOUBLE, b BOOLEAN, xs ARRAY<INT>, "
    "s STRUCT<a: INT>"
)
_CONDITIONS = ("v > 0", "k IS NOT NULL", "g <> 'x'", "b", "m < 2 OR d > 0", "s.a % 2 = 0")
_VALUES = (
    "id", "k", "g", "v", "m", "d", "v + k AS w", "upper(g) AS u", "s.a AS a", "xs", "s",
    "CASE WHEN b THEN v ELSE -1 END AS c",
)  # fmt: skip
_KEYS = ("k", "g", "b", "k % 3 AS third", "upper(g) AS u", "s.a AS a", "coalesce(d, 0) AS z", "s")
_AGGREGATES = (
    "count(*) AS n", "count(v) AS nv", "sum(v) AS sv", "sum(m) AS sm", "sum(k) AS sk",
    "min(v) AS lo", "max(m) AS hi", "min(d) AS dlo", "max(d) AS dhi", "max(g) AS hg",
    "avg(v) AS av", "avg(m) AS am", "sum(d) AS sd", "count(DISTINCT g) AS ng",
    "sum(v) FILTER (WHERE b) AS fv", "count_if(b) AS nb", "sum(v) + count(*) AS both",
    "stddev(v) AS dev", "bool_or(b) AS some",
)  # fmt: skip
_SOURCES = (
    "s.t", "s.u", "tv", "(SELECT * FROM s.t WHERE v IS NOT NULL) AS q",
    "(SELECT * FROM s.t UNION ALL SELECT * FROM s.u) AS q",
    "(SELECT *, v AS extra FROM s.u) AS q",
)  # fmt: skip


@st.composite
def _rows(draw: st.DrawFn) -> str:
    items = ", ".join(draw(st.lists(st.sampled_from(_VALUES), min_size=1, max_size=4, unique=True)))
    if draw(st.integers(0, 6)) == 0:
        items = "*"
    where = draw(st.sampled_from(("", *(f" WHERE {c}" for c in _CONDITIONS))))
    source = draw(st.sampled_from(_SOURCES))
    if source in ("s.t", "s.u") and draw(st.integers(0, 4)) == 0:
        return f"SELECT id, x FROM {source} LATERAL VIEW explode(xs) e AS x{where}"
    if draw(st.integers(0, 4)) == 0:
        return f"WITH c AS (SELECT * FROM {source}{where}) SELECT {items} FROM c"
    return f"SELECT {items} FROM {source}{where}"


@st.composite
def _queries(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(("rows", "groups", "groups", "groups", "distinct", "union")))
    if kind == "rows":
        return draw(_rows())
    if kind == "distinct":
        return draw(_rows().filter(lambda text: text[:4] != "WITH")).replace(
            "SELECT", "SELECT DISTINCT", 1
        )
    if kind == "union":
        words = draw(st.sampled_from(("UNION", "UNION ALL")))
        items = draw(st.sampled_from(("id, g", "v", "k, d", "s, xs")))
        return f"SELECT {items} FROM s.t {words} SELECT {items} FROM tv"
    keys = draw(st.lists(st.sampled_from(_KEYS), max_size=2, unique=True))
    aggregates = draw(st.lists(st.sampled_from(_AGGREGATES), min_size=1, max_size=4, unique=True))
    source = draw(st.sampled_from(_SOURCES))
    where = draw(st.sampled_from(("", "", *(f" WHERE {c}" for c in _CONDITIONS))))
    having = draw(st.sampled_from(("", "", "", " HAVING count(*) > 1")))
    if not keys:
        aggregates = [
            one for one in aggregates if one[:3] in ("cou", "sum") and "+" not in one
        ] or ["count(*) AS n"]
        aggregates = [one for one in aggregates if "DISTINCT" not in one] or ["sum(v) AS sv"]
        return f"SELECT {', '.join(aggregates)} FROM {source}{where}"
    group = draw(st.sampled_from(("all", "numbers", "names")))
    by = {
        "all": "ALL",
        "numbers": ", ".join(str(n + 1) for n in range(len(keys))),
        "names": ", ".join(key.split(" AS ")[0] for key in keys),
    }[group]
    return f"SELECT {', '.join([*keys, *aggregates])} FROM {source}{where} GROUP BY {by}{having}"


_NUMBER = st.one_of(st.none(), st.integers(-3, 3))


@st.composite
def _row(draw: st.DrawFn) -> str:
    number = draw(_NUMBER)
    double = draw(
        st.sampled_from(("NULL", "0.5D", "-0.0D", "0.0D", "1e9D", "CAST('NaN' AS DOUBLE)"))
    )
    text = draw(st.sampled_from(("NULL", "'x'", "'y'", "''")))
    flag = draw(st.sampled_from(("NULL", "true", "false")))
    array = draw(st.sampled_from(("NULL", "array(1, 2)", "array(1, 1)")))
    null = "NULL" if number is None else str(number)
    decimal = "NULL" if number is None else f"{number}.25BD"
    key = draw(st.integers(0, 12))
    struct = draw(st.sampled_from(("NULL", "named_struct('a', 1)", "named_struct('a', 2)")))
    return (
        f"({key}, {draw(st.sampled_from(('NULL', '1', '2')))}, {text}, {null}, {decimal}, "
        f"{double}, {flag}, {array}, {struct})"
    )


@st.composite
def _change(draw: st.DrawFn) -> str:
    table = draw(st.sampled_from(("s.t", "s.u")))
    key = draw(st.integers(0, 12))
    kind = draw(st.sampled_from(("insert", "insert", "delete", "update", "merge", "optimize")))
    if kind == "insert":
        rows = draw(st.lists(_row(), min_size=1, max_size=4))
        return f"INSERT INTO {table} VALUES {', '.join(rows)}"
    if kind == "delete":
        return f"DELETE FROM {table} WHERE id {draw(st.sampled_from(('=', '>', '<')))} {key}"
    if kind == "update":
        what = draw(
            st.sampled_from(("v = v + 1", "g = 'x'", "v = NULL", "k = 2", "d = -d", "b = NULL"))
        )
        return f"UPDATE {table} SET {what} WHERE id <= {key}"
    if kind == "merge":
        return (
            f"MERGE INTO {table} AS a USING (SELECT {key} AS id) AS b ON a.id = b.id "
            "WHEN MATCHED THEN DELETE"
        )
    return f"OPTIMIZE {table}"


def _plain(value: object) -> object:
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else float(f"{value:.9g}") + 0.0
    if isinstance(value, list):
        return tuple(map(_plain, value))
    if isinstance(value, dict):
        return tuple((name, _plain(one)) for name, one in value.items())
    return value


def _held(ws: Workspace, query: str) -> Counter[tuple[object, ...]]:
    return Counter(tuple(map(_plain, row)) for row in ws.sql(query).rows())


@pytest.mark.parametrize("feed", [False, True], ids=["files", "feed"])
@given(
    queries=st.lists(_queries(), min_size=4, max_size=4, unique=True),
    changes=st.lists(st.lists(_change(), min_size=1, max_size=3), min_size=1, max_size=3),
    first=st.lists(_row(), max_size=8),
)
@settings(
    max_examples=12, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],

    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_a_refreshed_view_is_its_query(
    tmp_path_factory: pytest.TempPathFactory,
    feed: bool,
    queries: list[str],
    changes: list[list[str]],
    first: list[str],
) -> None:
    root: Path = tmp_path_factory.mktemp("random")
    lakelet.init(root)
    ws = lakelet.open(root)
    for table in ("s.t", "s.u"):
        ws.sql(f"CREATE TABLE {table} ({_COLUMNS})")
        if first:
            ws.sql(f"INSERT INTO {table} VALUES {', '.join(first)}")
    views = "".join(
        f"CREATE MATERIALIZED VIEW m{n} REFRESH POLICY INCREMENTAL AS {query};\n"
        for n, query in enumerate(queries)
    )
    define(ws, "CREATE TEMPORARY VIEW tv AS SELECT * FROM s.u WHERE id > 2;\n" + views)
    ws.update("p")
    for several in changes:
        for change in several:
            if feed and change.startswith(("DELETE", "UPDATE")):
                _by_delta_rs(ws, change)
            else:
                ws.sql(change)
        ws.update("p")
        for n, query in enumerate(queries):
            expected = _held(ws, query.replace("tv", "(SELECT * FROM s.u WHERE id > 2) AS tv"))
            assert _held(ws, f"SELECT * FROM p.m{n}") == expected, (query, several)


def _by_delta_rs(ws: Workspace, change: str) -> None:
    """The same change by delta-rs, which writes change files."""
    words = change.split()
    table = ws.lake.table(TableName.parse(words[2] if words[0] == "DELETE" else words[1]))
    condition = change.partition(" WHERE ")[2]
    if words[0] == "DELETE":
        table.open().delete(condition)
    else:
        column, value = change.partition(" SET ")[2].partition(" WHERE ")[0].split(" = ")
        table.open().update(predicate=condition, updates={column: value})
