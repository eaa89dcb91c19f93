"""Checkpoints of every kind: classic, in parts, version 2 with sidecars."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from engines.routes.handmade import Action, Handmade, field, metadata, protocol, rows
from engines.routes.handmade_vectors import inline

ID = field("id", "long")
VECTOR = pa.struct(
    [
        ("storageType", pa.string()),
        ("pathOrInlineDv", pa.string()),
        ("offset", pa.int32()),
        ("sizeInBytes", pa.int32()),
        ("cardinality", pa.int64()),
    ]
)
TEXTS = pa.map_(pa.string(), pa.string())
COLUMNS = {
    "protocol": pa.struct(
        [
            ("minReaderVersion", pa.int32()),
            ("minWriterVersion", pa.int32()),
            ("readerFeatures", pa.list_(pa.string())),
            ("writerFeatures", pa.list_(pa.string())),
        ]
    ),
    "metaData": pa.struct(
        [
            ("id", pa.string()),
            ("format", pa.struct([("provider", pa.string()), ("options", TEXTS)])),
            ("schemaString", pa.string()),
            ("partitionColumns", pa.list_(pa.string())),
            ("configuration", TEXTS),
            ("createdTime", pa.int64()),
        ]
    ),
    "add": pa.struct(
        [
            ("path", pa.string()),
            ("partitionValues", TEXTS),
            ("size", pa.int64()),
            ("modificationTime", pa.int64()),
            ("dataChange", pa.bool_()),
            ("stats", pa.string()),
            ("deletionVector", VECTOR),
        ]
    ),
    "checkpointMetadata": pa.struct([("version", pa.int64()), ("tags", TEXTS)]),
    "sidecar": pa.struct(
        [
            ("path", pa.string()),
            ("sizeInBytes", pa.int64()),
            ("modificationTime", pa.int64()),
            ("tags", TEXTS),
        ]
    ),
}


def write_checkpoint(path: Path, *actions: Action, columns: tuple[str, ...]) -> None:
    """Actions as rows of a Parquet checkpoint."""
    path.parent.mkdir(exist_ok=True)
    schema = pa.schema([(name, COLUMNS[name]) for name in columns])

    def as_arrow(action: Any) -> dict[str, Any]:
        ((name, body),) = action.items()
        pairs = {k: list(v.items()) for k, v in body.items() if k in MAPS and isinstance(v, dict)}
        if name == "metaData":
            pairs["format"] = {"provider": "parquet", "options": []}
        return {name: {**body, **pairs}}

    pq.write_table(pa.Table.from_pylist([as_arrow(a) for a in actions], schema=schema), path)


MAPS = ("partitionValues", "configuration", "tags")
FEATURES = ("deletionVectors", "v2Checkpoint")


@pytest.fixture(params=["delta-rs decodes", "Lakelet decodes"])
def first(request: pytest.FixtureRequest) -> Action:
    extra = ("vacuumProtocolCheck",) if request.param == "Lakelet decodes" else ()
    return protocol(*FEATURES, *extra)


@pytest.fixture
def table(tmp_path: Path) -> Handmade:
    return Handmade(tmp_path / "posts")


def files(table: Handmade) -> list[Action]:
    """Three files of three rows; of the first the middle row is deleted."""
    adds = []
    for number in range(3):
        numbers = pa.array(range(number * 10, number * 10 + 3), pa.int64())
        vector = {"deletionVector": inline([1])} if number == 0 else {}
        stats = json.dumps({"numRecords": 3})
        adds.append(
            table.write(f"{number}.parquet", pa.table({"id": numbers}), stats=stats, **vector)
        )
    return adds


EXPECTED = [(0,), (2,), (10,), (11,), (12,), (20,), (21,), (22,)]


def later(table: Handmade) -> None:
    """One more commit after the checkpoint at version 1, and the log before it trimmed."""
    numbers = pa.array([99], pa.int64())
    stats = json.dumps({"numRecords": 1})
    table.commit(table.write("late.parquet", pa.table({"id": numbers}), stats=stats), version=2)


def test_classic(table: Handmade, first: Action) -> None:
    actions = [first, metadata(ID), *files(table)]
    path = table.log / f"{1:020d}.checkpoint.parquet"
    write_checkpoint(path, *actions, columns=("protocol", "metaData", "add"))
    later(table)
    assert rows(table.route()) == [*EXPECTED, (99,)]
    assert rows(table.route(version=1)) == EXPECTED


def test_classic_without_a_field_for_vectors(table: Handmade) -> None:
    adds = files(table)[1:]
    table.commit(protocol(*FEATURES), metadata(ID), *adds)
    DeltaTable(str(table.folder)).create_checkpoint()
    (table.log / f"{0:020d}.json").unlink()
    assert rows(table.route()) == EXPECTED[2:]


def test_in_parts(table: Handmade, first: Action) -> None:
    adds = files(table)
    parts = [[first, metadata(ID)], adds[:1], adds[1:]]
    for number, actions in enumerate(parts, start=1):
        path = table.log / f"{1:020d}.checkpoint.{number:010d}.{3:010d}.parquet"
        write_checkpoint(path, *actions, columns=("protocol", "metaData", "add"))
    later(table)
    assert rows(table.route()) == [*EXPECTED, (99,)]


@pytest.mark.parametrize("kind", ["parquet", "json"])
def test_version_2_with_sidecars(table: Handmade, first: Action, kind: str) -> None:
    adds = files(table)
    sidecars: list[Action] = []
    for actions in (adds[:1], adds[1:]):
        name = f"{uuid.uuid4()}.parquet"
        path = table.log / "_sidecars" / name
        write_checkpoint(path, *actions, columns=("add",))
        size = path.stat().st_size
        sidecars.append({"sidecar": {"path": name, "sizeInBytes": size, "modificationTime": 1}})
    top = [{"checkpointMetadata": {"version": 1}}, first, metadata(ID), *sidecars]
    path = table.log / f"{1:020d}.checkpoint.{uuid.uuid4()}.{kind}"
    if kind == "json":
        path.write_text("".join(json.dumps(action) + "\n" for action in top))
    else:
        columns = ("protocol", "metaData", "checkpointMetadata", "sidecar")
        write_checkpoint(path, *top, columns=columns)
    later(table)
    assert rows(table.route()) == [*EXPECTED, (99,)]
    assert rows(table.route(version=1)) == EXPECTED


def test_a_checkpoint_missing_one_part_is_not_used(table: Handmade, first: Action) -> None:
    table.commit(first, metadata(ID), *files(table))
    table.commit({"commitInfo": {"timestamp": 1}})
    path = table.log / f"{1:020d}.checkpoint.{1:010d}.{2:010d}.parquet"
    write_checkpoint(path, first, metadata(ID), columns=("protocol", "metaData", "add"))
    later(table)
    assert rows(table.route()) == [*EXPECTED, (99,)]


def test_a_checkpoint_missing_one_part_cannot_replace_the_log(table: Handmade) -> None:
    from lakelet.errors import UnsupportedTableError

    path = table.log / f"{1:020d}.checkpoint.{1:010d}.{2:010d}.parquet"
    write_checkpoint(path, protocol(), metadata(ID), columns=("protocol", "metaData", "add"))
    table.commit(protocol(), metadata(ID), version=2)
    with pytest.raises(UnsupportedTableError):
        table.route()
