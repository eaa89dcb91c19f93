"""Decisions about rescued fields move their values, and lose none."""

from __future__ import annotations

import json

import pytest

from lakelet.errors import SchemaError
from lakelet.session import Workspace


def load(ws: Workspace, name: str, *rows: object, **options: object) -> None:
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    (ws.folder.files / name).write_text(text)
    ws.load("files", into="t.t", **options)  # type: ignore[arg-type]


def rows(ws: Workspace, query: str) -> list[tuple[object, ...]]:
    return ws.sql(query).rows()


def test_fields_are_listed_with_counts_and_samples(ws: Workspace) -> None:
    load(ws, "a.jsonl", {"id": 1}, {"id": 2}, {"id": 3})
    load(ws, "b.jsonl", {"id": "x", "n": [1]}, {"id": "y", "n": [2]}, {"id": 4}, evolve="rescue")
    fields = {field.path: field for field in ws.table("t.t").rescued()}
    assert (fields["id"].count, fields["id"].samples, fields["id"].column) == (
        2,
        ('"x"', '"y"'),
        "id",
    )
    assert (fields["n"].count, fields["n"].column) == (2, None)


def test_promote_makes_a_column_and_later_loads_fill_it(ws: Workspace) -> None:
    load(ws, "a.jsonl", {"id": 1, "Late Field": 1}, {"id": 2, "Late Field": 2}, {"id": 3})
    load(ws, "b.jsonl", {"id": 4, "new one": 7}, {"id": 5, "new one": "x"}, evolve="rescue")
    decision = ws.table("t.t").promote("new one", "BIGINT")
    assert (decision.column, decision.filled, decision.left) == ("new_one", 1, 1)
    assert rows(ws, "SELECT id, new_one, _rescued_data FROM t.t WHERE id > 3 ORDER BY id") == [
        (4, 7, None), (5, None, '{"new one":"x"}'),
    ]  # fmt: skip
    load(ws, "c.jsonl", {"id": 6, "new one": 8})
    assert rows(ws, "SELECT new_one FROM t.t WHERE id = 6") == [(8,)]


def test_promote_finds_the_type_itself_also_for_nested_fields(ws: Workspace) -> None:
    load(ws, "a.jsonl", {"id": 1, "geo": {"lat": 1.5}})
    load(ws, "b.jsonl", {"id": 2, "geo": {"lat": 2.5, "alt": "2026-01-02"}}, evolve="rescue")
    decision = ws.table("t.t").promote("geo.alt")
    assert (decision.type, decision.filled) == ("DATE", 1)
    load(ws, "c.jsonl", {"id": 3, "geo": {"lat": 3.5, "alt": "2026-01-03"}})
    assert rows(ws, 'SELECT CAST("geo.alt" AS STRING), _rescued_data FROM t.t ORDER BY id'.replace('"', "`")) == [
        (None, None), ("2026-01-02", None), ("2026-01-03", None),
    ]  # fmt: skip


def test_widen_rewrites_once_and_takes_the_rescued_values_in(ws: Workspace) -> None:
    load(ws, "a.jsonl", {"id": 1, "v": 1}, {"id": 2, "v": 2})
    load(ws, "b.jsonl", {"id": 3, "v": 2.5}, {"id": 4, "v": "n/a"})
    decision = ws.table("t.t").widen("v", "DOUBLE")
    assert (decision.filled, decision.left) == (1, 1)
    assert rows(ws, "SELECT v, _rescued_data FROM t.t ORDER BY id") == [
        (1.0, None), (2.0, None), (2.5, None), (None, '{"v":"n/a"}'),
    ]  # fmt: skip


def test_a_whole_number_that_a_double_writes_otherwise_is_lost_to_it(ws: Workspace) -> None:
    # It is a double exactly, whose shortest text ends in ...530: read back, other digits.
    load(ws, "a.jsonl", {"v": 65865225477543528})
    with pytest.raises(SchemaError, match="would not survive as DOUBLE"):
        ws.table("t.t").widen("v", "DOUBLE")
    load(ws, "b.jsonl", {"v": 9.5e18}, evolve="widen")
    assert rows(ws, "SELECT v, _rescued_data FROM t.t ORDER BY v NULLS LAST") == [
        (65865225477543528, None), (None, '{"v":9.5e+18}'),
    ]  # fmt: skip


def test_widen_refuses_a_type_that_would_lose_a_value(ws: Workspace) -> None:
    load(ws, "a.jsonl", {"v": 1.5, "n": 2**60 + 1}, {"v": 2.0, "n": 1})
    with pytest.raises(SchemaError, match="would not survive"):
        ws.table("t.t").widen("n", "DOUBLE")
    load(ws, "b.jsonl", {"v": 3.5})
    assert rows(ws, "SELECT sum(v) FROM t.t") == [(7.0,)]


@pytest.mark.parametrize(("value", "kind"), [(1.5, "BIGINT"), (1.5, "FLOAT"), (1, "INT")])
def test_widen_narrows_nothing(ws: Workspace, value: float, kind: str) -> None:
    load(ws, "a.jsonl", {"v": value})
    load(ws, "b.jsonl", {"v": "far"}, evolve="rescue")
    with pytest.raises(SchemaError, match="holds less than that; nothing was changed"):
        ws.table("t.t").widen("v", kind)
    with pytest.raises(SchemaError, match="holds less"):
        ws.table("t.t").propose("widen", "v", column="v", kind=kind)


def test_map_fills_only_what_is_empty_and_keeps_the_rest(ws: Workspace) -> None:
    load(ws, "a.jsonl", {"id": 1, "name": "a"})
    load(
        ws,
        "b.jsonl",
        {"id": 2, "title": "b"},
        {"id": 3, "name": "c", "title": "C"},
        evolve="rescue",
    )
    decision = ws.table("t.t").map_field("title", "name")
    assert (decision.filled, decision.left) == (1, 1)
    assert rows(ws, "SELECT name, _rescued_data FROM t.t ORDER BY id") == [
        ("a", None), ("b", None), ("c", '{"title":"C"}'),
    ]  # fmt: skip
    load(ws, "c.jsonl", {"id": 4, "title": "d"})
    assert rows(ws, "SELECT name FROM t.t WHERE id = 4") == [("d",)]


def test_ignored_fields_keep_their_values(ws: Workspace) -> None:
    load(ws, "a.jsonl", {"id": 1})
    load(ws, "b.jsonl", {"id": 2, "debug": 1}, evolve="rescue")
    assert ws.table("t.t").ignore("debug") == 1
    assert [field.ignored for field in ws.table("t.t").rescued()] == [True]
    assert rows(ws, "SELECT _rescued_data FROM t.t WHERE id = 2") == [('{"debug":1}',)]


def test_a_field_that_was_not_rescued_is_named_with_its_nearest(ws: Workspace) -> None:
    load(ws, "a.jsonl", {"id": 1})
    load(ws, "b.jsonl", {"id": 2, "debug": 1}, evolve="rescue")
    with pytest.raises(SchemaError, match="did you mean 'debug'"):
        ws.table("t.t").promote("debag")


def test_a_number_of_a_csv_file_moves_into_a_number_column(ws: Workspace) -> None:
    (ws.folder.files / "a.csv").write_text("id,price\n1,5\n2,6\n")
    ws.load("files/a.csv", into="t.t")
    (ws.folder.files / "b.csv").write_text("id,price\n3,7.5\n")
    ws.load("files/b.csv", into="t.t")
    assert rows(ws, "SELECT _rescued_data FROM t.t WHERE id = 3") == [('{"price":"7.5"}',)]
    assert ws.table("t.t").widen("price", "DOUBLE").filled == 1
    assert rows(ws, "SELECT price FROM t.t ORDER BY id") == [(5.0,), (6.0,), (7.5,)]


def test_samples_are_shown_digit_for_digit(ws: Workspace) -> None:
    load(ws, "a.jsonl", {"id": 1})
    texts = ('{"id": 2, "amt": 12345678901234567890.12}', '{"id": 3, "amt": [1.10]}')
    load(ws, "b.jsonl", *texts, evolve="rescue")
    (field,) = ws.table("t.t").rescued()
    assert set(field.samples) == {"12345678901234567890.12", "[1.10]"}
