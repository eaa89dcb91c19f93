"""Rejected rows tried again: what becomes of them, and that a restore takes it back."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakelet.errors import LoadError
from lakelet.session import Workspace


def put(ws: Workspace, name: str, data: bytes) -> Path:
    path = ws.folder.files / name
    path.write_bytes(data)
    return path


def texts(ws: Workspace, table: str = "t.t") -> list[tuple[object, ...]]:
    return ws.sql(f"SELECT id, text FROM {table} ORDER BY id").rows()


def rejected(ws: Workspace, table: str = "t.t") -> list[tuple[str, int]]:
    return sorted((r["file"], r["line"]) for r in ws.table(table).rejected())


LATIN = '{"id": 1, "text": "plain"}\n{"id": 2, "text": "caf\xe9"}\nbroken\n{"id": 4}\n'


def test_rows_that_are_records_now_become_rows(ws: Workspace) -> None:
    put(ws, "a.jsonl", LATIN.encode("latin-1"))
    ws.load("files", into="t.t")
    assert rejected(ws) == [("files/a.jsonl", 2), ("files/a.jsonl", 3)]
    report = ws.table("t.t").retry_rejected(options={"encoding": "latin-1"})
    assert (report.tried, report.kept, report.rejected) == (2, 1, 1)
    assert texts(ws) == [(1, "plain"), (2, "café"), (4, None)]
    assert rejected(ws) == [("files/a.jsonl", 3)]
    assert [e["state"] for e in ws.table("t.t").files()] == ["retried", "loaded"]
    assert ws.load("files", into="t.t").same == 1
    again = ws.table("t.t").retry_rejected()
    assert (again.tried, again.kept, again.rejected, again.version) == (1, 0, 1, None)


def test_a_restore_takes_a_retry_back(ws: Workspace) -> None:
    put(ws, "a.jsonl", LATIN.encode("latin-1"))
    ws.load("files", into="t.t")
    table = ws.table("t.t")
    before = table.version
    table.retry_rejected(options={"encoding": "latin-1"})
    assert table.restore(before) == 0, "the file itself is still loaded"
    assert texts(ws) == [(1, "plain"), (4, None)]
    assert rejected(ws) == [("files/a.jsonl", 2), ("files/a.jsonl", 3)]
    assert ws.load("files", into="t.t").same == 1
    table.retry_rejected(options={"encoding": "latin-1"})
    assert len(texts(ws)) == 3
    assert rejected(ws) == [("files/a.jsonl", 3)]


def test_a_restore_of_the_load_takes_its_rejected_rows_back(ws: Workspace) -> None:
    put(ws, "a.jsonl", b'{"id": 1, "text": "x"}\n')
    ws.load("files", into="t.t")
    version = ws.table("t.t").version
    put(ws, "b.jsonl", b'broken\n{"id": 2, "text": "y"}\n')
    ws.load("files", into="t.t")
    assert ws.table("t.t").restore(version) == 1
    assert rejected(ws) == []
    ws.load("files", into="t.t")
    assert rejected(ws) == [("files/b.jsonl", 1)]
    assert ws.sql("SELECT count(*) FROM t.t__rejected").rows() == [(1,)]


def test_a_replaced_file_has_the_rejected_rows_it_has_now(ws: Workspace) -> None:
    put(ws, "a.jsonl", b'{"id": 1, "text": "x"}\nbroken\n')
    ws.load("files", into="t.t")
    put(ws, "a.jsonl", b'{"id": 1, "text": "x"}\n{"id": 2, "text": "mended"}\n')
    assert ws.table("t.t").retry_rejected().gone == {"files/a.jsonl": 1}
    ws.load("files", into="t.t", on_changed="replace")
    assert rejected(ws) == []
    assert len(texts(ws)) == 2


def test_the_options_of_the_load_hold_unless_told_otherwise(ws: Workspace) -> None:
    put(ws, "a.csv", b"id;text\n1;plain\n2;'a;b'\n3;x;y\n")
    ws.load("files", into="t.t", options={"sep": ";", "header": "true"})
    assert rejected(ws) == [("files/a.csv", 3), ("files/a.csv", 4)]
    report = ws.table("t.t").retry_rejected(options={"quote": "'"})
    assert (report.kept, report.rejected) == (1, 1)
    assert texts(ws) == [(1, "plain"), (2, "a;b"), (3, None)][:2]
    assert rejected(ws) == [("files/a.csv", 4)]


def test_a_row_over_several_lines_takes_the_place_of_them_all(ws: Workspace) -> None:
    put(ws, "a.csv", b"id,text\n1,'a\nb'\n2,'c,d\ne'\n3,z\n")
    ws.load("files", into="t.t", options={"header": "true"}, hints={"id": "STRING"})
    assert [line for _, line in rejected(ws)] == [3, 4, 5]
    report = ws.table("t.t").retry_rejected(options={"quote": "'"})
    assert (report.tried, report.kept, report.rejected) == (3, 1, 1)
    # The first row was loaded as it stood, so the end of it stays what it was.
    assert [row[1] for row in texts(ws)] == ["'a", "c,d\ne", "z"]
    assert [line for _, line in rejected(ws)] == [3]


def test_what_cannot_be_told_apart_stays_rejected(ws: Workspace) -> None:
    put(ws, "a.json", '[{"id": 1, "text": "x"}, {"id": 2, "text": "\xe9"}]'.encode("latin-1"))
    ws.load("files", into="t.t")
    assert len(rejected(ws)) == 1
    report = ws.table("t.t").retry_rejected(options={"encoding": "latin-1"})
    assert (report.kept, report.rejected) == (0, 1)
    assert texts(ws) == [(1, "x")]
    assert len(rejected(ws)) == 1


def test_a_key_still_holds(ws: Workspace) -> None:
    put(ws, "a.jsonl", '{"id": 1, "text": "\xe9"}\n{"id": 2, "text": "\xe8"}\n'.encode("latin-1"))
    put(ws, "b.jsonl", b'{"id": 1, "text": "newer"}\n')
    import os

    os.utime(ws.folder.files / "a.jsonl", (1_700_000_000, 1_700_000_000))
    ws.load("files", into="t.t", key=["id"])
    assert texts(ws) == [(1, "newer")]
    ws.table("t.t").retry_rejected(options={"encoding": "latin-1"})
    assert texts(ws) == [(1, "newer"), (2, "è")]
    assert rejected(ws) == []


def test_new_fields_evolve_the_table(ws: Workspace) -> None:
    put(
        ws,
        "a.jsonl",
        '{"id": 1, "text": "x"}\n{"id": 2, "text": "\xe9", "n": 7}\n'.encode("cp1252"),
    )
    ws.load("files", into="t.t")
    report = ws.table("t.t").retry_rejected(
        options={"encoding": "cp1252"}, hints={"n": "DECIMAL(9,2)"}
    )
    assert [(c.name, c.type.sql) for c in report.new_columns] == [("n", "DECIMAL(9,2)")]
    assert ws.sql("SELECT CAST(n AS STRING) FROM t.t ORDER BY id").rows() == [(None,), ("7.00",)]


def test_nothing_rejected_is_said(ws: Workspace) -> None:
    put(ws, "a.jsonl", b'{"id": 1}\n')
    ws.load("files", into="t.t")
    with pytest.raises(LoadError, match="no rejected rows"):
        ws.table("t.t").retry_rejected()
