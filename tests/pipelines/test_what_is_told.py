"""What is said of updates is true: why a step ran, what became of it, what was dropped or undone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lakelet.cli.app import cli
from lakelet.errors import PipelineError
from lakelet.pipelines import Event
from lakelet.session import Workspace, open_workspace
from pipelines.writing import define, put


def call(ws: Workspace, *args: str) -> Result:
    done = CliRunner().invoke(cli, ["--workspace", str(ws.folder.root), *args])
    assert done.exit_code == 0, done.output
    return done


def reason(ws: Workspace) -> str:
    return ws.plan("p").decisions[0].reason


@pytest.mark.parametrize(
    ("more", "query", "told"),
    [
        ("COMMENT 'two'", "SELECT 1 AS a", "comment changed"),
        ("(a INT) COMMENT 'one'", "SELECT 1 AS a", "columns changed"),
        ("COMMENT 'one' TBLPROPERTIES ('k' = 'v')", "SELECT 1 AS a", "property k changed"),
        ("(CONSTRAINT c EXPECT (a > 0)) COMMENT 'one'", "SELECT 1 AS a", "expectation c changed"),
        ("", "SELECT 2 AS a", "query and comment changed"),
        ("COMMENT 'one'", "SELECT 2 AS a", "query changed"),
    ],
)
def test_what_changed_is_named(ws: Workspace, more: str, query: str, told: str) -> None:
    define(ws, "CREATE MATERIALIZED VIEW m COMMENT 'one' AS SELECT 1 AS a")
    ws.update("p")
    define(ws, f"CREATE MATERIALIZED VIEW m {more} AS {query}")
    assert reason(ws) == told


def test_a_view_and_the_time_zone_are_named(ws: Workspace) -> None:
    text = (
        "CREATE MATERIALIZED VIEW m AS SELECT * FROM v; CREATE TEMPORARY VIEW v AS SELECT {} AS a"
    )
    define(ws, text.format(1))
    ws.update("p")
    define(ws, text.format(2))
    assert ws.plan("p").decisions[-1].reason == "view p.v changed"
    ws.update("p")
    toml = ws.folder.root / "lakelet.toml"
    toml.write_text(toml.read_text().replace('"UTC"', '"Europe/Berlin"'))
    ws = open_workspace(ws.folder.root)
    assert ws.plan("p").decisions[-1].reason == "time zone changed"


def test_steps_that_were_not_published_are_told_as_such(ws: Workspace) -> None:
    define(
        ws,
        "CREATE MATERIALIZED VIEW good AS SELECT 1 AS a;"
        "CREATE MATERIALIZED VIEW bad (CONSTRAINT c EXPECT (a > 1) ON VIOLATION FAIL UPDATE) "
        "AS SELECT id AS a FROM range(5);"
        "CREATE MATERIALIZED VIEW below AS SELECT * FROM bad;",
    )
    with pytest.raises(PipelineError):
        ws.update("p")
    told = {name: ws.why("p", name)[0] for name in ("good", "bad", "below")}
    states = {name: one["state"] for name, one in told.items()}
    assert states == {"good": "not published", "bad": "failed", "below": "blocked"}
    assert told["good"]["reason"].endswith("nothing of it was published, as the update failed")
    assert told["below"]["reason"].endswith("it did not run: p.bad failed")
    assert ": full, not published, 1 row" in call(ws, "why", "p", "good").output
    assert ": full, blocked\n" in call(ws, "why", "p", "below").output
    counted = "SELECT dataset, expectation, action, kept, broken FROM system.expectations"
    assert ws.sql(counted).rows() == [("p.bad", "c", "fail", 3, 2)]


def test_a_stopped_update_is_told_as_interrupted(ws: Workspace) -> None:
    define(ws, "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a")

    def stop(event: Event) -> None:
        if event.kind == "publishing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ws.update("p", listen=stop)
    (one,) = ws.updates("p")
    assert one["state"] == "interrupted"
    assert one["message"] == "stopped; what it had not published reads as before"
    assert ws.why("p", "m")[0]["state"] == "not published"
    ws.update("p")
    assert [u["state"] for u in ws.updates("p")] == ["published", "interrupted"]


def test_what_was_undone_and_shown_is_told(ws: Workspace) -> None:
    from deltalake import DeltaTable

    define(ws, "CREATE MATERIALIZED VIEW m AS SELECT id FROM range(3)")
    ws.update("p")
    place = str(Path(ws.lake.root) / "p" / "m")
    DeltaTable(place).delete("id = 1")
    done = call(ws, "update", "p", "--discard").output
    assert "p.m: what another program committed is undone." in done
    assert "nothing was committed" not in done
    DeltaTable(place).delete("id = 1")
    done = json.loads(call(ws, "update", "p", "--adopt", "--json").output)
    assert done["adopted"] == ["p.m"]


def test_what_was_dropped_is_told(ws: Workspace) -> None:
    define(
        ws,
        "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a; CREATE MATERIALIZED VIEW n AS SELECT 1 AS a",
    )
    ws.update("p")
    define(ws, "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a")
    done = call(ws, "update", "p", "--drop-abandoned").output
    assert "is published: 1 table dropped." in done
    assert "p.n is dropped; UNDROP TABLE p.n brings it back." in done
    assert "abandoned" not in done


def test_a_changed_file_is_told_by_an_update(ws: Workspace) -> None:
    define(ws, "CREATE STREAMING TABLE t AS SELECT * FROM STREAM read_files('files/t');")
    put(ws, "t/a.jsonl", {"id": 1})
    ws.update("p")
    put(ws, "t/a.jsonl", {"id": 1}, {"id": 2})
    done = call(ws, "update", "p").output
    assert "p.t: 1 file changed after being taken" in done
    put(ws, "t/b.jsonl", {"id": 3})
    assert ws.update("p").datasets[0].changed == ("files/t/a.jsonl",)
