"""A run whose process is killed keeps its pins, and MLflow is told of them."""

from __future__ import annotations

import json
import sqlite3

import pytest

from lakelet.runs.open_runs import killed_runs
from lakelet.runs.place import database
from lakelet.session import Workspace
from runs.processes import command, script, start

pytest.importorskip("mlflow")

KILLED = """
with ws.run("a/b", params={"lr": 1}) as run:
    ws.sql("SELECT * FROM gold.p VERSION AS OF 0").rows()
    ws.table("gold.p").rows()
    run.log(f1=0.5)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def lab(ws: Workspace) -> Workspace:
    ws.sql("CREATE TABLE gold.p AS SELECT 1 AS a")
    ws.sql("INSERT INTO gold.p VALUES (2)")
    return ws


def in_mlflow(ws: Workspace) -> list[tuple[str, str, int]]:
    connection = sqlite3.connect(database(ws.folder))
    try:
        return connection.execute(
            "SELECT r.name, r.status, (SELECT count(*) FROM inputs i WHERE "
            "i.destination_id = r.run_uuid) FROM runs r ORDER BY r.start_time"
        ).fetchall()
    finally:
        connection.close()


def test_the_pins_of_a_killed_run_are_kept_and_completed(lab: Workspace) -> None:
    assert start(script(lab, KILLED)).returncode == -9
    assert in_mlflow(lab) == [("b", "RUNNING", 0)]
    found = lab.runs()[0]
    assert (found.status, [i.version for i in found.inputs]) == ("KILLED", [0, 1])
    assert in_mlflow(lab) == [("b", "RUNNING", 0)], "looking at runs changes nothing in MLflow"

    listed = command(lab, "runs", "--json")
    run = json.loads(listed.stdout)[0]
    assert (run["status"], run["metrics"]) == ("KILLED", {"f1": 0.5})
    assert in_mlflow(lab) == [("b", "KILLED", 2)]
    assert [(i.name, i.version) for i in lab.runs()[0].inputs] == [("gold.p", 0), ("gold.p", 1)]
    assert killed_runs(lab.folder) == []
    assert list((lab.folder.private / "runs").iterdir()) == []
    assert lab.run_details(run["id"]).facts["machine"]


def test_the_next_run_completes_it_too(lab: Workspace) -> None:
    assert start(script(lab, KILLED)).returncode == -9
    with lab.run("next"):
        pass
    assert in_mlflow(lab) == [("b", "KILLED", 2), ("next", "FINISHED", 0)]


def test_a_run_that_goes_on_is_left_alone(lab: Workspace) -> None:
    with lab.run("a"):
        lab.sql("SELECT * FROM gold.p").rows()
        assert command(lab, "runs", "--json").returncode == 0
        assert in_mlflow(lab) == [("a", "RUNNING", 0)]
        assert lab.runs()[0].status == "RUNNING"
    assert in_mlflow(lab) == [("a", "FINISHED", 1)]


DYING = """
import lakelet.runs.{module} as module

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

{patch}
with ws.run("a/b") as run:
    ws.table("gold.p").rows()
"""


@pytest.mark.parametrize(
    ("module", "patch", "status", "pins"),
    [
        # Before the run's id is known here, before and after the pins are in MLflow.
        ("starting", "from lakelet.runs.open_runs import Entry; Entry.is_run = die", "KILLED", 0),
        ("starting", "module.log_pins = die", "FINISHED", 1),
        ("starting", "import mlflow; mlflow.end_run = die", "FINISHED", 1),
        ("starting", "module.let_go = die", "FINISHED", 1),
    ],
)
def test_a_kill_between_any_two_writes(
    lab: Workspace, module: str, patch: str, status: str, pins: int
) -> None:
    body = DYING.format(module=module, patch=patch)
    done = start(script(lab, body))
    assert done.returncode == -9, done.stderr
    assert command(lab, "runs").returncode == 0
    assert in_mlflow(lab) == [("b", status, pins)]
    assert killed_runs(lab.folder) == []


def test_what_cannot_be_completed_is_told_and_kept(lab: Workspace) -> None:
    assert start(script(lab, KILLED)).returncode == -9
    path = database(lab.folder)
    path.rename(path.with_name("aside.db"))
    path.write_bytes(b"no database" * 100)
    done = command(lab, "runs")
    assert "Traceback" not in done.stderr
    assert "MLflow's store" in done.stderr
    assert "file is not a database" in done.stderr
    path.unlink()
    path.with_name("aside.db").rename(path)
    assert command(lab, "runs").returncode == 0
    assert in_mlflow(lab) == [("b", "KILLED", 2)]
