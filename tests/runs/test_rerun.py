"""`lakelet rerun`: the code as it was, on the data as it was."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

import lakelet
from lakelet.session import Workspace
from runs.processes import command, start

pytest.importorskip("mlflow")

TRAIN = """
import random, sys
import lakelet
from helper import OFFSET

ws = lakelet.open()
with ws.run("base/sum", params={"times": sys.argv[1]}, seed=3) as run:
    total = ws.sql("SELECT sum(a) FROM gold.p").rows()[0][0]
    first = ws.sql("SELECT sum(a) FROM gold.p VERSION AS OF 0").rows()[0][0]
    ws.sql("CREATE TABLE IF NOT EXISTS gold.out AS SELECT 0 AS total")
    ws.sql(f"INSERT INTO gold.out VALUES ({total})")
    seen = ws.sql("SELECT count(*) FROM gold.out").rows()[0][0]
    run.log(total=total * int(sys.argv[1]) + OFFSET, first=first, chance=random.random())
    print("total", total, "offset", OFFSET)
"""


def git(root: Path, *arguments: str) -> None:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, *arguments], cwd=root, check=True)


def run_it(ws: Workspace, script: Path, *arguments: str) -> None:
    import os
    import sys

    done = subprocess.run(
        [sys.executable, script.name, *arguments], cwd=script.parent, env=dict(os.environ),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture
def lab(tmp_path: Path) -> Workspace:
    """A repository with a workspace in a folder of it, and a run of code that is half committed."""
    root = tmp_path / "repo" / "ws"
    ws = lakelet.init(root)
    (root / ".gitignore").write_text("lake/\nfiles/\n")
    (root / "train.py").write_text(TRAIN)
    (root / "helper.py").write_text("OFFSET = 1\n")
    git(tmp_path / "repo", "init", "-q", "-b", "main")
    git(tmp_path / "repo", "add", ".")
    git(tmp_path / "repo", "commit", "-q", "-m", "first")
    ws.sql("CREATE TABLE gold.p AS SELECT 1 AS a")
    ws.sql("INSERT INTO gold.p VALUES (2)")
    (root / "helper.py").write_text("from more import OFFSET\n")  # not committed
    (root / "more.py").write_text("OFFSET = 100\n")  # not known to git
    run_it(ws, root / "train.py", "10")
    return ws


def changed(lab: Workspace) -> None:
    lab.sql("INSERT INTO gold.p VALUES (1000)")
    root = lab.folder.root
    (root / "train.py").write_text("raise SystemExit('the new code ran')\n")
    (root / "more.py").unlink()
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "second")


def test_a_run_is_repeated_with_its_code_and_data(lab: Workspace) -> None:
    changed(lab)
    old = lab.run_record("base/sum")
    assert (old.metrics["total"], old.metrics["first"]) == (130.0, 1.0)
    done = command(lab, "rerun", "base/sum")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "total 3 offset 100" in done.stdout
    told = [
        line.split() for line in done.stdout.splitlines() if line.startswith(("params", "metr"))
    ]
    assert told == [], "only what the run wrote itself has another version"
    new = lab.run_record("base/sum")
    assert new.id != old.id
    assert new.metrics == old.metrics
    assert new.tags["lakelet.repeats"] == old.id
    assert {(i.name, i.version) for i in new.inputs if i.name == "gold.p"} == {
        ("gold.p", 0),
        ("gold.p", 1),
    }
    assert lab.sql("SELECT total FROM gold.out ORDER BY total").rows() == [(0,), (3,), (3,)]
    assert not list((lab.folder.private / "reruns").iterdir())
    listed = subprocess.run(
        ["git", "worktree", "list"], cwd=lab.folder.root, capture_output=True, text=True
    )
    assert len(listed.stdout.splitlines()) == 1


def test_a_repetition_can_be_repeated(lab: Workspace) -> None:
    changed(lab)
    assert command(lab, "rerun", "base/sum").returncode == 0
    second = lab.run_record("base/sum")
    done = command(lab, "rerun", second.id)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(lab.runs("base")) == 3
    facts = lab.run_details("base/sum").facts
    assert facts["code"]["repository"] == str(lab.folder.root.parent)
    assert facts["folder"] == str(lab.folder.root)


def test_what_is_gone_is_told_before_anything_starts(lab: Workspace) -> None:
    path = lab.folder.root / "lakelet.toml"
    lab.sql("UPDATE gold.p SET a = a + 1")
    path.write_text(path.read_text().replace('# retention = "30 days"', 'retention = "0 hours"'))
    lakelet.open(lab.folder.root).table("gold.p").maintain(even_pinned=True)
    done = command(lab, "rerun", "base/sum")
    assert done.returncode == 1
    assert "gold.p at version 0: 1 of its files is gone" in done.stderr
    assert "Nothing was started" in done.stderr
    assert len(lab.runs("base")) == 1


def test_another_commit_s_repository_is_asked_for(lab: Workspace) -> None:
    subprocess.run(["rm", "-rf", str(lab.folder.root.parent / ".git")], check=True)
    done = command(lab, "rerun", "base/sum")
    assert done.returncode == 1
    assert "is in no repository here; nothing was started" in done.stderr


def test_packages_and_files_that_changed_are_told(lab: Workspace) -> None:
    from lakelet.workspace.store import open_store

    with open_store(lab.folder) as store:
        row = store.execute("SELECT digest, packages FROM environments").fetchone()
        installed = {**json.loads(row["packages"]), "duckdb": "0.1", "gone": "3.0"}
        store.execute("UPDATE environments SET packages = ?", (json.dumps(installed),))
    done = command(lab, "rerun", "base/sum")
    assert "Not matched: duckdb is " in done.stdout
    assert ", was 0.1." in done.stdout
    assert "Not matched: gone is not installed, was 3.0." in done.stdout


def test_a_script_without_a_repository_is_kept_and_repeated(ws: Workspace) -> None:
    ws.sql("CREATE TABLE gold.p AS SELECT 5 AS a")
    script = ws.folder.root / "train.py"
    script.write_text(TRAIN.replace("from helper import OFFSET", "OFFSET = 7"))
    assert start(script).returncode != 0, "it has an argument"
    run_it(ws, script, "2")
    script.write_text("raise SystemExit('the new code ran')\n")
    done = command(ws, "rerun", "base/sum")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [run.metrics["total"] for run in ws.runs("base")] == [17.0, 17.0]


def test_a_run_of_a_prompt_is_refused(ws: Workspace) -> None:
    ws.sql("CREATE TABLE gold.p AS SELECT 5 AS a")
    import os
    import sys

    subprocess.run(
        [sys.executable], input="import lakelet\nwith lakelet.run('a'): pass\n", text=True,
        cwd=ws.folder.root, env=dict(os.environ), capture_output=True, check=False,
    )  # fmt: skip
    if ws.runs():  # PySpark's client, where it is installed, does not let MLflow start from there
        done = command(ws, "rerun", "a")
        assert (done.returncode, "at a prompt" in done.stderr) == (1, True)
    done = command(ws, "rerun", "nothing")
    assert (done.returncode, "there is no run nothing" in done.stderr) == (1, True)


def test_a_workspace_and_a_python_that_git_ignores(tmp_path: Path) -> None:
    """As in this repository: the workspace and the environment lie in it, and are in no commit."""
    import sys

    repo = tmp_path / "repo"
    ws = lakelet.init(repo / "work")
    ws.sql("CREATE TABLE gold.p AS SELECT 1 AS a")
    (repo / ".gitignore").write_text("work/\n.venv/\n")
    (repo / "train.py").write_text(TRAIN)
    (repo / "helper.py").write_text("OFFSET = 1\n")
    python = repo / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    git(repo, "init", "-q", "-b", "main")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "first")
    first = subprocess.run(
        [sys.executable, "../train.py", "10"], cwd=repo / "work", capture_output=True, text=True
    )
    assert first.returncode == 0, first.stderr
    again = subprocess.run(
        [sys.executable, "-m", "lakelet", "rerun", "base/sum"],
        cwd=repo / "work", capture_output=True, text=True,
    )  # fmt: skip
    assert again.returncode == 0, again.stdout + again.stderr
    assert "total 1 offset 1" in again.stdout
    assert len(ws.runs("base")) == 2
