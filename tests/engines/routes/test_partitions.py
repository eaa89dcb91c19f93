"""Partition values: the log's text, exactly; the folders' names mean nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

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
    texts,
)
from lakelet.errors import LakeletError

ID = field("id", "long")

# type, then each value as the log writes it and as DuckDB must show it (instants in UTC)
CASES = {
    "decimal(10,2)": [("-2.20", "-2.20"), ("0.05", "0.05"), ("12345678.90", "12345678.90")],
    "decimal(38,18)": [
        (
            "-12345678901234567890.123456789012345678",
            "-12345678901234567890.123456789012345678",
        )
    ],
    "date": [
        ("2024-02-29", "2024-02-29"),
        ("0001-01-01", "0001-01-01"),
        ("9999-12-31", "9999-12-31"),
    ],
    "timestamp": [
        ("2024-01-01 00:00:00", "2024-01-01 00:00:00+00"),
        ("2024-01-01 00:00:00.5", "2024-01-01 00:00:00.5+00"),
        ("2024-07-01T12:00:00.123456Z", "2024-07-01 12:00:00.123456+00"),
        ("1969-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999+00"),
        ("1883-11-18 12:03:57", "1883-11-18 12:03:57+00"),
    ],
    "timestamp_ntz": [
        ("2024-03-10 02:30:00", "2024-03-10 02:30:00"),
        ("2024-01-01 00:00:00.000001", "2024-01-01 00:00:00.000001"),
    ],
    "boolean": [("true", "true"), ("false", "false")],
    "double": [
        ("NaN", "nan"),
        ("Infinity", "inf"),
        ("-Infinity", "-inf"),
        ("-0.0", "-0.0"),
        ("1.0E10", "10000000000.0"),
        ("0.1", "0.1"),
        ("1e-300", "1e-300"),
    ],
    "float": [("0.1", "0.1"), ("3.4028235E38", "3.4028235e+38")],
    "byte": [("-128", "-128")],
    "short": [("-32768", "-32768")],
    "integer": [("-2147483648", "-2147483648")],
    "long": [("-9223372036854775808", "-9223372036854775808")],
    "string": [
        ("a b/c=d%20e", "a b/c=d%20e"),
        ('it\'s "quoted" é 漢 🙂', 'it\'s "quoted" é 漢 🙂'),
        ("__HIVE_DEFAULT_PARTITION__", "__HIVE_DEFAULT_PARTITION__"),
        ("NULL", "NULL"),
        (" ", " "),
        ("", None),  # "Partition Value Serialization": empty means NULL, for every type
    ],
    "binary": [("abc", "abc"), ("\u0001", "\\x01"), ("\\u0061\\u0000\\u00FF", "a\\x00\\xFF")],
}


@pytest.fixture
def table(tmp_path: Path) -> Handmade:
    return Handmade(tmp_path / "posts")


def one(number: int) -> pa.Table:
    return pa.table({"id": pa.array([number], pa.int64())})


def fill(table: Handmade, kind: str, values: list[str | None]) -> None:
    first = protocol("timestampNtz") if kind == "timestamp_ntz" else protocol()
    adds = [
        table.write(f"f{number}.parquet", one(number), partition={"p": value})
        for number, value in enumerate(values)
    ]
    table.commit(first, metadata(ID, field("p", kind), partitions=["p"]), *adds)


@pytest.mark.parametrize("kind", CASES)
def test_every_type(table: Handmade, kind: str) -> None:
    values = [*(text for text, _ in CASES[kind]), None]
    fill(table, kind, values)
    expected = [*(shown for _, shown in CASES[kind]), None]
    route = table.route()
    assert route.kind == "files"
    assert sorted(texts(route)) == sorted((str(n), shown) for n, shown in enumerate(expected))


@pytest.mark.parametrize("kind", CASES)
def test_one_value_only(table: Handmade, kind: str) -> None:
    """A single value becomes a constant of the view: same type, same value."""
    written, shown = CASES[kind][0]
    fill(table, kind, [written])
    assert texts(table.route()) == [("0", shown)]
    assert rows(table.route(), f"SELECT id FROM {VIEW} WHERE p IS NULL") == []


def test_only_null(table: Handmade) -> None:
    fill(table, "date", [None])
    assert rows(table.route()) == [(0, None)]


def test_an_empty_text_means_null_on_the_scan_route_too(table: Handmade) -> None:
    stored = pa.table({"id": pa.array([1], pa.int64()), "ID": pa.array([2], pa.int64())})
    table.commit(
        protocol(),
        metadata(ID, field("p", "string"), partitions=["p"]),
        table.write("a.parquet", stored, partition={"p": ""}),
    )
    assert table.route().kind == "scan"
    assert rows(table.route()) == [(1, None)]


def test_the_folders_may_lie(table: Handmade) -> None:
    table.commit(
        protocol(),
        metadata(ID, field("p", "string"), partitions=["p"]),
        table.write("p=wrong/q=7/a.parquet", one(1), partition={"p": "right"}),
        table.write("b.parquet", one(2), partition={"p": "bare"}),
    )
    assert rows(table.route()) == [(1, "right"), (2, "bare")]


def test_a_column_of_that_name_inside_the_file_does_not_count(table: Handmade) -> None:
    stored = pa.table({"id": pa.array([1], pa.int64()), "p": ["from the file"]})
    table.commit(
        protocol(),
        metadata(ID, field("p", "string"), partitions=["p"]),
        table.write("a.parquet", stored, partition={"p": "from the log"}),
    )
    assert rows(table.route()) == [(1, "from the log")]


def test_nothing_but_partition_columns_is_asked_for(table: Handmade) -> None:
    fill(table, "string", ["a", "b", "a"])
    query = f"SELECT p, count(*) FROM {VIEW} GROUP BY p ORDER BY p"
    assert rows(table.route(), query) == [("a", 2), ("b", 1)]


def test_several_columns_in_the_table_s_order(table: Handmade) -> None:
    table.commit(
        protocol(),
        metadata(
            field("p", "integer"),
            ID,
            field("q", "date"),
            partitions=["q", "p"],
        ),
        table.write("a.parquet", one(1), partition={"p": "1", "q": "2024-01-01"}),
        table.write("b.parquet", one(2), partition={"p": "2", "q": None}),
    )
    route = table.route()
    assert [name for name, _ in route.columns] == ["p", "id", "q"]
    assert texts(route) == [("1", "1", "2024-01-01"), ("2", "2", None)]


def test_partition_columns_named_like_duckdb_s_own(table: Handmade) -> None:
    stored = pa.table({"filename": ["mine"], "file_row_number": pa.array([7], pa.int64())})
    fields = [field("filename", "string"), field("file_row_number", "long")]
    table.commit(
        protocol(),
        metadata(*fields, field("file_index", "long"), partitions=["file_index"]),
        table.write("a.parquet", stored, partition={"file_index": "1"}),
        table.write("b.parquet", stored, partition={"file_index": "2"}),
    )
    assert rows(table.route()) == [("mine", 7, 1), ("mine", 7, 2)]


HIVE = {
    "decimal(10,2)": [("-2.20", "-2.20"), ("0.05", "0.05")],
    "date": [("2024-02-29", "2024-02-29"), ("0001-01-01", "0001-01-01")],
    "timestamp": [("2024-01-01 00:00:00", "2024-01-01%2000%3A00%3A00")],
    "timestamp_ntz": [("2024-01-01 00:00:00", "2024-01-01%2000%3A00%3A00")],
    "integer": [("7", "7"), ("-7", "-7")],
    "double": [("NaN", "NaN"), ("1.0E10", "1.0E10"), ("0.1", "0.1")],
    "boolean": [("true", "true")],
    "string": [("a b/c=d%41", "a%20b%2Fc%3Dd%2541"), ("é+", "é+"), ("x", "x"), ("", "")],
    "binary": [("abc", "abc")],
}


@pytest.mark.parametrize("kind", HIVE)
def test_in_the_usual_folders(tmp_path: Path, kind: str) -> None:
    """The folders' names are used only where they say what the log says; never another result."""
    in_folders, flat = Handmade(tmp_path / "folders"), Handmade(tmp_path / "flat")
    first = protocol("timestampNtz") if kind == "timestamp_ntz" else protocol()
    start = [first, metadata(ID, field("p", kind), partitions=["p"])]
    adds: list[Action] = []
    flat_adds: list[Action] = []
    cases = [*HIVE[kind], (None, "__HIVE_DEFAULT_PARTITION__")]
    for number, (value, folder) in enumerate(cases):
        true_path = f"p={folder}/{number}.parquet"
        in_folders.file(true_path, one(number))
        path = true_path.replace("%", "%25")
        adds.append(in_folders.add(path, true_path=true_path, partition={"p": value}))
        flat_adds.append(flat.write(f"{number}.parquet", one(number), partition={"p": value}))
    in_folders.commit(*start, *adds)
    flat.commit(*start, *flat_adds)
    assert texts(in_folders.route()) == texts(flat.route())
    for number in range(len(cases)):
        query = f"SELECT p FROM {VIEW} WHERE id = {number} AND p = p"
        assert str(rows(in_folders.route(), query)) == str(rows(flat.route(), query))


def test_a_folder_above_the_table_that_looks_like_a_partition(tmp_path: Path) -> None:
    """DuckDB left to itself would put 3 into every row's ``id``."""
    table = Handmade(tmp_path / "id=3" / "posts")
    table.commit(protocol(), metadata(ID), table.write("a.parquet", one(1)))
    assert rows(table.route()) == [(1,)]
    table.commit(
        metadata(ID, field("p", "string"), partitions=["p"]),
        table.write("p=x/b.parquet", one(2), partition={"p": "x"}),
    )
    assert rows(table.route()) == [(1, None), (2, "x")]


def test_folders_inside_an_unpartitioned_table(table: Handmade) -> None:
    table.commit(protocol(), metadata(ID), table.write("id=3/a.parquet", one(1)))
    assert rows(table.route()) == [(1,)]


def test_a_filter_on_folders_skips_whole_files(table: Handmade) -> None:
    adds = []
    for day in range(1, 21):
        date = f"2024-01-{day:02d}"
        adds.append(table.write(f"p={date}/a.parquet", one(day), partition={"p": date}))
    table.commit(protocol(), metadata(ID, field("p", "date"), partitions=["p"]), *adds)
    with connect() as connection:
        table.route().attach(connection, VIEW)
        query = f"EXPLAIN ANALYZE SELECT id FROM {VIEW} WHERE p >= DATE '2024-01-19'"
        plan = connection.execute(query).fetchall()[0][1]
    assert "Row Groups Scanned: 2 / 2" in plan


def test_a_filter_skips_whole_files(table: Handmade) -> None:
    fill(table, "date", [f"2024-01-{day:02d}" for day in range(1, 21)])
    with connect() as connection:
        table.route().attach(connection, VIEW)
        query = f"EXPLAIN ANALYZE SELECT id FROM {VIEW} WHERE p >= DATE '2024-01-19'"
        plan = connection.execute(query).fetchall()[0][1]
    assert "Row Groups Scanned: 2 / 2" in plan


@pytest.mark.parametrize("mode", ["name", "id"])
def test_with_column_mapping(table: Handmade, mode: str) -> None:
    """The log keys partition values by the physical name."""
    stored = pa.table(
        [pa.array([1], pa.int64())],
        schema=pa.schema([pa.field("col-1", pa.int64(), metadata={"PARQUET:field_id": "1"})]),
    )
    table.commit(
        protocol("columnMapping"),
        metadata(
            mapped("id", "long", 1),
            mapped("p", "decimal(5,1)", 2),
            partitions=["p"],
            properties={"delta.columnMapping.mode": mode},
        ),
        table.write("a.parquet", stored, partition={"col-2": "-1.5"}),
    )
    assert texts(table.route()) == [("1", "-1.5")]


def test_a_value_that_is_not_of_its_type_is_refused(table: Handmade) -> None:
    with pytest.raises(LakeletError):
        fill(table, "date", ["yesterday"])
        table.route()


def test_what_delta_rs_writes_comes_back(tmp_path: Path) -> None:
    source = pa.table(
        {
            "id": pa.array([1, 2, 3], pa.int64()),
            "word": ["a b/%=é", "it's", None],
            "raw": pa.array([b"a\x00\xff", b"\\u0041x", None]),
            "at": pa.array([0, 1_000_001, None], pa.timestamp("us", "UTC")),
        }
    )
    location = str(tmp_path / "posts")
    write_deltalake(location, source, partition_by=["word", "raw", "at"])
    added = (tmp_path / "posts/_delta_log" / f"{0:020d}.json").read_text().splitlines()
    assert sum("add" in json.loads(line) for line in added) == 3
    from lakelet.engines.routes import open_snapshot, plan_route

    assert DeltaTable(location).version() == 0
    assert texts(plan_route(open_snapshot(location))) == [
        ("1", "a b/%=é", "a\\x00\\xFF", "1970-01-01 00:00:00+00"),
        ("2", "it's", "\\x5Cu0041x", "1970-01-01 00:00:01.000001+00"),
        ("3", None, None, None),
    ]
