"""Versions that runs are pinned to outlive maintenance, and their cost is told."""

from __future__ import annotations

import pytest

import lakelet
from lakelet.errors import StorageError
from lakelet.lake import TableName
from lakelet.lake.health import examine_table
from lakelet.runs.client import tracked_there
from lakelet.session import Workspace
from lakelet.workspace.store import STORE_FILE
from runs.processes import command

mlflow = pytest.importorskip("mlflow")


@pytest.fixture
def lab(ws: Workspace) -> Workspace:
    """A table of four versions that keeps none, and a run that read the second."""
    path = ws.folder.root / "lakelet.toml"
    path.write_text(path.read_text().replace('# retention = "30 days"', 'retention = "0 hours"'))
    ws = lakelet.open(ws.folder.root)
    ws.sql("CREATE TABLE gold.p AS SELECT 1 AS a")
    for number in (2, 3, 4):
        ws.sql(f"UPDATE gold.p SET a = {number}")
    with ws.run("a/b"):
        assert ws.sql("SELECT a FROM gold.p VERSION AS OF 1").rows() == [(2,)]
    return ws


def readable(ws: Workspace, name: str = "gold.p") -> list[int]:
    found = []
    for version in range(4):  # a clean-up makes versions of its own
        try:
            ws.table(name).at(version=version).rows()
        except (lakelet.LakeletError, OSError):
            continue
        found.append(version)
    return found


def test_a_pinned_version_stays(lab: Workspace) -> None:
    done = lab.table("gold.p").maintain()
    assert done.removed == 2
    assert readable(lab) == [1, 3]
    found = lab.table("gold.p").examine()
    assert (found.pinned, found.runs, found.expired) == (1, 1, 0)
    assert found.pinned_bytes > 0
    assert found.advice == ""
    told = command(lab, "health").stdout
    assert "because runs are pinned" in told
    assert command(lab, "maintain", "gold.p", "--even-pinned").returncode == 0
    assert readable(lab) == [3]
    assert lab.table("gold.p").examine().pinned == 0


def test_vacuum_keeps_it_too(lab: Workspace) -> None:
    lab.sql("VACUUM gold.p")
    assert readable(lab) == [1, 3]


def test_a_renamed_table_keeps_its_pins(lab: Workspace) -> None:
    lab.sql("ALTER TABLE gold.p RENAME TO gold.q")
    lab.table("gold.q").maintain()
    assert readable(lab, "gold.q") == [1, 3]


def test_pins_are_learned_again_where_the_metadata_store_is_lost(lab: Workspace) -> None:
    (lab.folder.private / STORE_FILE).unlink()
    lab.table("gold.p").maintain()
    assert readable(lab) == [1, 3]


def test_a_run_that_goes_on_keeps_what_it_read(lab: Workspace) -> None:
    with lab.run("c"):
        lab.table("gold.p").at(version=0).rows()
        lab.table("gold.p").maintain()
        assert readable(lab) == [0, 1, 3]


def test_a_deleted_run_keeps_nothing(lab: Workspace) -> None:
    with tracked_there(lab.folder):
        mlflow.MlflowClient().delete_run(lab.runs()[0].id)
    lab.table("gold.p").maintain()
    assert readable(lab) == [3]


def test_a_run_pinned_by_mlflow_s_own_source_counts(lab: Workspace) -> None:
    from mlflow.data.delta_dataset_source import DeltaDatasetSource
    from mlflow.data.meta_dataset import MetaDataset

    place = lab.lake.table(TableName("gold", "p")).location
    with tracked_there(lab.folder), mlflow.start_run():
        source = DeltaDatasetSource(path=place, delta_table_version=2)
        mlflow.log_input(MetaDataset(source, name="gold.p"))
    lab.table("gold.p").maintain()
    assert readable(lab) == [1, 2, 3]


def test_nothing_is_removed_where_the_runs_cannot_be_asked(lab: Workspace) -> None:
    path = lab.folder.root / "lakelet.toml"
    path.write_text(path.read_text().replace("[runs]", '[runs]\ntracking = "http://127.0.0.1:9"'))
    lab = lakelet.open(lab.folder.root)
    for remove in (lab.table("gold.p").maintain, lambda: lab.sql("VACUUM gold.p")):
        with pytest.raises(StorageError, match=r"is not known: the MLflow server.*Nothing was"):
            remove()
    assert readable(lab) == [0, 1, 2, 3]
    lab.table("gold.p").maintain(even_pinned=True)
    assert readable(lab) == [3]


def test_a_pin_of_a_version_that_is_gone_stops_no_maintenance(lab: Workspace) -> None:
    lab.table("gold.p").maintain(even_pinned=True)
    log = lab.folder.root / "lake" / "gold" / "p" / "_delta_log"
    for version in (0, 1):
        (log / f"{version:020d}.json").unlink()
    lab.table("gold.p").maintain()
    assert examine_table(lab.lake.table(TableName("gold", "p"))).runs == 0


def test_what_would_go_is_told_before(lab: Workspace) -> None:
    table = lab.table("gold.p")
    would = table.foresee_maintenance()
    assert (would.removed, would.versions, would.version_ranges) == (2, (0, 2), [(0, 0), (2, 2)])
    assert (would.pinned, would.pinned_versions) == (1, {1: 1})
    assert would.removed_bytes > 0 and would.pinned_bytes > 0
    without = table.foresee_maintenance(even_pinned=True)
    assert (without.removed, without.versions, without.pinned) == (3, (0, 1, 2), 0)
    said = command(lab, "maintain", "gold.p", "--dry-run").stdout
    assert "2 files (" in said and "unreadable then: versions 0, 2" in said
    assert "1 file (" in said and "Nothing was changed." in said
    assert readable(lab) == [0, 1, 2, 3] and table.version == 3
    assert table.maintain().removed == would.removed
    assert table.foresee_maintenance().removed == 0
