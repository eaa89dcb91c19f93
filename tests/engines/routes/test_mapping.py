"""Column mapping: what people call a column and what the files call it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from engines.routes.handmade import (
    VIEW,
    Action,
    Handmade,
    array,
    field,
    mapped,
    mapping,
    metadata,
    protocol,
    rows,
    struct,
)
from lakelet.errors import LakeletError

OLD = protocol(reader=2, writer=5)
NEW = protocol("columnMapping")


@pytest.fixture
def table(tmp_path: Path) -> Handmade:
    return Handmade(tmp_path / "posts")


def numbered(name: str, kind: pa.DataType, number: int) -> pa.Field:
    return pa.field(name, kind, metadata={"PARQUET:field_id": str(number)})


def stored(*columns: tuple[pa.Field, list[Any]]) -> pa.Table:
    arrays = [pa.array(values, one.type) for one, values in columns]
    return pa.table(arrays, schema=pa.schema([one for one, _ in columns]))


def properties(mode: str) -> dict[str, str]:
    return {"delta.columnMapping.mode": mode, "delta.columnMapping.maxColumnId": "9"}


@pytest.mark.parametrize("mode", ["name", "id"])
@pytest.mark.parametrize("first", [OLD, NEW], ids=["reader 2", "reader 3"])
def test_by_name_and_by_id(table: Handmade, mode: str, first: Action) -> None:
    """With the old protocol delta-rs' ``to_pyarrow_table`` gives all NULL."""
    data = stored(
        (numbered("col-1", pa.int64(), 1), [1, 2]),
        (numbered("col-2", pa.string(), 2), ["x", None]),
    )
    table.commit(
        first,
        metadata(mapped("word", "string", 2), mapped("id", "long", 1), properties=properties(mode)),
        table.write("a.parquet", data),
    )
    route = table.route()
    assert route.kind == "mapped"
    assert mode in route.reason
    assert rows(route) == [("x", 1), (None, 2)]
    assert rows(route, f"SELECT id FROM {VIEW} WHERE id > 1") == [(2,)]
    if first is OLD and mode == "name":
        assert DeltaTable(str(table.folder)).to_pyarrow_table()["id"].null_count == 2


def test_by_name_does_not_look_at_ids(table: Handmade) -> None:
    data = stored((numbered("col-1", pa.int64(), 2), [1]), (numbered("col-2", pa.int64(), 1), [2]))
    table.commit(
        NEW,
        metadata(mapped("a", "long", 1), mapped("b", "long", 2), properties=properties("name")),
        table.write("a.parquet", data),
    )
    assert rows(table.route()) == [(1, 2)]


def test_by_id_does_not_look_at_names(table: Handmade) -> None:
    data = stored((numbered("b", pa.int64(), 1), [1]), (numbered("a", pa.int64(), 2), [2]))
    table.commit(
        NEW,
        metadata(mapped("a", "long", 1), mapped("b", "long", 2), properties=properties("id")),
        table.write("a.parquet", data),
    )
    assert rows(table.route()) == [(1, 2)]


def test_renamed_and_swapped_after_an_upgrade(table: Handmade) -> None:
    """An upgraded table keeps its first names as physical ones; then people swap the columns."""
    data = pa.table({"a": pa.array([1], pa.int64()), "b": pa.array([2], pa.int64())})
    table.commit(
        OLD,
        metadata(
            mapped("b", "long", 1, "a"), mapped("a", "long", 2, "b"), properties=properties("name")
        ),
        table.write("a.parquet", data),
    )
    route = table.route()
    assert [name for name, _ in route.columns] == ["b", "a"]
    assert rows(route) == [(1, 2)]


def test_dropped_and_added_again_under_the_old_name(table: Handmade) -> None:
    before = stored((numbered("col-1", pa.string(), 1), ["old"]))
    after = stored((numbered("col-2", pa.string(), 2), ["new"]))
    table.commit(
        NEW,
        metadata(mapped("word", "string", 2), properties=properties("name")),
        table.write("a.parquet", before),
        table.write("b.parquet", after),
    )
    assert rows(table.route()) == [("new",), (None,)]


def test_by_id_where_a_file_has_none(table: Handmade) -> None:
    """Whatever delta-rs makes of it, DuckDB must not guess."""
    data = pa.table({"col-1": pa.array([1], pa.int64())})
    table.commit(
        NEW,
        metadata(mapped("id", "long", 1), properties=properties("id")),
        table.write("a.parquet", data),
    )
    try:
        route = table.route()
    except LakeletError:
        return
    assert route.kind == "scan"
    assert "field ids" in route.reason


def nested_table(table: Handmade, mode: str, *features: str) -> None:
    inner = [numbered("col-3", pa.int64(), 3), numbered("col-4", pa.string(), 4)]
    data = stored(
        (
            numbered("col-2", pa.struct(inner), 2),
            [{"col-3": 1, "col-4": "x"}, {"col-3": None, "col-4": "y"}, None],
        ),
        (
            numbered("col-5", pa.list_(pa.struct([numbered("col-6", pa.int64(), 6)])), 5),
            [[{"col-6": 7}, None], [], None],
        ),
        (
            numbered(
                "col-7", pa.map_(pa.string(), pa.struct([numbered("col-8", pa.int64(), 8)])), 7
            ),
            [[("k", {"col-8": 1})], [], None],
        ),
    )
    author = struct(mapped("age", "long", 3), mapped("name", "string", 4), mapped("new", "long", 9))
    table.commit(
        protocol("columnMapping", *features),
        metadata(
            mapped("author", author, 2),
            mapped("tags", array(struct(mapped("n", "long", 6))), 5),
            mapped("counts", mapping("string", struct(mapped("c", "long", 8))), 7),
            properties=properties(mode),
        ),
        table.write("a.parquet", data),
    )


@pytest.mark.parametrize("mode", ["name", "id"])
@pytest.mark.parametrize("features", [(), ("typeWidening",)], ids=["plain", "widening"])
def test_nested_fields_are_mapped_too(
    table: Handmade, mode: str, features: tuple[str, ...]
) -> None:
    nested_table(table, mode, *features)
    assert rows(table.route()) == [
        ({"age": 1, "name": "x", "new": None}, [{"n": 7}, None], {"k": {"c": 1}}),
        ({"age": None, "name": "y", "new": None}, [], {}),
        (None, None, None),
    ]


def test_a_mode_that_is_only_a_property_does_not_count(table: Handmade) -> None:
    """Reader version 1 knows no mapping: the property alone means nothing."""
    table.commit(
        protocol(),
        metadata(field("id", "long"), properties={"delta.columnMapping.mode": "none"}),
        table.write("a.parquet", pa.table({"id": pa.array([1], pa.int64())})),
    )
    assert rows(table.route()) == [(1,)]
    assert table.route().kind == "files"
