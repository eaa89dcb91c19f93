"""The fast route: when it is taken, what it costs, and that DuckDB keeps its freedom in it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from engines.routes.handmade import (
    VIEW,
    Handmade,
    array,
    connect,
    field,
    mapping,
    metadata,
    protocol,
    rows,
    struct,
)
from lakelet.engines.routes import open_snapshot, plan_route, to_duckdb_type
from lakelet.errors import StorageError, UnsupportedTableError

ID = field("id", "long")


@pytest.fixture
def table(tmp_path: Path) -> Handmade:
    return Handmade(tmp_path / "posts")


def numbers(*values: int) -> pa.Table:
    return pa.table({"id": pa.array(values, pa.int64())})


def test_a_plain_table_written_by_delta_rs_takes_the_fast_route(tmp_path: Path) -> None:
    source = pa.table(
        {
            "id": pa.array([1, 2], pa.int64()),
            "word": ["x", None],
            "price": pa.array([1, None], pa.decimal128(10, 2)),
            "day": pa.array([0, None], pa.date32()),
            "at": pa.array([0, None], pa.timestamp("us", "UTC")),
            "clock": pa.array([0, None], pa.timestamp("us")),
            "raw": [b"\x00", None],
            "yes": [True, None],
            "tags": [["a"], None],
            "author": [{"name": "n"}, None],
            "kind": ["p", "q"],
        }
    )
    location = str(tmp_path / "posts")
    write_deltalake(location, source, partition_by=["kind"])
    for _ in range(2):
        write_deltalake(location, source, mode="append")
    route = plan_route(open_snapshot(location))
    assert route.kind == "files"
    assert "directly" in route.reason
    assert rows(route, f"SELECT count(*), count(id) FROM {VIEW}") == [(6, 6)]


@pytest.mark.parametrize("feature", ["v2Checkpoint", "vacuumProtocolCheck", "timestampNtz"])
def test_features_that_leave_files_alone_take_it_too(table: Handmade, feature: str) -> None:
    table.commit(protocol(feature), metadata(ID), table.write("a.parquet", numbers(1)))
    assert table.route().kind == "files"
    assert rows(table.route()) == [(1,)]


def test_filters_and_projections_reach_the_files(table: Handmade) -> None:
    """No cast, no projection step in between; row groups are skipped by their statistics."""
    stored = pa.table({"id": range(10_000), "word": ["x"] * 10_000})
    table.commit(
        protocol(),
        metadata(ID, field("word", "string")),
        table.write("a.parquet", stored, parquet={"row_group_size": 1000}),
    )
    with connect() as connection:
        table.route().attach(connection, VIEW)
        query = f"EXPLAIN ANALYZE SELECT id FROM {VIEW} WHERE id > 9500"
        plan = connection.execute(query).fetchall()[0][1]
    assert "Filters: id > 9500" in plan
    assert "CAST" not in plan
    assert "Filter ─" not in plan
    assert "word" not in plan
    assert "Row Groups Scanned: 1 / 10" in plan


def test_statistics_of_the_files_reach_the_planner(table: Handmade) -> None:
    """What DuckDB knows of its own ``read_parquet`` it must know here: instructions hide it."""
    table.commit(protocol(), metadata(ID), table.write("a.parquet", numbers(1, 2, 3)))
    with connect() as connection:
        table.route().attach(connection, VIEW)
        plan = connection.execute(f"EXPLAIN SELECT * FROM {VIEW} WHERE id > 3").fetchall()[0][1]
    assert "Empty Result" in plan


def test_files_whose_columns_stand_in_another_order(table: Handmade) -> None:
    table.commit(
        protocol(),
        metadata(ID, field("word", "string")),
        table.write("a.parquet", pa.table({"word": ["x"], "id": [1]})),
        table.write("b.parquet", pa.table({"id": [2], "extra": [0.5], "word": ["y"]})),
    )
    assert rows(table.route()) == [(1, "x"), (2, "y")]


def test_a_table_without_a_single_file(table: Handmade) -> None:
    table.commit(
        protocol("timestampNtz"),
        metadata(
            ID,
            field("when", "timestamp"),
            field("clock", "timestamp_ntz"),
            field("s", struct(field("a b", array("decimal(5,1)")))),
            field("m", mapping("string", "date")),
            field("p", "string"),
            partitions=["p"],
        ),
    )
    route = table.route()
    assert route.kind == "empty"
    assert route.columns == (
        ("id", "BIGINT"),
        ("when", "TIMESTAMP WITH TIME ZONE"),
        ("clock", "TIMESTAMP"),
        ("s", 'STRUCT("a b" DECIMAL(5,1)[])'),
        ("m", "MAP(VARCHAR, DATE)"),
        ("p", "VARCHAR"),
    )
    assert rows(route) == []
    assert rows(route, f"SELECT count(*) FROM {VIEW} a JOIN {VIEW} b USING (id)") == [(0,)]


def test_a_table_whose_files_are_all_removed(table: Handmade) -> None:
    table.commit(protocol(), metadata(ID), table.write("a.parquet", numbers(1)))
    remove = {"remove": {"path": "a.parquet", "dataChange": True, "deletionTimestamp": 1}}
    table.commit(remove)
    assert table.route().kind == "empty"
    assert rows(table.route()) == []
    assert rows(table.route(version=0)) == [(1,)]


def test_files_without_rows(table: Handmade) -> None:
    table.commit(protocol(), metadata(ID), table.write("a.parquet", numbers()))
    assert rows(table.route()) == []


PATHS = {
    "a b.parquet": "a%20b.parquet",
    "per%20cent.parquet": "per%2520cent.parquet",
    'it\'s "q".parquet': "it's%20%22q%22.parquet",
    "é漢.parquet": "%C3%A9%E6%BC%A2.parquet",
    "plus+and&.parquet": "plus+and&.parquet",
    "question?hash#.parquet": "question%3Fhash%23.parquet",
    "star*.parquet": "star*.parquet",
    "set[1].parquet": "set[1].parquet",
    "set[1-3].parquet": "set%5B1-3%5D.parquet",
    "{a,b}.parquet": "%7Ba,b%7D.parquet",
    "back\\slash.parquet": "back%5Cslash.parquet",
    "deep/er/colon:.parquet": "deep/er/colon%3A.parquet",
    "~tilde.parquet": "~tilde.parquet",
}


def test_paths_with_every_kind_of_character(table: Handmade) -> None:
    """Also names that a careless reader takes for patterns matching the decoys."""
    adds = []
    for number, (true_path, path) in enumerate(PATHS.items()):
        table.file(true_path, numbers(number))
        adds.append(table.add(path, true_path=true_path))
    for decoy in ("starry.parquet", "set1.parquet", "set2.parquet", "a.parquet", "b.parquet"):
        table.file(decoy, numbers(-1))
    table.commit(protocol(), metadata(ID), *adds)
    assert table.route().kind == "files"
    assert rows(table.route()) == [(number,) for number in range(len(PATHS))]


@pytest.mark.parametrize("name", ["sp ace", "é漢", "set[1]", "star*", "quo'te", "hash#?"])
def test_folders_with_every_kind_of_character(tmp_path: Path, name: str) -> None:
    table = Handmade(tmp_path / name)
    table.file("b%20c.parquet", numbers(1))
    table.commit(
        protocol(),
        metadata(ID, field("p", "string"), partitions=["p"]),
        table.add("b%2520c.parquet", true_path="b%20c.parquet", partition={"p": "x"}),
        table.write("a.parquet", numbers(2), partition={"p": "y"}),
    )
    assert rows(table.route()) == [(1, "x"), (2, "y")]


def test_absolute_paths(table: Handmade, tmp_path: Path) -> None:
    """``file_uris()`` would join these to the table's own folder."""
    other = tmp_path / "else where%"
    other.mkdir()
    adds = []
    for number, name in enumerate(["a", "b", "c"]):
        table.file(f"../else where%/{name}.parquet", numbers(number))
        place = other / f"{name}.parquet"
        escaped = place.as_uri()
        path = [escaped, escaped.removeprefix("file://"), escaped.replace("file://", "file:")]
        adds.append(table.add(path[number], true_path=str(place)))
    table.commit(protocol(), metadata(ID), *adds)
    assert rows(table.route()) == [(0,), (1,), (2,)]


def test_a_damaged_data_file_is_named(table: Handmade) -> None:
    table.commit(protocol(), metadata(ID), table.write("a.parquet", numbers(1)))
    (table.folder / "a.parquet").write_bytes(b"not Parquet at all")
    with pytest.raises(StorageError, match=r"a\.parquet"):
        table.route()


def test_a_file_rewritten_under_its_name_is_looked_at_again(table: Handmade) -> None:
    """Footers are remembered by name, size and time; nothing else may answer for a new table."""
    table.commit(protocol(), metadata(ID), table.write("a.parquet", numbers(1)))
    assert table.route().kind == "files"
    unmarked = pa.table({"id": [b"bytes that are no number at all"]})
    table.commit(metadata(ID), table.write("a.parquet", unmarked), version=0)
    table.commit(protocol(), metadata(ID), table.add("a.parquet"), version=0)
    assert table.route().kind == "scan"


@pytest.mark.parametrize(
    "stats", ["garbage", "", "{}", '{"numRecords":"x"}', '{"minValues":{"id":"abc"}}']
)
def test_malformed_statistics_do_no_harm(table: Handmade, stats: str) -> None:
    """delta-rs' own scan cannot read some of these; statistics are advice, and not taken here."""
    table.commit(protocol(), metadata(ID), table.write("a.parquet", numbers(7), stats=stats))
    assert rows(table.route(), f"SELECT id FROM {VIEW} WHERE id > 5") == [(7,)]


def test_statistics_that_lie_do_no_harm(table: Handmade) -> None:
    lie = '{"numRecords":9,"minValues":{"id":100},"maxValues":{"id":200},"nullCount":{"id":0}}'
    table.commit(protocol(), metadata(ID), table.write("a.parquet", numbers(7), stats=lie))
    assert rows(table.route(), f"SELECT id FROM {VIEW} WHERE id < 50") == [(7,)]
    assert rows(table.route(), f"SELECT count(*) FROM {VIEW}") == [(1,)]


def test_types_with_no_equal_in_duckdb_are_refused(table: Handmade) -> None:
    table.commit(protocol(), metadata(ID, field("nothing", "void")))
    with pytest.raises(UnsupportedTableError, match=r"column 'nothing'.*void"):
        table.route()


def test_to_duckdb_type_of_every_primitive() -> None:
    from deltalake.schema import PrimitiveType

    shown = {
        name: to_duckdb_type(PrimitiveType(name))
        for name in ("string", "long", "timestamp", "timestamp_ntz", "decimal(38,10)", "binary")
    }
    assert shown == {
        "string": "VARCHAR",
        "long": "BIGINT",
        "timestamp": "TIMESTAMP WITH TIME ZONE",
        "timestamp_ntz": "TIMESTAMP",
        "decimal(38,10)": "DECIMAL(38,10)",
        "binary": "BLOB",
    }


def test_a_connection_of_the_caller_reads_the_footers_and_stays_as_it_was(table: Handmade) -> None:
    table.commit(
        protocol(),
        metadata(ID, field("p", "timestamp"), partitions=["p"]),
        table.write("a.parquet", numbers(1), partition={"p": "2024-01-01 00:00:00"}),
        table.write("b.parquet", numbers(2), partition={"p": "2024-01-02 00:00:00"}),
    )
    with connect("Asia/Tokyo") as connection:
        route = plan_route(open_snapshot(str(table.folder)), connection)
        zone = connection.execute("SELECT current_setting('TimeZone')").fetchall()
        route.attach(connection, VIEW)
        found = connection.execute(f"SELECT id, epoch(p) FROM {VIEW} ORDER BY id").fetchall()
    assert zone == [("Asia/Tokyo",)]
    assert found == [(1, 1704067200), (2, 1704153600)]
