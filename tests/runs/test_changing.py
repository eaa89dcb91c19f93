"""Runs are renamed, moved, tagged, put away and brought back, and MLflow knows."""

from __future__ import annotations

import json

import pytest

from lakelet.errors import CommandError, RunNotFoundError
from lakelet.runs.client import tracked_there
from lakelet.session import Workspace
from runs.processes import command

pytest.importorskip("mlflow")


@pytest.fixture
def lab(ws: Workspace) -> Workspace:
    ws.sql("CREATE TABLE gold.p AS SELECT 1 AS a")
    ws.sql("UPDATE gold.p SET a = 2")
    for version in (0, 0, 1):
        with ws.run("base/one", tags={"note": "x"}) as run:
            ws.table("gold.p").at(version=version).rows()
            run.log(f1=0.5)
            run.table([{"n": 1}], "counts")
    return ws


def names(ws: Workspace) -> list[str]:
    return [run.full_name for run in ws.runs(sort="started", descending=False)]


def test_a_run_gets_another_name_folder_and_tags(lab: Workspace) -> None:
    run = lab.runs()[0].id
    lab.rename_run(run, "two words")
    lab.move_run(run, "papers/first")
    lab.tag_run(run, {"reviewed": "yes", "note": "y"})
    lab.untag_run(run, ["reviewed"])
    assert names(lab) == ["base/one", "base/one", "papers/first/two words"]
    found = lab.run_record("papers/first/two words")
    assert found.id == run and found.tags["note"] == "y" and "reviewed" not in found.tags
    assert found.metrics == {"f1": 0.5}
    assert "tables/counts.parquet" in lab.run_details(run).files
    with tracked_there(lab.folder) as mlflow:
        told = mlflow.MlflowClient().get_run(run)
        assert told.info.run_name == "two words" and told.data.tags["note"] == "y"
        assert mlflow.MlflowClient().get_experiment(told.info.experiment_id).name == "papers/first"
    audit = lab.sql("SELECT action, before, after FROM system.audit WHERE action LIKE '% run'")
    told = [(row[0], json.loads(row[1])["folder"], json.loads(row[2])["folder"])
            for row in audit.rows()]  # fmt: skip
    assert told == [
        ("rename run", "base", "base"), ("move run", "base", "papers/first"),
        ("tag run", "papers/first", "papers/first"), ("untag run", "papers/first", "papers/first"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["", " ", "a/b", " a"])
def test_a_name_that_is_none_is_refused(lab: Workspace, name: str) -> None:
    with pytest.raises(CommandError, match="no name of a run"):
        lab.rename_run(lab.runs()[0].id, name)


def test_what_cannot_be_is_refused(lab: Workspace) -> None:
    run = lab.runs()[0].id
    for change, why in (
        (lambda: lab.tag_run(run, {"mlflow.runName": "x"}), "no tag that a person gives"),
        (lambda: lab.untag_run(run, ["nope"]), "has no tag 'nope'"),
        (lambda: lab.move_run(run, "base"), "is in base already"),
        (lambda: lab.move_run(run, "a//b"), "is no folder of runs"),
    ):
        with pytest.raises(CommandError, match=why):
            change()
    assert names(lab) == ["base/one"] * 3


def test_an_archived_run_holds_nothing_and_comes_back(lab: Workspace) -> None:
    last, second, _ = (run.id for run in lab.runs())
    # Two runs are pinned to version 0; version 1 is the newest, which stays anyway.
    assert lab.unpinned_by(second) == []
    (alone,) = lab.unpinned_by(last)
    assert (alone.table, alone.version, alone.bytes) == ("gold.p", 1, 0)
    lab.archive_run(second)
    assert len(names(lab)) == 2 and [one[0] for one in lab.archived_runs()] == [second]
    (first,) = [run.id for run in lab.runs() if run.id != last]
    (held,) = lab.unpinned_by(first)
    assert held.version == 0 and held.bytes > 0
    with pytest.raises(RunNotFoundError):
        lab.run_record(second)
    lab.restore_run(second[:10])
    assert len(names(lab)) == 3 and lab.archived_runs() == []
    with pytest.raises(RunNotFoundError, match="that was archived"):
        lab.restore_run(second)


def test_the_command_does_it(lab: Workspace) -> None:
    run = lab.runs()[0].id
    said = command(lab, "run", run[:8], "--rename", "two", "--tag", "a=b=c")
    assert said.returncode == 0, said.stderr
    assert f"base/two {run[:8]}, 2 tags, a=b=c, note=x." in said.stdout
    assert "Nothing was changed" in command(lab, "run", run, "--archive", "--dry-run").stdout
    assert "is archived" in command(lab, "run", run, "--archive").stdout
    assert run[:8] in command(lab, "runs", "--archived").stdout
    assert "is back" in command(lab, "run", run, "--restore").stdout
    assert command(lab, "run", run).returncode == 2
