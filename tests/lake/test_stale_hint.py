"""A `_last_checkpoint` that names a checkpoint which is gone stops no reader and no writer."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakelet.lake.names import TableName
from lakelet.session import Workspace


def lost_checkpoint(ws: Workspace) -> Path:
    """A table of two versions and the hint at a checkpoint that somebody removed."""
    ws.sql("CREATE TABLE s.t AS SELECT 1 AS n")
    ws.sql("INSERT INTO s.t VALUES (2)")
    ws.lake.table(TableName("s", "t")).open().create_checkpoint()
    log = Path(ws.lake.root) / "s/t/_delta_log"
    (log / f"{1:020d}.checkpoint.parquet").unlink()
    assert (log / "_last_checkpoint").exists()
    return log / "_last_checkpoint"


def test_readers_go_without_it(ws: Workspace) -> None:
    hint = lost_checkpoint(ws)
    assert ws.sql("SELECT sum(n) AS n FROM s.t").dicts() == [{"n": 3}]
    assert len(ws.table("s.t").history()) == 2
    assert hint.exists(), "reading changes nothing"


@pytest.mark.parametrize(
    "write",
    [
        "INSERT INTO s.t VALUES (3)",
        "UPDATE s.t SET n = n + 1",
        "DELETE FROM s.t WHERE n = 1",
        "OPTIMIZE s.t",
        "RESTORE TABLE s.t TO VERSION AS OF 0",
        "ALTER TABLE s.t ADD COLUMN m INT",
    ],
)
def test_writers_do_too(ws: Workspace, write: str) -> None:
    lost_checkpoint(ws)
    ws.sql(write)
    assert ws.table("s.t").history()[0].version == 2


def test_maintenance_writes_a_new_checkpoint(ws: Workspace) -> None:
    hint = lost_checkpoint(ws)
    ws.table("s.t").maintain()
    assert hint.exists() and list(hint.parent.glob("*.checkpoint.parquet"))
    assert ws.sql("SELECT sum(n) AS n FROM s.t").dicts() == [{"n": 3}]


def test_a_file_that_goes_while_a_folder_is_listed_is_not_there(tmp_path: Path) -> None:
    """A writer of the log renames its temporary files between the listing and the look at each."""
    from lakelet.lake.storage.local import LocalStorage

    for name in ("a.json", "b.json#1", "c.json"):
        (tmp_path / name).touch()
    found = []
    for entry in LocalStorage().files(str(tmp_path)):
        found.append(Path(entry.path).name)
        (tmp_path / "b.json#1").unlink(missing_ok=True)
    assert found == ["a.json", "c.json"]
