"""Modes, hints and headers: what is refused, what is told."""

from __future__ import annotations

import pytest

from lakelet.errors import LoadError, SchemaError, SettingsError
from lakelet.loading import NothingThereError
from lakelet.session import Workspace


def load(ws: Workspace, name: str, text: str, **more: object):
    (ws.folder.files / name).write_text(text)
    return ws.load(f"files/{name}", into="t.t", **more)  # type: ignore[arg-type]


def columns(ws: Workspace) -> list[str]:
    return [c.name for c in ws.table("t.t").columns if not c.name.startswith(("_r", "_m"))]


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ({"evolve": "fial"}, "add, widen, rescue, fail"),
        ({"on_changed": "replcae"}, "report, replace, fail"),
        ({"options": {"format": "xml"}}, "json"),
    ],
)
def test_a_mode_that_there_is_not_is_refused(
    ws: Workspace, given: dict[str, object], known: str
) -> None:
    with pytest.raises(SettingsError, match="cannot be") as told:
        load(ws, "a.jsonl", '{"a":1}\n', **given)
    assert told.value.hint
    assert known in told.value.hint
    with pytest.raises(LoadError):
        ws.load("nowhere", into="t.t")


def test_a_retry_takes_known_modes_only(ws: Workspace) -> None:
    load(ws, "a.jsonl", '{"a":1}\nx\n')
    with pytest.raises(SettingsError, match="evolve cannot be 'fial'"):
        ws.table("t.t").retry_rejected(evolve="fial")


def test_hints_that_match_nothing_are_told(ws: Workspace) -> None:
    hints = "a BIGINT, later DATE"
    for dry in (True, False, False):
        report = load(ws, "a.jsonl", '{"a":1}\n', hints=hints, dry_run=dry)
        assert report.unused_hints == ["later DATE"]
    report = load(ws, "b.jsonl", '{"later":"2026-01-02"}\n', hints=hints)
    assert report.unused_hints == []


def test_a_hint_says_a_type_and_nothing_more(ws: Workspace) -> None:
    with pytest.raises(SchemaError, match="NOT NULL"):
        load(ws, "a.jsonl", '{"a":1}\n', hints="a BIGINT NOT NULL")


def test_a_hint_that_contradicts_a_column_is_refused(ws: Workspace) -> None:
    load(ws, "a.jsonl", '{"a":1,"s":{"x":1}}\n', hints="a DECIMAL(18,2)")
    load(ws, "b.jsonl", '{"a":2}\n', hints="A DECIMAL(18,2), s STRUCT<y: DATE>")
    for dry in (True, False):
        with pytest.raises(SchemaError, match=r"whose column a is DECIMAL\(18,2\)") as told:
            load(ws, "c.jsonl", '{"a":3}\n', hints="a DOUBLE", dry_run=dry)
        assert "ALTER TABLE t.t ALTER COLUMN a TYPE DOUBLE" in str(told.value.hint)
    assert ws.sql("SELECT count(*) FROM t.t").rows() == [(2,)]


def test_a_first_line_that_names_the_tables_columns_is_a_header(ws: Workspace) -> None:
    ws.sql("CREATE TABLE t.t (name STRING, place STRING)")
    report = load(ws, "a.csv", "Place,name\nhere,x\n")
    assert columns(ws) == ["name", "place"]
    assert ws.sql("SELECT name, place FROM t.t").rows() == [("x", "here")]
    (told,) = report.decided
    assert told.startswith("files/a.csv: the first line is a header; --option header=false")
    report = load(ws, "b.tsv", "a\tb\nc\td\n")
    (told,) = report.decided
    assert told.startswith("files/b.tsv: no header: columns are _c0, _c1, …; --option header=true")


def test_an_empty_folder_may_yet_be_filled(ws: Workspace) -> None:
    with pytest.raises(NothingThereError):
        ws.load("files", into="t.t")
    with pytest.raises(NothingThereError):
        ws.load("files/*.csv", into="t.t")
    with pytest.raises(LoadError) as told:
        ws.load("flies", into="t.t")
    assert not isinstance(told.value, NothingThereError)
