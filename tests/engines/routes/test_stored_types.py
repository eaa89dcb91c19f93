"""How files store a column, and what of it DuckDB may read itself."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

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
    texts,
)
from lakelet.errors import UnsupportedTableError

ID = field("id", "long")
NOON = dt.datetime(2024, 7, 1, 12, 0, 0, 123456)


@pytest.fixture
def table(tmp_path: Path) -> Handmade:
    return Handmade(tmp_path / "posts")


def clock(unit: str, zone: str | None = None) -> pa.Table:
    values = pa.array([NOON, dt.datetime(1900, 1, 1), None], pa.timestamp("us"))
    return pa.table({"seen": values.cast(pa.timestamp(unit, zone), safe=False)})


@pytest.mark.parametrize(
    ("stored", "options", "shown"),
    [
        (clock("us", "UTC"), {}, "12:00:00.123456"),
        (clock("ms", "UTC"), {}, "12:00:00.123"),
        (clock("us"), {"use_deprecated_int96_timestamps": True}, "12:00:00.123456"),
        (clock("us"), {}, "12:00:00.123456"),
    ],
    ids=["micros", "millis", "int96", "no zone marked"],
)
def test_instants(table: Handmade, stored: pa.Table, options: Any, shown: str) -> None:
    table.commit(
        protocol(),
        metadata(field("seen", "timestamp")),
        table.write("a.parquet", stored, parquet=options),
    )
    route = table.route()
    assert route.kind == "files"
    assert texts(route) == [("1900-01-01 00:00:00+00",), (f"2024-07-01 {shown}+00",), (None,)]
    query = f"SELECT count(*) FROM {VIEW} WHERE seen > TIMESTAMPTZ '2024-07-01 11:59:59+00'"
    assert rows(route, query) == [(1,)]


def test_files_of_every_encoding_in_one_table(table: Handmade) -> None:
    adds = [
        table.write("a.parquet", clock("us", "UTC").slice(0, 1)),
        table.write(
            "b.parquet", clock("us").slice(0, 1), parquet={"use_deprecated_int96_timestamps": True}
        ),
        table.write("c.parquet", clock("us").slice(0, 1)),
        table.write("d.parquet", pa.table({"other": [1]})),
    ]
    table.commit(protocol(), metadata(field("seen", "timestamp")), *adds)
    shown = ("2024-07-01 12:00:00.123456+00",)
    assert texts(table.route()) == [shown, shown, shown, (None,)]


def test_wall_clocks_stay_wall_clocks(table: Handmade) -> None:
    table.commit(
        protocol("timestampNtz"),
        metadata(field("seen", "timestamp_ntz")),
        table.write("a.parquet", clock("us")),
        table.write("b.parquet", clock("ms")),
    )
    assert table.route().columns == (("seen", "TIMESTAMP"),)
    assert texts(table.route()) == [
        ("1900-01-01 00:00:00",),
        ("1900-01-01 00:00:00",),
        ("2024-07-01 12:00:00.123",),
        ("2024-07-01 12:00:00.123456",),
        (None,),
        (None,),
    ]


def test_the_session_s_zone_changes_no_instant(table: Handmade) -> None:
    table.commit(
        protocol(),
        metadata(field("seen", "timestamp")),
        table.write("a.parquet", clock("us"), parquet={"use_deprecated_int96_timestamps": True}),
    )
    seen = set()
    for zone in ("UTC", "Asia/Tokyo", "America/New_York"):
        with connect(zone) as connection:
            table.route().attach(connection, VIEW)
            seen.add(tuple(connection.execute(f"SELECT epoch_us(seen) FROM {VIEW}").fetchall()))
    assert len(seen) == 1


def test_unmarked_bytes_for_text(table: Handmade) -> None:
    """Old writers left text unmarked; DuckDB's own conversion would escape it."""
    stored = pa.table({"word": pa.array(["é".encode(), b"plain", None])})
    table.commit(protocol(), metadata(field("word", "string")), table.write("a.parquet", stored))
    route = table.route()
    assert route.kind == "scan"
    assert "BLOB" in route.reason
    assert rows(route) == [("plain",), ("é",), (None,)]


def test_columns_added_later_are_null_in_old_files(table: Handmade) -> None:
    old = pa.table({"id": pa.array([1], pa.int64())})
    new = pa.table({"word": ["x"], "id": pa.array([2], pa.int64())})
    later = [ID, field("word", "string"), field("nowhere", "decimal(9,3)")]
    table.commit(protocol(), metadata(ID), table.write("a.parquet", old))
    table.commit(metadata(*later), table.write("b.parquet", new))
    route = table.route()
    assert route.kind == "files"
    assert rows(route) == [(1, None, None), (2, "x", None)]
    assert rows(route, f"SELECT id FROM {VIEW} WHERE word IS NULL") == [(1,)]
    assert rows(table.route(version=0)) == [(1,)]


def test_columns_dropped_later_are_not_shown(table: Handmade) -> None:
    stored = pa.table({"id": pa.array([1], pa.int64()), "gone": ["x"]})
    table.commit(protocol(), metadata(ID), table.write("a.parquet", stored))
    assert rows(table.route()) == [(1,)]


def test_nested_fields_added_later_and_in_another_order(table: Handmade) -> None:
    old = pa.table(
        {
            "author": [{"name": "a", "age": 1}, None],
            "tags": [[{"t": "x"}], None],
            "counts": pa.array([[("k", {"n": 1})], None], _map(pa.struct([("n", pa.int64())]))),
        }
    )
    inner = pa.struct([("more", pa.string()), ("n", pa.int64())])
    new = pa.table(
        {
            "author": ["to be replaced"],
            "tags": [[{"weight": 0.5, "t": "y"}, None]],
            "counts": pa.array([[("k", {"more": "w", "n": 2})]], _map(inner)),
        }
    )
    new = new.set_column(
        0,
        "author",
        pa.array(
            [{"mail": "m", "age": None, "name": "b"}],
            pa.struct([("mail", pa.string()), ("age", pa.int64()), ("name", pa.string())]),
        ),
    )
    table.commit(
        protocol(),
        metadata(
            field(
                "author",
                struct(field("name", "string"), field("age", "long"), field("mail", "string")),
            ),
            field("tags", array(struct(field("t", "string"), field("weight", "double")))),
            field("counts", mapping("string", struct(field("n", "long"), field("more", "string")))),
        ),
        table.write("a.parquet", old),
        table.write("b.parquet", new),
    )
    route = table.route()
    assert route.kind == "files"
    assert rows(route) == [
        (
            {"name": "a", "age": 1, "mail": None},
            [{"t": "x", "weight": None}],
            {"k": {"n": 1, "more": None}},
        ),
        (
            {"name": "b", "age": None, "mail": "m"},
            [{"t": "y", "weight": 0.5}, None],
            {"k": {"n": 2, "more": "w"}},
        ),
        (None, None, None),
    ]
    query = f"SELECT author.name FROM {VIEW} WHERE author.mail IS NULL ORDER BY 1"
    assert rows(route, query) == [("a",), (None,)]


def _map(value: pa.DataType) -> pa.DataType:
    return pa.map_(pa.string(), value)


def test_an_instant_nested_as_int96(table: Handmade) -> None:
    at = pa.array([{"seen": NOON}], pa.struct([("seen", pa.timestamp("us"))]))
    table.commit(
        protocol(),
        metadata(field("event", struct(field("seen", "timestamp")))),
        table.write(
            "a.parquet",
            pa.table({"event": at}),
            parquet={"use_deprecated_int96_timestamps": True},
        ),
    )
    assert texts(table.route()) == [("{'seen': '2024-07-01 12:00:00.123456+00'}",)]


WIDENED = [
    ("byte", pa.int8(), 1, "integer", pa.int32(), 70000),
    ("short", pa.int16(), -5, "long", pa.int64(), 1 << 40),
    ("integer", pa.int32(), 7, "double", pa.float64(), 0.1),
    ("float", pa.float32(), 0.5, "double", pa.float64(), 0.1),
    ("integer", pa.int32(), 7, "decimal(12,2)", pa.decimal128(12, 2), Decimal("1.25")),
    ("long", pa.int64(), 7, "decimal(20,0)", pa.decimal128(20, 0), Decimal(1 << 64)),
    (
        "decimal(5,2)",
        pa.decimal128(5, 2),
        Decimal("1.25"),
        "decimal(9,4)",
        pa.decimal128(9, 4),
        Decimal("-0.0001"),
    ),
    (
        "date",
        pa.date32(),
        dt.date(2024, 1, 1),
        "timestamp_ntz",
        pa.timestamp("us"),
        dt.datetime(2024, 1, 1, 5),
    ),
]


@pytest.mark.parametrize(
    ("_", "narrow", "old", "kind", "wide", "new"), WIDENED, ids=[f"{w[0]}-{w[3]}" for w in WIDENED]
)
@pytest.mark.parametrize("feature", ["typeWidening", "typeWidening-preview"])
def test_widened_columns(
    table: Handmade,
    _: str,
    narrow: pa.DataType,
    old: Any,
    kind: str,
    wide: pa.DataType,
    new: Any,
    feature: str,
) -> None:
    """delta-rs' scan refuses these; old files keep the narrow type."""
    table.commit(
        protocol(feature, "timestampNtz"),
        metadata(field("x", kind)),
        table.write("a.parquet", pa.table({"x": pa.array([old, None], narrow)})),
        table.write("b.parquet", pa.table({"x": pa.array([new], wide)})),
    )
    old_wide = pa.array([old], narrow).cast(wide)[0].as_py()
    route = table.route()
    assert route.kind == "files"
    expected = sorted([(old_wide,), (new,)])
    assert rows(route) == [*expected, (None,)]
    with connect() as connection:
        route.attach(connection, VIEW)
        connection.execute(f"CREATE TABLE copied AS FROM {VIEW}")
        for bound in (old_wide, new):
            for operator in ("<", "<=", "=", ">"):
                query = f"SELECT x FROM {{}} WHERE x {operator} ? ORDER BY x"
                pushed = connection.execute(query.format(VIEW), [bound]).fetchall()
                assert pushed == connection.execute(query.format("copied"), [bound]).fetchall()


def test_a_float_widened_to_double_keeps_its_own_value(table: Handmade) -> None:
    table.commit(
        protocol("typeWidening"),
        metadata(field("x", "double")),
        table.write("a.parquet", pa.table({"x": pa.array([0.1], pa.float32())})),
    )
    assert rows(table.route(), f"SELECT count(*) FROM {VIEW} WHERE x = 0.1::DOUBLE") == [(0,)]
    assert rows(table.route(), f"SELECT count(*) FROM {VIEW} WHERE x > 0.1::DOUBLE") == [(1,)]


def test_widened_inside_a_struct(table: Handmade) -> None:
    narrow = pa.array([{"n": 1}], pa.struct([("n", pa.int32())]))
    wide = pa.array([{"n": 1 << 40}], pa.struct([("n", pa.int64())]))
    table.commit(
        protocol("typeWidening"),
        metadata(field("s", struct(field("n", "long")))),
        table.write("a.parquet", pa.table({"s": narrow})),
        table.write("b.parquet", pa.table({"s": wide})),
    )
    assert rows(table.route()) == [({"n": 1},), ({"n": 1 << 40},)]


def test_narrowed_columns_are_refused(table: Handmade) -> None:
    """No protocol allows it, delta-rs declines the feature: nothing reads this exactly."""
    table.commit(
        protocol("typeWidening"),
        metadata(field("x", "integer")),
        table.write("a.parquet", pa.table({"x": pa.array([1 << 40], pa.int64())})),
    )
    with pytest.raises(UnsupportedTableError, match="BIGINT"):
        table.route()


def test_a_column_stored_as_nothing_but_nulls(table: Handmade) -> None:
    table.commit(
        protocol(),
        metadata(ID, field("word", "string")),
        table.write("a.parquet", pa.table({"id": [1], "word": pa.nulls(1)})),
        table.write("b.parquet", pa.table({"id": [2], "word": ["x"]})),
    )
    assert table.route().kind == "files"
    assert rows(table.route()) == [(1, None), (2, "x")]


def test_nanoseconds_go_to_delta_rs(table: Handmade) -> None:
    nanos = pa.table({"seen": pa.array([NOON], pa.timestamp("ns", "UTC"))})
    table.commit(protocol(), metadata(field("seen", "timestamp")), table.write("a.parquet", nanos))
    assert table.route().kind == "scan"
    assert texts(table.route()) == [("2024-07-01 12:00:00.123456+00",)]


def test_names_that_differ_in_case_only(table: Handmade) -> None:
    table.commit(
        protocol(),
        metadata(ID),
        table.write("a.parquet", pa.table({"ID": pa.array([1], pa.int64())})),
    )
    assert rows(table.route()) == [(1,)]


def test_names_with_every_character(table: Handmade) -> None:
    names = ["a b", 'quo"te', "it's", "dot.ted", "é", "filename", "select", "x,y;{z}"]
    stored = pa.table({name: pa.array([n], pa.int64()) for n, name in enumerate(names)})
    table.commit(
        protocol(),
        metadata(*(field(name, "long") for name in names)),
        table.write("a.parquet", stored),
    )
    assert rows(table.route()) == [tuple(range(len(names)))]


def test_field_ids_in_files_and_schema_change_nothing(table: Handmade) -> None:
    """Stored in the schema they made DuckDB's delta extension return NULL."""
    named = pa.field("id", pa.int64(), metadata={"PARQUET:field_id": "7"})
    stored = pa.table([pa.array([1], pa.int64())], schema=pa.schema([named]))
    table.commit(
        protocol(),
        metadata(field("id", "long", **{"PARQUET:field_id": 3})),
        table.write("a.parquet", stored),
    )
    assert rows(table.route()) == [(1,)]
    assert table.route().kind == "files"


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32()], ids=["double", "float"])
def test_nan_is_found_though_a_files_bounds_leave_it_out(
    table: Handmade, kind: pa.DataType
) -> None:
    values = pa.array([float("nan"), -1.0, 0.0], kind)
    table.commit(
        protocol(),
        metadata(field("d", "double" if kind == pa.float64() else "float")),
        table.write("a.parquet", pa.table({"d": values})),
    )
    connection = connect()
    table.route().attach(connection, VIEW)

    def count(condition: str) -> object:
        return connection.execute(f"SELECT count(*) FROM {VIEW} WHERE {condition}").fetchall()[0][0]

    assert [count(c) for c in ("d > 5", "isnan(d)", "NOT d <= 0", "d < 100")] == [1, 1, 1, 2]
    assert connection.execute(f"SELECT isnan(max(d)) FROM {VIEW}").fetchall() == [(True,)]
