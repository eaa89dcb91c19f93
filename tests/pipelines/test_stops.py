"""`plan` tells what would stop an update, and so does `update --dry-run`; nothing is done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lakelet.cli.app import cli
from lakelet.errors import CommandError, PipelineError
from lakelet.session import Workspace
from pipelines.writing import commits, define, put


def call(ws: Workspace, *args: str) -> Result:
    return CliRunner().invoke(cli, ["--workspace", str(ws.folder.root), *args])


def stops(ws: Workspace, **options: object) -> list[str]:
    return [stop.message for stop in ws.plan("p", **options).stops]  # type: ignore[arg-type]


def test_a_version_of_another_program(ws: Workspace) -> None:
    from deltalake import DeltaTable

    define(ws, "CREATE MATERIALIZED VIEW m AS SELECT id FROM range(3)")
    ws.update("p")
    assert stops(ws) == []
    DeltaTable(str(Path(ws.lake.root) / "p" / "m")).delete("id = 1")
    (told,) = stops(ws)
    with pytest.raises(PipelineError) as refused:
        ws.update("p")
    assert told == refused.value.message
    assert stops(ws, foreign="discard") == []
    before = commits(ws)
    done = call(ws, "plan", "p")
    assert done.exit_code == 1
    assert "An update would stop: another program committed version 2 (DELETE)" in done.output
    assert call(ws, "update", "p", "--dry-run", "--adopt").exit_code == 0
    done = call(ws, "update", "p", "--dry-run", "--json")
    assert done.exit_code == 1
    assert json.loads(done.output)["stops"][0]["error"] == told
    assert commits(ws) == before


def test_a_stream_whose_source_had_rows_changed(ws: Workspace) -> None:
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS a")
    define(
        ws,
        "CREATE STREAMING TABLE b AS SELECT a FROM STREAM s.t;"
        "CREATE STREAMING TABLE c AS SELECT a FROM STREAM b;",
    )
    ws.update("p")
    ws.sql("INSERT INTO s.t VALUES (2)")
    assert stops(ws) == []
    (told,) = stops(ws, full_refresh="b")
    assert "a.sql:1: p.c: the flow p.c reads p.b as a stream, and p.b is made anew" in told
    assert stops(ws, full_refresh=True) == []
    ws.sql("DELETE FROM s.t WHERE a = 1")
    (told,) = stops(ws)
    with pytest.raises(PipelineError) as stopped:
        ws.update("p")
    assert told == stopped.value.message
    assert "changed or taken away by DELETE in version 2" in told


def test_files_that_are_not_there(ws: Workspace) -> None:
    define(
        ws,
        "CREATE TEMPORARY VIEW v AS SELECT * FROM read_files('files/v');"
        "CREATE STREAMING TABLE t AS SELECT id FROM STREAM read_files('files/t');"
        "CREATE MATERIALIZED VIEW m AS SELECT * FROM v;",
    )
    told = stops(ws)
    assert [text.split(": ")[1] for text in told] == ["p.t", "p.v"]
    put(ws, "t/a.jsonl", {"id": 1})
    put(ws, "v/a.jsonl", {"id": 1})
    assert stops(ws) == []
    ws.update("p")


def test_a_full_refresh_that_would_lose_rows(ws: Workspace) -> None:
    define(ws, "CREATE STREAMING TABLE t AS SELECT id FROM STREAM read_files('files/t');")
    gone = put(ws, "t/a.jsonl", {"id": 1})
    put(ws, "t/b.jsonl", {"id": 2})
    ws.update("p")
    gone.unlink()
    assert stops(ws) == []
    assert "not there any more" in stops(ws, full_refresh=["t"])[0]
    assert stops(ws, full_refresh=["t"], even_if_lost=True) == []


def test_what_is_asked_is_checked(ws: Workspace) -> None:
    define(ws, "CREATE MATERIALIZED VIEW other AS SELECT 1 AS a")
    ws.update("p", only="other")
    assert ws.update("p", full_refresh=True).published
    with pytest.raises(CommandError, match="foreign='zzz' is not known"):
        ws.update("p", foreign="zzz")
    with pytest.raises(CommandError, match="only=3 does not name datasets"):
        ws.update("p", only=3)  # type: ignore[arg-type]
    with pytest.raises(CommandError, match=r"full_refresh=\[1\] does not name datasets"):
        ws.plan("p", full_refresh=[1])  # type: ignore[list-item]
