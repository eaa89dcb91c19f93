"""A run: MLflow's own, with what was read, the code, and what was logged."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

import lakelet
from lakelet.errors import CommandError, SchemaError, StorageError
from lakelet.runs.place import tracking_uri
from lakelet.runs.starting import RunWarning
from lakelet.session import Workspace

mlflow = pytest.importorskip("mlflow")


@pytest.fixture
def lab(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace that is a git repository and the current folder, with a table of two versions."""
    git(ws, "init", "-q", "-b", "main")
    (ws.folder.root / ".gitignore").write_text("lake/\n")
    git(ws, "add", ".")
    git(ws, "commit", "-q", "-m", "first")
    ws.sql("CREATE TABLE gold.p AS SELECT 1 AS a")
    ws.sql("INSERT INTO gold.p VALUES (2)")
    monkeypatch.chdir(ws.folder.root)
    monkeypatch.setattr(sys, "argv", [""])
    return ws


def git(ws: Workspace, *arguments: str) -> None:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, *arguments], cwd=ws.folder.root, check=True)


def stored(ws: Workspace, run_id: str):
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(tracking_uri(ws.folder))
    try:
        return mlflow.get_run(run_id)
    finally:
        mlflow.set_tracking_uri(before)


def inputs(run) -> list[tuple[str, str]]:
    return sorted(
        (i.dataset.name, i.dataset.digest.split("-")[0]) for i in run.inputs.dataset_inputs
    )


def test_a_run_is_mlflow_s_and_knows_what_it_read(lab: Workspace) -> None:
    (lab.folder.files / "a.jsonl").write_text('{"x": 1}\n')
    with lab.run(
        "baselines/small/logistic", params={"lr": 0.1, "model": {"depth": 3}}, seed=7
    ) as run:
        assert mlflow.active_run().info.run_id == run.id
        assert lab.table("gold.p").at(version=0).rows() == [(1,)]
        assert lab.sql("SELECT count(*) FROM gold.p").rows() == [(2,)]
        lab.sql("SELECT * FROM read_files('files/a.jsonl')").rows()
        with lab.open("files:a.jsonl") as file:
            file.read()
        mlflow.log_metric("theirs", 1.0)
        run.log(f1=0.5, step=1)
        run.log({"f1": 0.8, "val/loss": float("nan")}, step=2)
        chance = random.random()
    found = stored(lab, run.id)
    assert found.info.status == "FINISHED"
    assert found.data.params == {"lr": "0.1", "model.depth": "3", "seed": "7"}
    assert (found.data.metrics["f1"], found.data.metrics["theirs"]) == (0.8, 1.0)
    assert [name for name, _ in inputs(found)] == ["files/a.jsonl", "gold.p", "gold.p"]
    assert inputs(found)[1:] == [("gold.p", "v0"), ("gold.p", "v1")]
    assert found.data.tags["mlflow.runName"] == "logistic"
    assert len(found.data.tags["mlflow.source.git.commit"]) == 40
    assert mlflow.active_run() is None
    with lab.run("again", seed=7) as again:
        assert random.random() == chance
    assert lab.run_record(again.id).folder == "runs"


def test_what_was_read_can_be_loaded_from_mlflow_version_0_too(lab: Workspace) -> None:
    with lab.run("a") as run:
        lab.sql("SELECT * FROM gold.p VERSION AS OF 0").rows()
    one = stored(lab, run.id).inputs.dataset_inputs[0]
    assert mlflow.data.get_source(one).load().rows() == [(1,)]


def test_a_look_and_the_package_s_own_reads_are_no_inputs(lab: Workspace) -> None:
    with lab.run("a") as run:
        lab.table("gold.p").look("SELECT * FROM this").rows()
        lab.table("gold.p").summary()
        lab.updates()
    assert lab.run_record(run.id).inputs == []


def test_a_failure_marks_the_run_and_goes_on_as_itself(lab: Workspace) -> None:
    with pytest.raises(ZeroDivisionError), lab.run("a") as run:
        lab.sql("SELECT * FROM gold.p").rows()
        _ = 1 / 0
    found = stored(lab, run.id)
    assert (found.info.status, inputs(found)) == ("FAILED", [("gold.p", "v1")])
    with pytest.raises(KeyboardInterrupt), lab.run("a") as run:
        raise KeyboardInterrupt
    assert stored(lab, run.id).info.status == "KILLED"
    with pytest.raises(SystemExit), lab.run("a") as run:
        sys.exit(0)
    assert stored(lab, run.id).info.status == "FINISHED"


def test_runs_lie_in_one_another(lab: Workspace) -> None:
    with lab.run("sweep/all") as outer:
        with lab.run("sweep/one") as inner:
            lab.sql("SELECT * FROM gold.p").rows()
        assert mlflow.active_run().info.run_id == outer.id
    assert stored(lab, inner.id).data.tags["mlflow.parentRunId"] == outer.id
    assert inputs(stored(lab, outer.id)) == inputs(stored(lab, inner.id)) == [("gold.p", "v1")]


def test_code_that_is_not_committed_is_kept(lab: Workspace) -> None:
    root = lab.folder.root
    with (root / "lakelet.toml").open("a") as settings:
        settings.write("# changed\n")
    (root / "train.py").write_text("print('train')\n")
    (root / "weights.bin").write_bytes(bytes(2_000_000))
    with pytest.warns(RunWarning, match=r"weights\.bin: 2\.0 MB"), lab.run("a") as run:
        pass
    kept = lab.run_record(run.id).artifacts / "lakelet"
    assert "+# changed" in (kept / "changes.diff").read_text()
    assert (kept / "untracked" / "train.py").read_text() == "print('train')\n"
    assert not (kept / "untracked" / "weights.bin").exists()
    details = lab.run_details(run.id)
    assert details.untracked == ["train.py"]
    assert details.facts["code"]["left_out"] == ["weights.bin: 2.0 MB, and git does not track it"]
    assert details.facts["peak_memory"] > 1 << 20
    assert details.facts["cpu_seconds"] >= 0
    assert "duckdb" in details.packages


def test_figures_tables_and_models(lab: Workspace) -> None:
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt
    import polars as pl
    from sklearn.linear_model import LogisticRegression

    with lab.run("a") as run:
        figure = plt.figure()
        run.figure(figure, "roc")
        plt.close(figure)
        run.table(pl.DataFrame({"id": [1, 2]}), "errors")
        run.table([{"id": 3, "t": "x"}], "deep/rows")
        run.table(lab.sql("SELECT a FROM gold.p"), "read")
        run.model(LogisticRegression().fit([[0], [1]], [0, 1]), "clf")
        with pytest.raises(SchemaError, match="no frame"):
            run.table(3, "x")
        with pytest.raises(SchemaError, match="no figure"):
            run.figure(3, "x")
        with pytest.raises(SchemaError, match="no way to keep a Plain"):
            run.model(Plain(), "x")
        with pytest.raises(CommandError, match="no name"):
            run.table([{"a": 1}], "../x")
    files = lab.run_details(run.id).files
    assert {"figures/roc.png", "tables/errors.parquet", "tables/deep/rows.parquet"} <= set(files)
    kept = lab.run_record(run.id).artifacts / "tables" / "errors.parquet"
    rows = lab.sql(f"SELECT id FROM read_files('{kept}')").rows()
    assert rows == [(1,), (2,)]
    with tracked(lab):
        model = mlflow.pyfunc.load_model(f"runs:/{run.id}/clf")
    assert list(model.predict([[1]])) == [1]


class Plain:
    pass


def tracked(ws: Workspace):
    from lakelet.runs.client import tracked_there

    return tracked_there(ws.folder)


def test_autologging_goes_into_the_run(lab: Workspace) -> None:
    from sklearn.linear_model import LogisticRegression

    mlflow.sklearn.autolog(log_models=False)
    try:
        with lab.run("a") as run:
            LogisticRegression(C=3.0).fit([[0], [1]], [0, 1])
    finally:
        mlflow.sklearn.autolog(disable=True)
    assert stored(lab, run.id).data.params["C"] == "3.0"


def test_the_process_s_own_tracking_is_as_it_was(lab: Workspace, tmp_path: Path) -> None:
    mine = f"sqlite:///{tmp_path}/mine.db"
    mlflow.set_tracking_uri(mine)
    try:
        with lab.run("a"):
            assert mlflow.get_tracking_uri() == tracking_uri(lab.folder)
        assert mlflow.get_tracking_uri() == mine
    finally:
        mlflow.set_tracking_uri(None)
        os.environ.pop("MLFLOW_TRACKING_URI", None)


@pytest.mark.parametrize("name", ["", "a//b", "/a", "a/"])
def test_a_name_that_is_none_starts_nothing(lab: Workspace, name: str) -> None:
    with pytest.raises(CommandError, match="no name of a run"), lab.run(name):
        pass
    assert lab.runs() == []


def test_a_seed_that_is_none_starts_nothing(lab: Workspace) -> None:
    with pytest.raises(CommandError, match="seed is -1"), lab.run("a", seed=-1):
        pass


def test_what_mlflow_refuses_is_told_as_an_error_of_ours(lab: Workspace) -> None:
    with lab.run("a", params={"lr": 1}) as run:
        with pytest.raises(StorageError, match="logging parameters was refused by MLflow"):
            run.param(lr=2)
        with pytest.raises(StorageError, match="logging metrics was refused"):
            run.log(f1="good")


def test_the_run_of_the_current_folder(lab: Workspace) -> None:
    with lakelet.run("a/b") as run:
        lakelet.open().sql("SELECT * FROM gold.p").rows()
    assert [i.version for i in lab.run_record(run.id).inputs] == [1]


def test_mlflow_reports_nothing_to_its_makers(lab: Workspace) -> None:
    script = lab.folder.root / "quiet.py"
    script.write_text(
        "import lakelet\n"
        "with lakelet.run('a'): pass\n"
        "from mlflow.telemetry.client import get_telemetry_client\n"
        "print(get_telemetry_client())"
    )
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST") and k != "CI"}
    for name in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        env.pop(name, None)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=env)
    assert done.stdout.strip() == "None", done.stderr


def test_files_that_python_opens_below_a_volume_are_inputs(lab: Workspace, tmp_path: Path) -> None:
    files = lab.folder.files
    (files / "a.csv").write_text("x\n1\n")
    (tmp_path / "elsewhere.txt").write_text("no volume")
    (files / "many").mkdir()
    for number in range(30):
        (files / "many" / f"{number}.txt").write_text(str(number))
    with lab.run("a") as run:
        (files / "a.csv").read_text()
        (files / "a.csv").read_text()
        (tmp_path / "elsewhere.txt").read_text()
        (files / "made.csv").write_text("written, not read")
    assert [(i.kind, i.name) for i in lab.run_record(run.id).inputs] == [("files", "files/a.csv")]
    with lab.run("a") as run:
        for number in range(30):
            (files / "many" / f"{number}.txt").read_text()
    found = lab.run_record(run.id).inputs
    assert len(found) == 21
    assert (found[-1].name, found[-1].source["count"]) == ("files/many", 10)


def test_a_load_of_many_files_is_one_input(lab: Workspace) -> None:
    (lab.folder.files / "many").mkdir()
    for number in range(30):
        (lab.folder.files / "many" / f"{number}.jsonl").write_text('{"x": 1}\n')
    with lab.run("a") as run:
        lab.load("files/many", into="b.many")
        lab.sql("SELECT * FROM read_files('files/many')").rows()
        with lab.open("files:many/1.jsonl") as file:
            file.read()
    found = lab.run_record(run.id).inputs
    assert sorted((i.name, i.source["count"]) for i in found) == [
        ("files/many", 30), ("files/many/1.jsonl", 1),
    ]  # fmt: skip
