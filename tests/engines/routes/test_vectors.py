"""Rows that deletion vectors take away are gone, on every kind of table and log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from engines.routes.handmade import (
    VIEW,
    Action,
    Handmade,
    connect,
    field,
    mapped,
    metadata,
    protocol,
    rows,
)
from engines.routes.handmade_vectors import inline, on_disk
from lakelet.errors import UnsupportedTableError

ID = field("id", "long")


class VectorTable(Handmade):
    """A table that always counts a file's rows, and has further reader features."""

    def __init__(self, folder: Path, features: tuple[str, ...]) -> None:
        super().__init__(folder)
        self.features = features

    def protocol(self, *features: str) -> Action:
        return protocol("deletionVectors", *features, *self.features)

    def add(self, path: str, *, true_path: str | None = None, **more: Any) -> Action:
        rows = pq.ParquetFile(self.folder / (true_path or path)).metadata.num_rows
        return super().add(
            path, true_path=true_path, stats=json.dumps({"numRecords": rows}), **more
        )


@pytest.fixture(params=["delta-rs decodes", "Lakelet decodes"])
def table(tmp_path: Path, request: pytest.FixtureRequest) -> VectorTable:
    """A table whose vectors delta-rs gives out, and one of a feature for which it declines."""
    declined = request.param == "Lakelet decodes"
    return VectorTable(tmp_path / "posts", ("vacuumProtocolCheck",) if declined else ())


def numbers(start: int, stop: int, name: str = "id") -> pa.Table:
    return pa.table({name: pa.array(range(start, stop), pa.int64())})


def removed(path: str, positions: list[int]) -> dict[str, Any]:
    """The remove action for a file with the vector it had so far."""
    vector = inline(positions)
    return {
        "remove": {
            "path": path,
            "dataChange": True,
            "deletionTimestamp": 1,
            "deletionVector": vector,
        }
    }


def test_count_and_add_actions_alone_would_be_wrong(table: VectorTable) -> None:
    """What libraries say of such a table, and what is true."""
    table.commit(
        table.protocol(),
        metadata(ID),
        table.write("a.parquet", numbers(0, 5), deletionVector=inline([1, 3])),
        table.write("b.parquet", numbers(10, 12)),
    )
    opened = DeltaTable(str(table.folder))
    assert len(opened.file_uris()) == 2
    route = table.route()
    assert route.kind == "vectors"
    assert "1 of them" in route.reason
    assert rows(route) == [(0,), (2,), (4,), (10,), (11,)]
    assert rows(route, f"SELECT count(*), min(id), max(id) FROM {VIEW}") == [(5, 0, 11)]
    assert rows(route, f"SELECT id FROM {VIEW} WHERE id < 4 ORDER BY id") == [(0,), (2,)]


def test_the_protocol_s_own_example(table: VectorTable) -> None:
    vector = {
        "storageType": "i",
        "pathOrInlineDv": "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L",
        "sizeInBytes": 44,
        "cardinality": 6,
    }
    table.commit(
        table.protocol(),
        metadata(ID),
        table.write("a.parquet", numbers(0, 31), deletionVector=vector),
    )
    gone = {3, 4, 7, 11, 18, 29}
    assert rows(table.route()) == [(n,) for n in range(31) if n not in gone]


def test_on_disk_with_partitions_and_several_vectors_in_a_file(table: VectorTable) -> None:
    first, second = on_disk(table.folder, [0], [1, 2], prefix="ab")
    table.commit(
        table.protocol(),
        metadata(ID, field("day", "date"), partitions=["day"]),
        table.write(
            "day=2024-01-01/a.parquet",
            numbers(0, 3),
            partition={"day": "2024-01-01"},
            deletionVector=first,
        ),
        table.write(
            "day=2024-01-02/a.parquet",
            numbers(3, 6),
            partition={"day": "2024-01-02"},
            deletionVector=second,
        ),
    )
    assert rows(table.route(), f"SELECT id, day::VARCHAR FROM {VIEW} ORDER BY ALL") == [
        (1, "2024-01-01"),
        (2, "2024-01-01"),
        (3, "2024-01-02"),
    ]
    assert rows(table.route(), f"SELECT id FROM {VIEW} WHERE day = '2024-01-02'") == [(3,)]


def test_at_an_absolute_path(table: VectorTable, tmp_path: Path) -> None:
    (vector,) = on_disk(tmp_path / "else where", [1], absolute=True)
    table.commit(
        table.protocol(),
        metadata(ID),
        table.write("a.parquet", numbers(0, 3), deletionVector=vector),
    )
    assert rows(table.route()) == [(0,), (2,)]


def test_a_later_vector_replaces_an_earlier_one(table: VectorTable) -> None:
    table.commit(
        table.protocol(),
        metadata(ID),
        table.write("a.parquet", numbers(0, 4), deletionVector=inline([0])),
    )
    add = table.add("a.parquet", deletionVector=inline([0, 2]))
    table.commit(removed("a.parquet", [0]), add)
    assert rows(table.route()) == [(1,), (3,)]
    assert rows(table.route(version=0)) == [(1,), (2,), (3,)]


def test_behind_a_checkpoint(table: VectorTable) -> None:
    table.commit(
        table.protocol(),
        metadata(ID),
        table.write("a.parquet", numbers(0, 4), deletionVector=inline([0, 3])),
    )
    DeltaTable(str(table.folder)).create_checkpoint()
    table.commit(table.write("b.parquet", numbers(9, 10)))
    (table.log / f"{0:020d}.json").unlink()
    assert rows(table.route()) == [(1,), (2,), (9,)]


@pytest.mark.parametrize("mode", ["name", "id"])
def test_with_column_mapping(table: VectorTable, mode: str) -> None:
    stored = pa.table(
        [pa.array(range(4), pa.int64())],
        schema=pa.schema([pa.field("col-1", pa.int64(), metadata={"PARQUET:field_id": "1"})]),
    )
    table.commit(
        table.protocol("columnMapping"),
        metadata(mapped("id", "long", 1), properties={"delta.columnMapping.mode": mode}),
        table.write("a.parquet", stored, deletionVector=inline([2])),
    )
    route = table.route()
    assert route.kind == "vectors"
    assert rows(route) == [(0,), (1,), (3,)]


def test_every_row_deleted(table: VectorTable) -> None:
    table.commit(
        table.protocol(),
        metadata(ID),
        table.write("a.parquet", numbers(0, 3), deletionVector=inline(range(3))),
    )
    assert rows(table.route()) == []


def test_positions_across_row_groups_and_filters(table: VectorTable) -> None:
    """Row groups skipped by a filter do not shift the positions of those that are read."""
    gone = {5, 2500, 7777, 9999}
    table.commit(
        table.protocol(),
        metadata(ID),
        table.write(
            "a.parquet",
            numbers(0, 10_000),
            deletionVector=inline(gone),
            parquet={"row_group_size": 1000},
        ),
    )
    query = f"SELECT count(*) FROM {VIEW} WHERE id >= 7000"
    assert rows(table.route(), query) == [(2998,)]
    query = f"SELECT id FROM {VIEW} WHERE id IN (5, 6, 7777, 7778, 9999) ORDER BY id"
    assert rows(table.route(), query) == [(6,), (7778,)]


def test_attaching_again_replaces_the_deleted_positions(table: VectorTable) -> None:
    table.commit(
        table.protocol(),
        metadata(ID),
        table.write("a.parquet", numbers(0, 3), deletionVector=inline([0])),
    )
    old = table.route()
    table.commit(removed("a.parquet", [0]), table.add("a.parquet", deletionVector=inline([0, 1])))
    with connect() as connection:
        old.attach(connection, VIEW)
        table.route().attach(connection, VIEW)
        table.route(version=0).attach(connection, '"before"')
        assert connection.execute(f"FROM {VIEW}").fetchall() == [(2,)]
        assert connection.execute('FROM "before"').fetchall() == [(1,), (2,)]


@pytest.mark.parametrize("runs", [False, True])
def test_every_kind_of_bitmap(table: VectorTable, runs: bool) -> None:
    """Array, bitset and run containers, and more than one of them."""
    gone = {*range(10, 20), *range(65536, 70536), *range(70537, 72000, 2), 199_999}
    table.commit(
        table.protocol(),
        metadata(ID),
        table.write("a.parquet", numbers(0, 200_000), deletionVector=inline(gone, runs=runs)),
    )
    kept = set(range(200_000)) - gone
    query = f"SELECT count(*), sum(id) FROM {VIEW}"
    assert rows(table.route(), query) == [(len(kept), sum(kept))]


def test_a_damaged_vector_file_is_refused(table: VectorTable) -> None:
    (vector,) = on_disk(table.folder, [1])
    (path,) = table.folder.glob("*.bin")
    content = bytearray(path.read_bytes())
    content[-6] ^= 1
    path.write_bytes(content)
    table.commit(
        table.protocol(),
        metadata(ID),
        table.write("a.parquet", numbers(0, 3), deletionVector=vector),
    )
    with pytest.raises(UnsupportedTableError, match="deletion vectors"):
        table.route()


def test_a_missing_vector_file_is_refused(table: VectorTable) -> None:
    (vector,) = on_disk(table.folder, [1])
    (path,) = table.folder.glob("*.bin")
    path.unlink()
    table.commit(
        table.protocol(),
        metadata(ID),
        table.write("a.parquet", numbers(0, 3), deletionVector=vector),
    )
    with pytest.raises(UnsupportedTableError, match="deletion vectors"):
        table.route()


def test_a_vector_beside_no_row_count(tmp_path: Path) -> None:
    """delta-rs asks for the count of rows; a writer may have left it out."""
    table = Handmade(tmp_path / "posts")
    table.commit(
        protocol("deletionVectors"),
        metadata(ID),
        table.write("a.parquet", numbers(0, 3), deletionVector=inline([1])),
    )
    assert rows(table.route()) == [(0,), (2,)]


def test_one_file_added_twice_is_refused(tmp_path: Path) -> None:
    table = Handmade(tmp_path / "posts")
    table.commit(
        protocol("deletionVectors"),
        metadata(ID),
        table.write("a.parquet", numbers(0, 3), deletionVector=inline([1])),
    )
    table.commit(table.add("a.parquet", deletionVector=inline([1, 2])))
    with pytest.raises(UnsupportedTableError, match="twice"):
        table.route()
