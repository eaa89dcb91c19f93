"""Jobs: when they are due, what was missed, and a scheduler at work."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from conftest import make_workspace
from lakelet.errors import (
    CommandError,
    LockedError,
    PipelineError,
    SettingsError,
    StorageError,
    TableNotFoundError,
)
from lakelet.pipelines.jobs.book import job_states
from lakelet.pipelines.jobs.schedule import last_due, next_due
from lakelet.pipelines.jobs.scheduler import Scheduler
from lakelet.session import Workspace
from lakelet.workspace import WorkspaceFolder
from pipelines.writing import define, put

TEXT = "CREATE STREAMING TABLE t AS SELECT * FROM STREAM read_files('files/t');"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_times_are_in_the_workspaces_zone() -> None:
    assert next_due("0 6 * * *", "Europe/Berlin", at("2026-01-10T12:00")) == at("2026-01-11T05:00")
    assert next_due("0 6 * * *", "Europe/Berlin", at("2026-07-10T12:00")) == at("2026-07-11T04:00")
    assert last_due("*/15 * * * *", "UTC", at("2026-01-10T12:14:59")) == at("2026-01-10T12:00")
    assert last_due("*/15 * * * *", "UTC", at("2026-01-10T12:15")) == at("2026-01-10T12:15")


def test_jobs_stand_in_the_settings_beside_the_comments(ws: Workspace) -> None:
    define(ws, TEXT)
    before = (ws.folder.root / "lakelet.toml").read_text()
    ws.add_job("p", cron="0 6 * * 1-5")
    text = (ws.folder.root / "lakelet.toml").read_text()
    assert text.startswith(before.rstrip("\n"))
    (job,) = ws.jobs()
    assert (job["pipeline"], job["trigger"], job["state"]) == ("p", "0 6 * * 1-5", "")
    with pytest.raises(CommandError, match="already"):
        ws.add_job("p", on_files=True)
    ws.remove_job("p")
    assert (ws.folder.root / "lakelet.toml").read_text().rstrip() == before.rstrip()
    with pytest.raises(SettingsError, match="no cron line"):
        ws.add_job("p", cron="every day")
    with pytest.raises(SettingsError, match="names no day that any year has"):
        ws.add_job("p", cron="0 0 31 2 *")
    with pytest.raises(TableNotFoundError, match=r"no table b\.nope; no job was added"):
        ws.add_job("p", on_table="b.nope")
    with pytest.raises(PipelineError, match="no pipeline q"):
        ws.add_job("q", on_files=True)
    with pytest.raises(CommandError, match="exactly one"):
        ws.add_job("p")


def test_a_cron_line_written_by_hand_is_told_with_its_job(ws: Workspace) -> None:
    define(ws, TEXT)
    path = ws.folder.root / "lakelet.toml"
    path.write_text(path.read_text() + '\n[jobs.p]\ncron = "0 0 31 2 *"\n')
    with pytest.raises(SettingsError, match=r"\[jobs\.p\]: '0 0 31 2 \*' names no day"):
        job_states(WorkspaceFolder(ws.folder.root))


def test_what_was_missed_runs_once(ws: Workspace) -> None:
    define(ws, TEXT)
    put(ws, "t/a.jsonl", {"n": 1})
    ws.add_job("p", cron="*/10 * * * *")
    said: list[str] = []
    scheduler = Scheduler(ws.lake, said.append)
    job_states(ws.folder, at("2026-01-10T12:01"))
    scheduler.tick(at("2026-01-10T12:09"))
    assert not said
    scheduler.tick(at("2026-01-10T15:05"))  # the machine slept
    scheduler.tick(at("2026-01-10T15:06"))
    assert said == ["p: update (*/10 * * * *)"]
    scheduler.tick(at("2026-01-10T15:10"))
    assert said[-1] == "p: the update before is still running; this turn is skipped"
    scheduler._end()
    assert ws.jobs()[0]["started"] == at("2026-01-10T15:05")


def test_only_one_scheduler_a_workspace(ws: Workspace) -> None:
    said: list[str] = []
    other = Scheduler(ws.lake, said.append)

    def stop() -> bool:
        with pytest.raises(LockedError, match="running in this workspace already"):
            other.run()
        return True

    Scheduler(ws.lake, print, stop).run()
    assert said == [], "it does not say that it runs"


def test_files_that_arrive_are_taken(ws: Workspace) -> None:
    define(ws, TEXT)
    put(ws, "t/a.jsonl", {"n": 1})
    ws.add_job("p", on_files=True)
    command = [sys.executable, "-m", "lakelet", "--workspace", str(ws.folder.root), "jobs", "start"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as scheduler:
        try:
            wait_for(ws, 1)
            put(ws, "t/b.jsonl", {"n": 2})
            wait_for(ws, 2)
        finally:
            scheduler.send_signal(signal.SIGINT)
        assert scheduler.wait(60) == 0
        assert scheduler.stdout is not None
        assert "is published: 1 table" in scheduler.stdout.read()
    assert ws.jobs()[0]["state"] == "published"


def wait_for(ws: Workspace, rows: int) -> None:
    for _ in range(300):
        if ws.lake.exists(ws.plan("p").decisions[0].dataset.name):
            try:
                if ws.sql("SELECT count(*) FROM p.t").rows() == [(rows,)]:
                    return
            except KeyError:  # made, and not published yet
                pass
        time.sleep(0.1)
    raise AssertionError("the files were not taken")


def test_staging_stops_while_there_is_no_room(tmp_path) -> None:
    ws = make_workspace(tmp_path / "ws")
    path = ws.folder.root / "lakelet.toml"
    path.write_text(
        path.read_text().replace('# min_free_disk = "2 GB"', 'min_free_disk = "1000 TB"')
    )
    import lakelet

    ws = lakelet.open(ws.folder.root)
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS a")
    define(ws, "CREATE MATERIALIZED VIEW m AS SELECT * FROM s.t")
    with pytest.raises(StorageError, match="less than min_free_disk"):
        ws.update("p")
