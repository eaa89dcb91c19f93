"""health and maintain: what is counted, what is cleaned up, and what is never touched."""

from __future__ import annotations

import json
from pathlib import Path

import lakelet
from lakelet.lake.health import examine_table
from lakelet.lake.maintenance import maintain_table
from lakelet.session import Workspace


def filled(ws: Workspace, loads: int) -> None:
    for number in range(loads):
        (ws.folder.files / f"{number}.jsonl").write_text(json.dumps({"id": number}) + "\n")
        ws.load("files", into="t.t")


def with_retention(ws: Workspace, text: str) -> Workspace:
    path = ws.folder.root / "lakelet.toml"
    path.write_text(path.read_text().replace('# retention = "30 days"', f'retention = "{text}"'))
    return lakelet.open(ws.folder.root)


def lake_table(ws: Workspace):
    from lakelet.lake import TableName

    return ws.lake.table(TableName("t", "t"))


def test_small_files_are_counted_and_merged_and_every_version_stays(ws: Workspace) -> None:
    filled(ws, 12)
    before = examine_table(lake_table(ws))
    assert (before.files, before.small, before.stray) == (12, 12, 0)
    assert "12 small files" in before.advice
    newest = ws.table("t.t").version
    done = maintain_table(lake_table(ws))
    assert (done.merged, done.removed, done.after.files) == (12, 0, 1)
    for version in range(1, newest + 1):
        assert ws.sql(f"SELECT count(*) FROM t.t@v{version}").rows() == [(version,)]
    assert ws.sql("SELECT sum(id) FROM t.t").rows() == [(sum(range(12)),)]


def test_past_the_retention_older_versions_go_and_the_newest_stays(ws: Workspace) -> None:
    filled(ws, 3)
    ws = with_retention(ws, "0 hours")
    done = maintain_table(lake_table(ws))
    assert (done.merged, done.removed) == (3, 3)
    assert done.after.kept == ()
    assert ws.sql("SELECT count(*) FROM t.t").rows() == [(3,)]
    filled(ws, 4)
    assert ws.sql("SELECT count(*) FROM t.t").rows() == [(4,)]


def test_a_file_of_no_version_is_named_and_removed_once_it_is_old(ws: Workspace) -> None:
    filled(ws, 1)
    stray = Path(lake_table(ws).location) / "part-stray.parquet"
    stray.write_bytes(b"x" * 1000)
    found = examine_table(lake_table(ws))
    assert (found.stray, found.stray_bytes) == (1, 1000)
    maintain_table(lake_table(ws))
    assert stray.exists()  # younger than the retention: another writer's commit may be under way
    maintain_table(lake_table(with_retention(ws, "0 hours")))
    assert not stray.exists()


def test_logs_of_adopted_scratch_tables_go_and_their_rows_stay(ws: Workspace) -> None:
    filled(ws, 1)
    (scratch,) = Path(lake_table(ws).location).glob("staged-*")
    (scratch / "_delta_log").mkdir()
    maintain_table(lake_table(ws))
    assert not (scratch / "_delta_log").exists()
    assert ws.sql("SELECT count(*) FROM t.t").rows() == [(1,)]
