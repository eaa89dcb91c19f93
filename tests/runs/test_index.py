"""The index of runs: lists, conditions, comparisons and SQL, without MLflow."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import subprocess
import sys
from typing import Any

import pytest

from lakelet.errors import CommandError, RunNotFoundError
from lakelet.runs.client import tracked_there
from lakelet.runs.place import database
from lakelet.session import Workspace
from lakelet.workspace.store import STORE_FILE, open_store

mlflow = pytest.importorskip("mlflow")


@pytest.fixture
def lab(ws: Workspace) -> Workspace:
    """Four runs in three folders, of two versions of a table."""
    ws.sql("CREATE TABLE gold.p AS SELECT 1 AS a")
    ws.sql("INSERT INTO gold.p VALUES (2)")
    for name, lr, version in (
        ("base/logistic", 0.1, 0), ("base/logistic", 0.2, 1), ("base/deep/net", 0.2, 1), ("loose", 3, 1),
    ):  # fmt: skip
        with ws.run(name, params={"lr": lr, "model": name.split("/")[-1]}) as run:
            ws.table("gold.p").at(version=version).rows()
            run.log(f1=lr * 2, step=1)
            run.log(f1=lr * 3, step=2)
    return ws


def names(ws: Workspace, *arguments: str, where: str = "") -> list[str]:
    return [run.full_name for run in ws.runs(*arguments, where=where)]


def test_folders_hold_what_is_in_them(lab: Workspace) -> None:
    assert names(lab) == ["runs/loose", "base/deep/net", "base/logistic", "base/logistic"]
    assert names(lab, "base") == ["base/deep/net", "base/logistic", "base/logistic"]
    assert names(lab, "base/deep/") == ["base/deep/net"]
    assert names(lab, "base/logistic") == ["base/logistic", "base/logistic"]
    assert names(lab, "bas") == []


def test_runs_are_sorted_by_what_was_told_of_them(lab: Workspace) -> None:
    with lab.run("base/none", params={"lr": "none"}):
        pass

    def sorted_by(sort: str, **more: Any) -> list[str]:
        return [run.name for run in lab.runs(sort=sort, **more)]

    assert sorted_by("metrics.f1") == ["loose", "net", "logistic", "logistic", "none"]
    assert sorted_by("metrics.f1", descending=False, limit=1) == ["logistic"]
    # 0.1 < 0.2 < 3: numbers, before what is none.
    assert sorted_by("params.lr")[0] == "loose" and sorted_by("params.lr")[-1] == "none"
    assert sorted_by("params.none") == sorted_by("started")
    assert sorted_by("started", descending=False) == sorted_by("started")[::-1]
    with pytest.raises(CommandError, match="not sorted by 'metrics'"):
        lab.runs(sort="metrics")


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("metrics.f1 > 0.5", ["runs/loose", "base/deep/net", "base/logistic"]),
        ("metrics.f1 > 0.5 and params.model = 'logistic'", ["base/logistic"]),
        ("metrics.f1 >= 9 or (params.model='net' and not status = FAILED)", ["runs/loose", "base/deep/net"]),
        ('inputs."gold.p" = 0', ["base/logistic"]),
        ("tags.`lakelet.python` like '3.%' and name != 'logistic'", ["runs/loose", "base/deep/net"]),
        ("params.lr = 3", ["runs/loose"]),
        ("attributes.status = 'FINISHED' AND seconds < 0", []),
    ],
)  # fmt: skip
def test_conditions(lab: Workspace, where: str, found: list[str]) -> None:
    assert names(lab, where=where) == found


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("metrix.f1 > 1", "did you mean metrics.f1"),
        ("metrics.f1 >", "a number is expected, at 'the end'"),
        ("metrics.f1 > 'a'", "a number is expected"),
        ("metrics.f1 > 1 metrics.f2 > 1", "and, or or the end is expected"),
        ("(metrics.f1 > 1", "a closing parenthesis"),
        ("metrics.f1 is 1", "=, !=, <"),
        ("params. = 1", "the name of one of the params"),
        ("'a' = 1", "a name such as metrics.f1"),
        ("name = )", "a value is expected"),
        ("'", "this is not understood"),
        ("(" * 3000, "more than 50 conditions in one another"),
        ("not " * 3000, "more than 50 conditions in one another"),
        (" and ".join(["metrics.f1 > 1"] * 900), "more than 300 conditions"),
    ],
)
def test_a_condition_that_is_none_is_told(lab: Workspace, where: str, told: str) -> None:
    with pytest.raises(CommandError, match=told):
        lab.runs(where=where)


def test_a_run_is_found_by_letters_of_its_id_and_by_name(lab: Workspace) -> None:
    newest, other = lab.runs("base/logistic")
    assert lab.run_record(newest.id[:8]).id == newest.id
    assert lab.run_record("base/logistic").id == newest.id
    assert lab.run_record("loose").name == "loose"
    assert [(r.id, v) for r, v in lab.runs_of_table("GOLD.P")][-1] == (other.id, [0])
    with pytest.raises(RunNotFoundError, match="there is no run nothing"):
        lab.run_record("nothing")
    with pytest.raises(RunNotFoundError, match="there is no run  "):
        lab.run_record("   ")


def test_only_what_differs(lab: Workspace) -> None:
    newest, other = lab.runs("base/logistic")
    found = lab.compare(newest.id, other.id)
    told = {(d.section, d.name): d.values for d in found.differences}
    assert set(told) == {("params", "lr"), ("metrics", "f1"), ("inputs", "gold.p")}
    assert told["inputs", "gold.p"] == ("version 1", "version 0")
    assert found.same["params"] == 1
    assert found.same["packages"] > 50
    three = lab.compare(newest.id, other.id, "loose")
    assert all(len(d.values) == 3 for d in three.differences)


def test_runs_are_tables_of_sql(lab: Workspace) -> None:
    rows = lab.sql(
        "SELECT r.name, i.version, r.params['lr'], r.metrics['f1'] FROM system.runs r "
        "JOIN system.run_inputs i ON i.run_id = r.id WHERE r.folder = 'base' ORDER BY r.started"
    ).rows()
    assert rows == [
        ("logistic", 0, "0.1", pytest.approx(0.3)),
        ("logistic", 1, "0.2", pytest.approx(0.6)),
    ]
    assert lab.sql("SELECT count(*), max(step) FROM system.metrics").rows() == [(8, 2)]
    assert lab.sql(
        "SELECT min(cpu_seconds) >= 0, min(peak_memory) > 0 FROM system.runs"
    ).rows() == [(True, True)]
    history = lab.metric_history("loose")["f1"]
    assert [(point.step, point.value) for point in history] == [(1, 6.0), (2, 9.0)]


def test_tables_of_an_empty_workspace(ws: Workspace) -> None:
    for name in ("runs", "metrics", "run_inputs"):
        assert ws.sql(f"SELECT * FROM system.{name}").rows() == []
    assert ws.runs() == []


def test_what_mlflow_and_its_own_page_change_is_seen(lab: Workspace) -> None:
    first = lab.runs("loose")[0]
    with tracked_there(lab.folder):
        client = mlflow.MlflowClient()
        client.log_metric(first.id, "late", float("nan"), step=7)
        client.set_tag(first.id, "note", "one")
        assert lab.run_record(first.id).tags["note"] == "one"
        assert math.isnan(lab.run_record(first.id).metrics["late"])
        client.update_run(first.id, name="renamed")
        client.delete_run(lab.runs("base/deep")[0].id)
        assert names(lab) == ["runs/renamed", "base/logistic", "base/logistic"]
        client.rename_experiment(client.get_experiment_by_name("base").experiment_id, "basis")
        assert names(lab, "basis") == ["basis/logistic", "basis/logistic"]
        # In its place: seen of the run itself, and of all when all tags are compared.
        client.set_tag(first.id, "note", "two")
        assert lab.runs("runs/renamed")[0].tags["note"] == "one"
        assert lab.run_record(first.id).tags["note"] == "two"
        client.set_tag(first.id, "note", "three")
        client.delete_tag(first.id, "lakelet.python")
        with open_store(lab.folder) as store:
            store.execute("UPDATE run_index SET state = json_set(state, '$.whole', 0)")
        lab.refresh_runs(complete=True)
        seen = lab.runs("runs/renamed")[0]
        assert (seen.tags["note"], "lakelet.python" in seen.tags) == ("three", False)


def test_a_run_of_mlflow_alone_is_a_run_too(lab: Workspace) -> None:
    with tracked_there(lab.folder), mlflow.start_run(run_name="bare"):
        mlflow.log_param("a", 1)
    bare = lab.run_record("Default/bare")
    assert (bare.params, bare.inputs, lab.run_details(bare.id).facts) == ({"a": "1"}, [], {})
    assert lab.compare(bare.id, "loose").differences


def test_the_index_is_made_anew_where_it_is_lost(lab: Workspace) -> None:
    before = lab.runs()
    (lab.folder.private / STORE_FILE).unlink()
    after = lab.runs()
    assert [(r.id, r.inputs, r.params) for r in after] == [
        (r.id, r.inputs, r.params) for r in before
    ]
    assert lab.run_details(after[0].id).packages["duckdb"]


def test_a_moved_workspace_finds_its_artifacts(lab: Workspace, tmp_path) -> None:
    import lakelet

    with lab.run("moved") as run:
        run.table([{"a": 1}], "t")
    lab.folder.root.rename(tmp_path / "elsewhere")
    there = lakelet.open(tmp_path / "elsewhere")
    assert "tables/t.parquet" in there.run_details(run.id).files


NO_MLFLOW = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("mlflow", "pandas", "sqlalchemy"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocked())
from lakelet.cli import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize("what", [["runs"], ["runs", "--json"], ["compare", "loose", "base/logistic"],
                                  ["sql", "SELECT * FROM system.runs"]])  # fmt: skip
def test_no_command_imports_mlflow(lab: Workspace, what: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_MLFLOW, *what], cwd=lab.folder.root, capture_output=True,
        text=True, check=False, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "loose" in done.stdout
    if "--json" in what:
        assert len(json.loads(done.stdout)) == 4


def test_nothing_is_copied_where_nothing_changed(lab: Workspace) -> None:
    lab.runs()
    connection = sqlite3.connect(lab.folder.private / STORE_FILE)
    before = connection.execute("PRAGMA data_version").fetchone()
    lab.refresh_runs()
    assert connection.execute("PRAGMA data_version").fetchone() == before
    connection.close()
    assert database(lab.folder).exists()
