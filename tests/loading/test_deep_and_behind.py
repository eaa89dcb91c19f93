"""Records nested very deep, and several objects on one line."""

from __future__ import annotations

import pytest

from lakelet.session import Workspace


def load(ws: Workspace, name: str, text: str, **more: object):
    (ws.folder.files / name).write_text(text)
    return ws.load(f"files/{name}", into="t.t", **more)  # type: ignore[arg-type]


def nested(depth: int, kind: str) -> str:
    opened, closed = ('{"x":', "}") if kind == "objects" else ("[", "]")
    return f'{{"a":2,"b":{opened * depth}1{closed * depth}}}'


@pytest.mark.parametrize("kind", ["objects", "arrays"])
@pytest.mark.parametrize("depth", [200, 600, 5_000, 100_000])
@pytest.mark.parametrize("whole", ['{{"a":1}}\n{0}\n{{"a":3}}\n', '[{{"a":1}},\n{0},{{"a":3}}]'])
def test_a_record_nested_too_deep_costs_itself(
    ws: Workspace, kind: str, depth: int, whole: str
) -> None:
    deep = nested(depth, kind)
    report = load(ws, "a.json", whole.format(deep))
    assert (report.kept, report.rescued, report.rejected) == (2, 0, 1)
    assert ws.sql("SELECT a FROM t.t ORDER BY a").rows() == [(1,), (3,)]
    (row,) = ws.table("t.t").rejected()
    assert (row["line"], row["record"]) == (2, deep)
    assert row["reason"] == "broken JSON: nested more than 200 levels deep"


@pytest.mark.parametrize("kind", ["objects", "arrays"])
@pytest.mark.parametrize("depth", [20, 40, 199])
def test_what_no_type_is_deep_enough_for_is_text(ws: Workspace, kind: str, depth: int) -> None:
    report = load(ws, "a.jsonl", '{"a":1}\n' + nested(depth, kind) + "\n")
    assert (report.kept, report.rescued, report.rejected) == (2, 0, 0)
    ((value,),) = ws.sql("SELECT b FROM t.t WHERE a = 2").rows()
    levels = 0
    while isinstance(value, dict | list):
        value, levels = value["x"] if isinstance(value, dict) else value[0], levels + 1
    assert levels == min(depth, 31)
    assert value == (1 if depth < 32 else nested(depth - 31, kind)[11:-1])


def test_deep_fields_that_come_later(ws: Workspace) -> None:
    load(ws, "a.jsonl", nested(20, "objects") + "\n")
    report = load(ws, "b.jsonl", nested(300, "objects") + "\n" + nested(60, "objects") + "\n")
    assert (report.kept, report.rescued, report.rejected) == (1, 1, 1)


def test_objects_behind_one_another_on_one_line(ws: Workspace) -> None:
    report = load(ws, "a.json", '{"a":1}{"a":2}\n{"a":3} {"a":4}\n{"a":5}{"a":\n{"a":"}{"}\n')
    assert (report.kept, report.rejected) == (5, 1)
    assert ws.sql("SELECT a FROM t.t ORDER BY a").rows() == [
        ("1",),
        ("2",),
        ("3",),
        ("4",),
        ("}{",),
    ]
    assert [(r["line"], r["record"]) for r in ws.table("t.t").rejected()] == [(3, '{"a":5}{"a":')]


def test_one_line_without_an_end_is_read_object_by_object(ws: Workspace) -> None:
    report = load(ws, "a.json", '{"a":1}{"a":2}')
    assert (report.kept, report.rejected) == (2, 0)


def test_json_lines_hold_one_record_each(ws: Workspace) -> None:
    report = load(ws, "a.jsonl", '{"a":0}\n{"a":1}{"a":2}\n')
    assert (report.kept, report.rejected) == (1, 1)


@pytest.mark.parametrize(
    ("first", "rejected"), [('{"a":0,"x":', 1), ("{", 1), ('{"a":0,', 1), ('{"a":0,"x":"ab', 1)]
)
@pytest.mark.parametrize("more", [1, 2, 300])
def test_a_cut_first_line_costs_itself(ws: Workspace, first: str, rejected: int, more: int) -> None:
    report = load(ws, "a.json", "\n".join([first, *['{"a":1}'] * more]) + "\n")
    assert (report.kept, report.rescued, report.rejected) == (more, 0, rejected)
    (row,) = ws.table("t.t").rejected()
    assert (row["line"], row["record"]) == (1, first)


def test_lines_that_end_with_a_comma_are_rejected_one_by_one(ws: Workspace) -> None:
    report = load(ws, "a.json", '{"a":1},\n{"a":2},\n{"a":3}\n')
    assert (report.kept, report.rejected) == (1, 2)


@pytest.mark.parametrize("text", ['{"d":[\n{"a":1}\n]}', '{"d":[\n{"a":1},\n{"a":2}\n]}'])
def test_an_object_over_several_lines_is_one_record(ws: Workspace, text: str) -> None:
    report = load(ws, "a.json", f"{text}\n{text}")
    assert (report.kept, report.rejected) == (2, 0)
