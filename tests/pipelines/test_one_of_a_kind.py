"""One row, one file, one table: what is told of a single thing says so."""

from __future__ import annotations

import pytest

from lakelet.errors import ChangedFileError, PipelineError, SchemaError
from lakelet.session import Workspace
from pipelines.writing import define, put


def test_of_an_update(ws: Workspace) -> None:
    put(ws, "raw/1.json", {"id": 1})
    define(ws, "CREATE STREAMING TABLE t AS SELECT id FROM STREAM read_files('files/raw')")
    ws.update("p")
    told = [event["message"] for event in ws.events(1)]
    assert {"1 row", "1 table"} <= set(told)


def test_of_a_broken_expectation(ws: Workspace) -> None:
    define(
        ws,
        "CREATE MATERIALIZED VIEW m (CONSTRAINT c EXPECT (x > 1) ON VIOLATION FAIL UPDATE) "
        "AS SELECT 1 AS x",
    )
    with pytest.raises(PipelineError, match="1 row of the first 1 breaks the expectation c"):
        ws.update("p")


def test_of_loads_and_statements(ws: Workspace) -> None:
    path = put(ws, "raw/1.json", {"id": 1, "s": "x"})
    ws.load("files/raw", into="s.t")
    path.write_text('{"id": 22, "s": "y"}\n')
    with pytest.raises(ChangedFileError, match=r"1 file changed .* s\.t, files/raw/1\.json; "):
        ws.load("files/raw", into="s.t", on_changed="fail")
    with pytest.raises(SchemaError, match="1 value of s would not survive"):
        ws.sql("ALTER TABLE s.t ALTER COLUMN s TYPE BIGINT")
