"""Broken tables are refused with one clear message; hints that lie do no harm."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake._internal import DeltaFileSystemHandler

from engines.routes.handmade import Handmade, field, metadata, protocol, rows
from lakelet.engines.routes import open_snapshot
from lakelet.engines.routes.log_start import FIRST_COMMIT, bucket_holds
from lakelet.errors import LakeletError, UnsupportedTableError, VersionNotFoundError

ID = field("id", "long")


@pytest.fixture
def table(tmp_path: Path) -> Handmade:
    return Handmade(tmp_path / "posts")


def numbers(*values: int) -> pa.Table:
    return pa.table({"id": pa.array(values, pa.int64())})


def three_commits(table: Handmade, *, skip: int | None = None) -> None:
    first = [protocol(), metadata(ID)]
    for version in range(3):
        if version == skip:
            continue
        action = table.write(f"part-{version}.parquet", numbers(version))
        table.commit(*first, action, version=version)
        first = []


def refusal(table: Handmade, version: int | None = None) -> str:
    with pytest.raises(UnsupportedTableError) as caught:
        open_snapshot(str(table.folder), version=version)
    message = str(caught.value)
    assert str(table.folder) in message
    assert "Hint:" in message
    assert "<unknown>" not in message, "a backtrace is not a message"
    return message


def test_no_folder(table: Handmade) -> None:
    table.log.rmdir()
    table.folder.rmdir()
    assert "no such folder" in refusal(table)


def test_no_log(table: Handmade) -> None:
    table.log.rmdir()
    assert "no log" in refusal(table)


def test_an_empty_log(table: Handmade) -> None:
    assert "no log" in refusal(table)


def test_no_protocol_action(table: Handmade) -> None:
    table.commit(metadata(ID), table.write("a.parquet", numbers(1)))
    assert "no protocol action" in refusal(table)


def test_no_metadata_action(table: Handmade) -> None:
    table.commit(protocol(), table.write("a.parquet", numbers(1)))
    assert "no metadata action" in refusal(table)


def test_a_gap_in_the_versions(table: Handmade) -> None:
    three_commits(table, skip=1)
    assert "gap" in refusal(table)
    assert "gap" in refusal(table, version=2)
    assert open_snapshot(str(table.folder), version=0).version() == 0


def test_the_first_version_is_gone(table: Handmade) -> None:
    """delta-rs opens this one, and silently without the rows of version 0."""
    three_commits(table, skip=0)
    assert DeltaTable(str(table.folder)).version() == 2
    assert "lacks version 0" in refusal(table)


def test_a_commit_cut_short(table: Handmade) -> None:
    three_commits(table)
    commit = table.log / f"{2:020d}.json"
    commit.write_text(commit.read_text()[:-20])
    assert "cannot be understood" in refusal(table)


def test_a_schema_cut_short(table: Handmade) -> None:
    broken = metadata(ID)
    assert isinstance(broken, dict)
    broken["metaData"]["schemaString"] = broken["metaData"]["schemaString"][:-4]
    table.commit(protocol(), broken)
    assert "cannot be understood" in refusal(table)


@pytest.mark.parametrize(
    "feature", ["catalogManaged", "variantType", "variantShredding", "geospatial", "inventedNow"]
)
def test_a_reader_feature_this_stack_lacks_is_named(table: Handmade, feature: str) -> None:
    table.commit(protocol(feature), metadata(ID))
    assert f"reader feature {feature}" in refusal(table)


def test_a_reader_version_from_the_future(table: Handmade) -> None:
    table.commit(protocol(reader=4, writer=7), metadata(ID))
    refusal(table)


@pytest.mark.parametrize("version", [-1, 3, 99, 2**70])
def test_versions_outside_the_history(table: Handmade, version: int) -> None:
    three_commits(table)
    with pytest.raises(VersionNotFoundError, match=f"{version}"):
        open_snapshot(str(table.folder), version=version)


def test_a_pinned_version_stays_pinned(table: Handmade) -> None:
    three_commits(table)
    assert rows(table.route(version=1)) == [(0,), (1,)]
    assert rows(table.route()) == [(0,), (1,), (2,)]


def test_versions_do_not_depend_on_file_times(table: Handmade) -> None:
    """``load_as_version(datetime)`` goes by the log files' times; nothing here does."""
    import os

    three_commits(table)
    for file in table.log.iterdir():
        os.utime(file, (1, 1))
    assert [open_snapshot(str(table.folder), version=v).version() for v in (None, 0, 1)] == [
        2,
        0,
        1,
    ]


@pytest.mark.parametrize(
    "hint",
    ["", "garbage", '{"version":', '{"version":7,"size":3}', '{"version":1,"size":3}', "[]"],
)
def test_a_damaged_last_checkpoint_does_no_harm(table: Handmade, hint: str) -> None:
    three_commits(table)
    (table.log / "_last_checkpoint").write_text(hint)
    assert rows(table.route()) == [(0,), (1,), (2,)]
    assert rows(table.route(version=1)) == [(0,), (1,)]


@pytest.mark.parametrize("hint", ["", "garbage"])
def test_a_damaged_last_checkpoint_beside_a_trimmed_log(table: Handmade, hint: str) -> None:
    three_commits(table)
    DeltaTable(str(table.folder), version=1).create_checkpoint()
    (table.log / f"{0:020d}.json").unlink()
    (table.log / "_last_checkpoint").write_text(hint)
    assert rows(table.route()) == [(0,), (1,), (2,)]
    with pytest.raises(VersionNotFoundError):
        open_snapshot(str(table.folder), version=0)


def test_a_lost_checkpoint_behind_a_trimmed_log(table: Handmade) -> None:
    three_commits(table)
    DeltaTable(str(table.folder), version=1).create_checkpoint()
    (table.log / f"{0:020d}.json").unlink()
    (table.log / f"{1:020d}.checkpoint.parquet").unlink()
    refusal(table)


def test_a_gap_behind_a_checkpoint(table: Handmade) -> None:
    three_commits(table)
    DeltaTable(str(table.folder), version=1).create_checkpoint()
    (table.log / f"{2:020d}.json").rename(table.log / f"{3:020d}.json")
    assert "gap" in refusal(table)


def test_an_object_of_a_bucket_s_log_is_found_or_not(table: Handmade) -> None:
    three_commits(table)
    files = DeltaFileSystemHandler(str(table.folder), None, None)
    assert bucket_holds(files, f"_delta_log/{FIRST_COMMIT}")
    assert not bucket_holds(files, f"_delta_log/{7:020d}.json")


def test_a_damaged_checkpoint(table: Handmade) -> None:
    three_commits(table)
    DeltaTable(str(table.folder), version=1).create_checkpoint()
    (table.log / f"{0:020d}.json").unlink()
    (table.log / f"{1:020d}.checkpoint.parquet").write_bytes(b"PAR1")
    refusal(table)


def test_a_missing_data_file_is_named(table: Handmade) -> None:
    three_commits(table)
    (table.folder / "part-1.parquet").unlink()
    with pytest.raises(LakeletError, match=r"part-1\.parquet") as caught:
        table.route()
    assert f"{table.folder.as_uri()}/ at version 2" in str(caught.value)


def test_a_location_with_a_percent_sign(tmp_path: Path) -> None:
    """delta-rs unescapes a folder's own name; until it stops, that is said and not guessed."""
    table = Handmade(tmp_path / "a%20b")
    table.commit(protocol(), metadata(ID), table.write("a.parquet", numbers(1)))
    with pytest.raises(LakeletError, match="a%20b"):
        open_snapshot(str(table.folder))
