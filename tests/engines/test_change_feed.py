"""The change feed tells every row that came or went, whatever the writer noted down."""

from __future__ import annotations

from collections import Counter

import pytest

from lakelet.lake import TableName
from lakelet.session import Workspace


@pytest.mark.parametrize(
    ("where", "value"),
    [("id <= 9", "'x'"), ("true", "CASE WHEN g = 'x' THEN 'y' ELSE 'x' END")],
    ids=["rows become alike", "rows change places"],
)
def test_an_update_by_delta_rs_is_told_in_full(ws: Workspace, where: str, value: str) -> None:
    ws.sql("CREATE TABLE s.t (id BIGINT, g STRING)")
    ws.sql("INSERT INTO s.t VALUES (1, 'x'), (1, 'x'), (1, 'y'), (2, NULL), (10, 'x')")
    before = Counter(ws.sql("SELECT * FROM s.t").rows())
    ws.lake.table(TableName.parse("s.t")).open().update(predicate=where, updates={"g": value})
    after = Counter(ws.sql("SELECT * FROM s.t").rows())
    rows = ws.table("s.t").changes(since=1).rows()
    told: Counter[tuple[object, ...]] = Counter()
    for row in rows:
        kind = str(row[2])
        assert kind in ("insert", "delete")
        told[tuple(row[:2])] += 1 if kind == "insert" else -1
    assert {row: n for row, n in told.items() if n} == {
        row: after[row] - before[row] for row in before | after if after[row] != before[row]
    }
    assert all(row[4] is not None for row in rows)
