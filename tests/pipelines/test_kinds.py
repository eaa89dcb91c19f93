"""A dataset that becomes one of another kind is made anew: no row is doubled, none lost silently."""

from __future__ import annotations

import pytest

from lakelet.errors import PipelineError
from lakelet.session import Workspace
from pipelines.writing import define, put

VIEW = "CREATE MATERIALIZED VIEW t AS SELECT id FROM read_files('files/t');"
STREAM = "CREATE STREAMING TABLE t AS SELECT id FROM STREAM read_files('files/t');"


def ids(ws: Workspace) -> list[int]:
    return sorted(row[0] for row in ws.sql("SELECT id FROM p.t").rows())


def decided(ws: Workspace) -> tuple[str, str]:
    (decision,) = ws.plan("p").decisions
    return decision.how, decision.reason


def test_a_view_over_files_becomes_a_streaming_table_and_a_view_again(ws: Workspace) -> None:
    put(ws, "t/a.jsonl", {"id": 1}, {"id": 2})
    define(ws, VIEW)
    ws.update("p")
    define(ws, STREAM)
    reason = "it was a materialized view and is a streaming table now: made anew"
    assert decided(ws) == ("full", reason)
    ws.update("p")
    assert ids(ws) == [1, 2]
    assert decided(ws) == ("skip", "nothing new")
    put(ws, "t/b.jsonl", {"id": 3})
    ws.update("p")
    assert ids(ws) == [1, 2, 3]
    define(ws, VIEW)
    assert decided(ws)[0] == "full"
    ws.update("p")
    assert ids(ws) == [1, 2, 3]
    define(ws, STREAM)
    ws.update("p")
    assert ids(ws) == [1, 2, 3]
    assert decided(ws) == ("skip", "nothing new")


def test_a_view_over_a_table_becomes_a_streaming_table(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS id")
    define(ws, "CREATE MATERIALIZED VIEW t AS SELECT id FROM s.t")
    ws.update("p")
    define(ws, "CREATE STREAMING TABLE t AS SELECT id FROM STREAM s.t")
    assert decided(ws)[0] == "full"
    ws.update("p")
    assert ids(ws) == [1]
    ws.sql("INSERT INTO s.t VALUES (2)")
    ws.update("p")
    assert ids(ws) == [1, 2]


def test_a_view_becomes_a_table_of_changes(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS id, 1 AS n")
    define(ws, "CREATE MATERIALIZED VIEW t AS SELECT id FROM s.t")
    ws.update("p")
    define(
        ws,
        "CREATE STREAMING TABLE t; CREATE FLOW f AS AUTO CDC INTO t FROM STREAM s.t "
        "KEYS (id) SEQUENCE BY n;",
    )
    ws.update("p")
    ws.sql("INSERT INTO s.t VALUES (1, 2), (2, 1)")
    ws.update("p")
    assert ids(ws) == [1, 2]


def test_rows_of_files_that_are_gone_are_not_lost_without_a_word(ws: Workspace) -> None:
    gone = put(ws, "t/a.jsonl", {"id": 1})
    put(ws, "t/b.jsonl", {"id": 2})
    define(ws, STREAM)
    ws.update("p")
    gone.unlink()
    define(ws, VIEW)
    with pytest.raises(PipelineError, match=r"1 file that is not there any more: .*a\.jsonl"):
        ws.update("p")
    assert ids(ws) == [1, 2]
    ws.update("p", even_if_lost=True)
    assert ids(ws) == [2]


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ("STREAM read_files('files/t')", "STREAM s.t", "took new files until now"),
        ("STREAM s.t", "STREAM read_files('files/t')", "took rows of a table until now"),
        ("STREAM s.t", "STREAM s.u", r"took rows of s\.t as a stream, .* means s\.u now"),
    ],
)
def test_a_flow_does_not_go_on_in_another_source(
    ws: Workspace, before: str, now: str, told: str
) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT 1L AS id")
    ws.sql("CREATE TABLE s.u AS SELECT 1L AS id")
    put(ws, "t/a.jsonl", {"id": 1})
    define(ws, f"CREATE STREAMING TABLE t AS SELECT id FROM {before}")
    ws.update("p")
    define(ws, f"CREATE STREAMING TABLE t AS SELECT id FROM {now}")
    with pytest.raises(PipelineError, match=rf"a\.sql:1: p\.t: the flow p\.t {told}"):
        ws.update("p")
    assert ids(ws) == [1]
    ws.update("p", full_refresh=True)
    assert ids(ws) == [1]
    assert ws.update("p").update is None
