"""`lakelet doctor` names what is broken and how to mend it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import make_workspace
from lakelet.cli.app import main
from lakelet.errors import ConstraintError
from lakelet.session import Workspace
from lakelet.session.doctor import Finding, examine


def found(start: Path) -> dict[str, Finding]:
    return {finding.what: finding for finding in examine(start)}


def test_a_new_workspace_is_well(ws: Workspace) -> None:
    findings = found(ws.folder.root)
    for name in ("python", "lakelet", "duckdb", "deltalake", "sqlglot", "extra s3", "workspace",
                 "settings", "lake", "volume files"):  # fmt: skip
        assert findings[name].state == "ok", findings[name]
    assert "conditional writes" not in findings
    assert "free" in findings["disk"].text


def test_without_a_workspace(tmp_path: Path) -> None:
    finding = found(tmp_path)["workspace"]
    assert finding.state == "broken"
    assert "lakelet init" in (finding.hint or "")


def test_a_wrong_setting_is_named_with_the_nearest(ws: Workspace) -> None:
    settings = ws.folder.root / "lakelet.toml"
    settings.write_text(settings.read_text() + "\n[storage.b]\nendpont = 'x'\n")
    finding = found(ws.folder.root)["settings"]
    assert finding.state == "broken"
    assert "endpoint" in (finding.hint or "")


def test_a_volume_that_is_not_there(ws: Workspace) -> None:
    settings = ws.folder.root / "lakelet.toml"
    settings.write_text(settings.read_text().replace("[volumes]", "[volumes]\nold = 'gone'"))
    findings = found(ws.folder.root)
    assert findings["volume old"].state == "broken"
    assert findings["volume files"].state == "ok"


def test_a_zone_that_is_not_the_machine_s_is_noted(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    make_workspace(tmp_path / "ws", "Europe/Berlin")
    finding = found(tmp_path / "ws")["time zone"]
    assert finding.state == "note"
    assert "Asia/Tokyo" in finding.text


def test_rows_of_a_load_that_was_cut_off_are_noted_until_the_next(ws: Workspace) -> None:
    (ws.folder.files / "a.jsonl").write_text('{"id": 1}\n')
    ws.load("files:", into="t.posts")
    assert "unfinished loads" not in found(ws.folder.root)
    (Path(ws.lake.root) / "t/posts/staged-load-2-abc/_delta_log").mkdir(parents=True)
    assert "t.posts" in found(ws.folder.root)["unfinished loads"].text
    (ws.folder.files / "b.jsonl").write_text('{"id": 2}\n')
    ws.load("files:", into="t.posts")
    assert "unfinished loads" not in found(ws.folder.root)


def test_a_table_in_use_is_named(ws: Workspace) -> None:
    (ws.folder.files / "a.jsonl").write_text('{"id": 1}\n')
    ws.load("files:", into="t.posts")
    from lakelet.lake import TableName

    with ws.lake.table(TableName("t", "posts")).load_lock():
        assert "t.posts" in found(ws.folder.root)["in use"].text
    assert "in use" not in found(ws.folder.root)


def test_the_exit_code_says_whether_something_is_broken(
    ws: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for start, code in ((ws.folder.root, 0), (tmp_path, 1)):
        with pytest.raises(SystemExit) as end:
            main(["--workspace", str(start), "doctor", "--json"])
        assert (end.value.code or 0) == code
        states = {f["what"]: f["state"] for f in json.loads(capsys.readouterr().out)}
        assert ("broken" in states.values()) == bool(code)
    with pytest.raises(SystemExit):
        main(["--workspace", str(ws.folder.root), "doctor"])
    assert "lakelet.toml is valid" in capsys.readouterr().out


def test_a_refused_statement_leaves_nothing_behind(ws: Workspace) -> None:
    ws.sql("CREATE TABLE t.r (id INT NOT NULL, n INT, CONSTRAINT above CHECK (n > 0))")
    ws.sql("INSERT INTO t.r VALUES (1, 1)")
    for statement in (
        "UPDATE t.r SET n = -n",
        "INSERT OVERWRITE t.r SELECT 1, -1",
        "MERGE INTO t.r USING (SELECT 2 AS id, -1 AS n) s ON r.id = s.id "
        "WHEN NOT MATCHED THEN INSERT *",
    ):
        with pytest.raises(ConstraintError):
            ws.sql(statement)
    assert "unfinished loads" not in found(ws.folder.root)
