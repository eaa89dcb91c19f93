"""Loads by key, and files that changed under their old name."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lakelet.errors import ChangedFileError, SchemaError
from lakelet.session import Workspace


def write(ws: Workspace, name: str, *rows: dict[str, object], time: int = 1_700_000_000) -> Path:
    path = ws.folder.files / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    os.utime(path, (time, time))
    return path


def rows(
    ws: Workspace, query: str = "SELECT id, v FROM t.t ORDER BY id, v"
) -> list[tuple[object, ...]]:
    return ws.sql(query).rows()


def test_the_last_record_of_a_key_wins_by_time_then_file_then_position(ws: Workspace) -> None:
    write(ws, "b.jsonl", {"id": 1, "v": "older file"}, time=1_700_000_000)
    write(
        ws,
        "a.jsonl",
        {"id": 1, "v": "newer file"},
        {"id": 2, "v": "x"},
        {"id": 2, "v": "y"},
        time=1_800_000_000,
    )
    ws.load("files", into="t.t", key=["id"])
    assert rows(ws) == [(1, "newer file"), (2, "y")]
    write(ws, "c.jsonl", {"id": 2, "v": "z"}, {"id": 3, "v": 7}, time=1_900_000_000)
    ws.load("files", into="t.t", key=["ID"])
    assert rows(ws) == [(1, "newer file"), (2, "z"), (3, "7")]
    assert ws.sql("SELECT count(*) FROM t.t WHERE _metadata.line IS NOT NULL").rows() == [(0,)]


def test_an_older_file_that_comes_later_does_not_win(ws: Workspace) -> None:
    write(ws, "a.jsonl", {"id": 1, "v": "newer"}, time=1_800_000_000)
    ws.load("files", into="t.t", key=["id"])
    write(ws, "b.jsonl", {"id": 1, "v": "older"}, {"id": 2, "v": "new"}, time=1_700_000_000)
    ws.load("files", into="t.t", key=["id"])
    assert rows(ws) == [(1, "newer"), (2, "new")]


@pytest.mark.parametrize("form", ["array", "objects", "lines", "array of lines"])
def test_the_last_record_of_a_key_wins_on_one_line_too(ws: Workspace, form: str) -> None:
    # 3,000 records of 1 kB are several blocks; every seventh has a value that is rescued, and is
    # looked at by itself, out of the order of the others.
    records = [
        {"id": n % 100, "v": n, "day": "2020-01-01" if n % 7 else "none", "s": "x" * 1000}
        for n in range(3000)
    ]
    texts = [json.dumps(record) for record in records]
    whole = {
        "array": "[" + ",".join(texts) + "]",
        "objects": " ".join(texts),
        "lines": "\n".join(texts),
        "array of lines": "[" + ",\n".join(texts) + "]",
    }
    (ws.folder.files / "a.json").write_text(whole[form])
    ws.load("files", "t.t", key=["id"], hints="day DATE")
    assert rows(ws) == [(n, 2900 + n) for n in range(100)]
    told = ws.sql("SELECT v, _metadata.line FROM t.t WHERE _metadata.line IS NOT NULL").rows()
    several = "lines" in form
    assert sorted(told) == [(n, n + 1 if several else 1) for n in range(2900, 3000) if n % 7 == 0]


def test_a_row_whose_key_is_null_is_like_no_other(ws: Workspace) -> None:
    write(ws, "a.jsonl", {"v": "x"}, {"id": None, "v": "y"}, {"id": 1, "v": "z"})
    ws.load("files", into="t.t", key=["id"])
    assert len(rows(ws)) == 3


def test_a_key_that_is_no_column_is_named(ws: Workspace) -> None:
    write(ws, "a.jsonl", {"id": 1})
    with pytest.raises(SchemaError, match="no column 'idd'"):
        ws.load("files", into="t.t", key=["idd"])


def test_a_changed_file_is_reported_and_left(ws: Workspace) -> None:
    write(ws, "a.jsonl", {"id": 1, "v": "a"})
    ws.load("files", into="t.t")
    write(ws, "a.jsonl", {"id": 9, "v": "b"}, time=1_800_000_000)
    assert ws.load("files", into="t.t").changed == ["files/a.jsonl"]
    assert rows(ws) == [(1, "a")]


def test_a_changed_file_replaces_its_earlier_rows_in_one_commit(ws: Workspace) -> None:
    write(ws, "a.jsonl", {"id": 1, "v": "a"}, {"id": 2, "v": "a"})
    write(ws, "b.jsonl", {"id": 3, "v": "b"})
    ws.load("files", into="t.t")
    before = ws.table("t.t").version
    write(ws, "a.jsonl", {"id": 1, "v": "A"}, time=1_800_000_000)
    ws.load("files", into="t.t", on_changed="replace")
    assert rows(ws) == [(1, "A"), (3, "b")]
    assert ws.table("t.t").version == before + 1
    assert ws.load("files", into="t.t").same == 2


def test_a_changed_file_can_fail_the_load(ws: Workspace) -> None:
    write(ws, "a.jsonl", {"id": 1, "v": "a"})
    ws.load("files", into="t.t")
    write(ws, "a.jsonl", {"id": 9, "v": "b"}, time=1_800_000_000)
    with pytest.raises(ChangedFileError, match=r"a\.jsonl"):
        ws.load("files", into="t.t", on_changed="fail")
    assert rows(ws) == [(1, "a")]


def test_nothing_new_makes_no_commit(ws: Workspace) -> None:
    write(ws, "a.jsonl", {"id": 1, "v": "a"})
    ws.load("files", into="t.t")
    versions = [ws.table(name).version for name in ws.tables()]
    assert ws.load("files", into="t.t").version is None
    assert [ws.table(name).version for name in ws.tables()] == versions
