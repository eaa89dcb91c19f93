"""Tables that other engines wrote are read from a bucket as exactly as from disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake

from engines.routes.handmade import field, metadata
from engines.routes.handmade_vectors import inline, on_disk
from engines.routes.test_vectors import ID, VectorTable, numbers
from lakelet.errors import StorageError, UnsupportedTableError
from lakelet.session import Workspace
from storage.conftest import PUT, Server, root_of


def upload(s3: Server, folder: Path, uri: str) -> str:
    for path in folder.rglob("*"):
        if path.is_file():
            s3.put(f"{uri}/{path.relative_to(folder)}", path.read_bytes())
    return uri


@pytest.mark.parametrize("features", [(), ("vacuumProtocolCheck",)])
def test_deletion_vectors(
    s3: Server, bucket_ws: Workspace, tmp_path: Path, features: tuple[str, ...]
) -> None:
    table = VectorTable(tmp_path / "posts", features)
    first, second = on_disk(table.folder, [0], [1, 2], prefix="ab")
    dated, undated = {"day": "2026-01-01"}, {"day": None}
    table.commit(
        table.protocol(),
        metadata(ID, field("day", "date"), partitions=["day"]),
        table.write("a.parquet", numbers(0, 3), partition=dated, deletionVector=first),
        table.write("b.parquet", numbers(3, 6), partition=undated, deletionVector=second),
        table.write("c.parquet", numbers(6, 9), partition=undated, deletionVector=inline([0])),
    )
    place = upload(s3, table.folder, f"{root_of(bucket_ws)}/elsewhere/posts")
    rows = bucket_ws.sql(f"SELECT id, day IS NULL FROM delta.`{place}` ORDER BY id").rows()
    assert rows == [(1, False), (2, False), (3, True), (7, True), (8, True)]


def test_partitions_with_special_characters(
    s3: Server, bucket_ws: Workspace, tmp_path: Path
) -> None:
    import pyarrow as pa

    values = ["a b", "x=y", "50%", "ü", "a/b", "?#[1]*", None]
    frame = pa.table({"id": range(7), "part": pa.array(values)})
    write_deltalake(tmp_path / "posts", frame, partition_by=["part"])
    place = upload(s3, tmp_path / "posts", f"{root_of(bucket_ws)}/elsewhere/posts")
    rows = bucket_ws.sql(f"SELECT id, part FROM delta.`{place}` ORDER BY id").rows()
    assert rows == list(enumerate(values))


def test_a_log_that_lost_its_beginning(s3: Server, bucket_ws: Workspace, tmp_path: Path) -> None:
    for start in (0, 3):
        write_deltalake(tmp_path / "posts", numbers(start, start + 3), mode="append")
    place = upload(s3, tmp_path / "posts", f"{root_of(bucket_ws)}/elsewhere/lost")
    storage = s3.storage(root_of(bucket_ws)[5:])
    storage.remove(PUT, f"{place}/_delta_log/{0:020d}.json")
    with pytest.raises((UnsupportedTableError, StorageError)):
        bucket_ws.sql(f"SELECT * FROM delta.`{place}`")

    DeltaTable(tmp_path / "posts").create_checkpoint()
    place = upload(s3, tmp_path / "posts", f"{root_of(bucket_ws)}/elsewhere/kept")
    storage.remove(PUT, f"{place}/_delta_log/{0:020d}.json")
    assert bucket_ws.sql(f"SELECT count(*) FROM delta.`{place}`").rows() == [(6,)]


def test_a_data_file_that_is_gone(s3: Server, bucket_ws: Workspace, tmp_path: Path) -> None:
    write_deltalake(tmp_path / "posts", numbers(0, 3))
    place = upload(s3, tmp_path / "posts", f"{root_of(bucket_ws)}/elsewhere/posts")
    storage = s3.storage(root_of(bucket_ws)[5:])
    (data,) = [e.path for e in storage.files(place) if e.path.endswith(".parquet")]
    storage.remove(PUT, data)
    with pytest.raises(StorageError, match="is not there") as raised:
        bucket_ws.sql(f"SELECT * FROM delta.`{place}`")
    assert "Traceback" not in str(raised.value)


def test_a_pattern_of_a_bucket(s3: Server, bucket_ws: Workspace) -> None:
    root = root_of(bucket_ws)
    for name in ("a.json", "deep/b.json", "deep/er/c.json", "deep/d.txt"):
        s3.put(f"{root}/raw/{name}", '{"n": 1}')
    assert len(bucket_ws.load(f"{root}/raw/*.json", into="t.one").entries) == 1
    assert len(bucket_ws.load("raw:**/*.json", into="t.all").entries) == 3
    assert len(bucket_ws.load("raw:deep/*.json", into="t.deep").entries) == 1
