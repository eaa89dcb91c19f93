"""One table that cannot be read is told, and keeps no command from the others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lakelet.cli.app import cli
from lakelet.session import Workspace


@pytest.fixture
def broken(ws: Workspace, tmp_path: Path) -> Workspace:
    """A workspace with a good table, an attached one that is gone, and one damaged by others."""
    ws.sql("CREATE TABLE a.good AS SELECT 1 AS n")
    shutil.copytree(Path(ws.lake.root) / "a/good", tmp_path / "elsewhere")
    ws.sql("CREATE TABLE a.bad (n INT, p STRING NOT NULL) PARTITIONED BY (p)")
    add = {
        "path": "p=/x.parquet", "partitionValues": {"p": ""}, "size": 400,
        "modificationTime": 1, "dataChange": True, "stats": '{"numRecords":1}',
    }  # fmt: skip
    log = Path(ws.lake.root) / "a/bad/_delta_log" / f"{1:020d}.json"
    log.write_text('{"commitInfo":{"timestamp":1}}\n' + json.dumps({"add": add}) + "\n")
    assert call(ws, "attach", str(tmp_path / "elsewhere"), "--name", "z.gone").exit_code == 0
    shutil.rmtree(tmp_path / "elsewhere")
    return ws


def call(ws: Workspace, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--workspace", str(ws.folder.root), *arguments])


@pytest.mark.parametrize("command", ["tables", "health", "maintain"])
def test_the_others_are_there(broken: Workspace, command: str) -> None:
    done = call(broken, command)
    assert done.exit_code == 1
    assert "a.good" in done.stdout and "a.good" not in done.stderr
    assert "Error: a.bad: " in done.stderr and "non-nullable" in done.stderr
    assert "where there is no Delta table now" in done.stderr
    found = json.loads(call(broken, command, "--json").stdout)
    assert [("error" in one) for one in found] == [False, True, True]
    assert not Path(broken.folder.root.parent / "elsewhere").exists()


def test_doctor_tells_them_and_they_can_be_let_go_of(broken: Workspace) -> None:
    said = call(broken, "doctor").stdout
    assert "✗ table a.bad" in said and "✗ table z.gone" in said
    for name in ("a.bad", "z.gone"):
        assert call(broken, "sql", f"DROP TABLE {name}").exit_code == 0
    assert call(broken, "tables").exit_code == 0


def test_a_damaged_log_is_told_in_one_line_and_hides_no_other_account(
    ws: Workspace, tmp_path: Path
) -> None:
    for name in ("good", "bad"):
        (tmp_path / f"{name}.jsonl").write_text('{"n": 1}\n')
        assert (
            call(ws, "load", str(tmp_path / f"{name}.jsonl"), "--into", f"a.{name}").exit_code == 0
        )
    (Path(ws.lake.root) / "a/bad/_delta_log" / f"{0:020d}.json").write_text('{"broken')
    for command in (
        ("files", "a.bad"), ("history", "a.bad"), ("health", "a.bad"), ("maintain", "a.bad"),
        ("show", "a.bad"), ("sql", "SELECT * FROM a.bad"), ("sql", "INSERT INTO a.bad VALUES (1)"),
        ("load", str(tmp_path / "bad.jsonl"), "--into", "a.bad"),
    ):  # fmt: skip
        done = call(ws, *command)
        assert done.exit_code == 1, command
        said = str(done.exception)
        assert "its log cannot be understood (Json error" in said, said
        assert "Hint: bring the missing or damaged files" in said
        assert len(said.splitlines()) == 2, "a backtrace is not a message"
    files = call(ws, "files", "a.good", "--json").stdout
    assert json.loads(files)[0]["file"].endswith("good.jsonl")
    told = ws.sql("SELECT table_name FROM system.loaded_files").dicts()
    assert sorted(one["table_name"] for one in told) == ["a.bad", "a.good"]
