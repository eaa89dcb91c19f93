"""A stream from another pipeline's table is refused where one from the own pipeline's is."""

from __future__ import annotations

import pytest

from lakelet.errors import PipelineError
from lakelet.session import Workspace
from pipelines.writing import define, put


def test_a_materialized_view(ws: Workspace) -> None:
    define(ws, "CREATE MATERIALIZED VIEW m AS SELECT 1 AS x", name="other")
    ws.update("other")
    define(ws, "CREATE STREAMING TABLE t AS SELECT * FROM STREAM other.m")
    with pytest.raises(PipelineError, match=r"a\.sql:1: .*a materialized view is replaced"):
        ws.plan("p")


def test_a_table_of_changes(ws: Workspace) -> None:
    put(ws, "ch/1.json", {"id": 1, "n": "a", "at": 1})
    define(
        ws,
        "CREATE STREAMING TABLE u; CREATE FLOW f AS AUTO CDC INTO u FROM STREAM "
        "read_files('files/ch') KEYS (id) SEQUENCE BY at COLUMNS (id, n) STORED AS SCD TYPE 1",
        name="other",
    )
    ws.update("other")
    define(ws, "CREATE STREAMING TABLE t AS SELECT id FROM STREAM other.u")
    with pytest.raises(PipelineError, match=r"a\.sql:1: .*are changed by AUTO CDC"):
        ws.plan("p")
    define(ws, "CREATE STREAMING TABLE t AS SELECT id FROM STREAM other.u WITH (readChangeFeed)")
    ws.update("p")
    assert ws.sql("SELECT id FROM p.t").rows() == [(1,)]
