"""Each kind of dirt costs what the documentation says, and nothing else."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from lakelet.errors import LoadError
from lakelet.session import Workspace


def load(ws: Workspace, name: str, data: bytes, **options: object):
    (ws.folder.files / name).write_bytes(data)
    return ws.load(f"files/{name}", into="t.t", options=options)


def rows(ws: Workspace) -> list[tuple[object, ...]]:
    names = [c.name for c in ws.table("t.t").columns if not c.name.startswith("_")]
    return ws.sql(f"SELECT {', '.join(f'`{n}`' for n in names)} FROM t.t ORDER BY ALL").rows()


def rejected(ws: Workspace) -> list[tuple[int, str, str]]:
    return [(r["line"], r["reason"], r["record"]) for r in ws.table("t.t").rejected()]


def test_a_bad_byte_costs_one_record(ws: Workspace) -> None:
    load(ws, "a.jsonl", b'{"id": 1}\n{"id": 2, "t": "\xff\xfe"}\n{"id": 3}\n')
    assert rows(ws) == [(1,), (3,)]
    assert rejected(ws) == [(2, "bytes that are not UTF-8", '{"id": 2, "t": "\\xff\\xfe"}')]


def test_a_bad_byte_in_csv_costs_one_row(ws: Workspace) -> None:
    load(ws, "a.csv", b"id,t\n1,a\n2,\xff\n3,c\n", header="true")
    assert rows(ws) == [(1, "a"), (3, "c")]
    assert rejected(ws) == [(3, "bytes that are not UTF-8", "2,\\xff")]


def test_a_control_character_is_broken_json_and_text_in_csv(ws: Workspace) -> None:
    load(ws, "a.jsonl", b'{"t": "x\x01y"}\n{"t": "z"}\n{"t": "\x00"}\n')
    assert rows(ws) == [("z",)]
    assert [line for line, *_ in rejected(ws)] == [1, 3]
    (ws.folder.files / "b.csv").write_bytes(b"t\nx\x01y\n")
    ws.load("files/b.csv", into="t.csv", options={"header": "true"})
    assert ws.sql("SELECT t FROM t.csv").rows() == [("x\x01y",)]


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_byte_order_marks_and_their_encodings(ws: Workspace, mark: str) -> None:
    text = '{"id": 1, "t": "ü 你"}\n{"id": 2}\n'
    data = text.encode(mark) if mark != "utf-16-be" else codecs.BOM_UTF16_BE + text.encode(mark)
    load(ws, "a.jsonl", data)
    assert rows(ws) == [(1, "ü 你"), (2, None)]


def test_latin_1_by_option(ws: Workspace) -> None:
    load(ws, "a.csv", "id,t\n1,ü\n".encode("latin-1"), encoding="ISO-8859-1", header="true")
    assert rows(ws) == [(1, "ü")]


def test_utf_16_that_breaks_off_sets_the_file_aside(ws: Workspace) -> None:
    with pytest.raises(LoadError, match="no file could be read"):
        load(ws, "a.jsonl", '{"id": 1}\n'.encode("utf-16")[:-1])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(ws: Workspace, end: str) -> None:
    load(ws, "a.csv", end.join(["id,t", "1,a", "2,b", ""]).encode(), header="true")
    assert rows(ws) == [(1, "a"), (2, "b")]


def test_mixed_line_ends(ws: Workspace) -> None:
    load(ws, "a.csv", b"id,t\r\n1,a\n2,b\r\n3,c", header="true")
    assert rows(ws) == [(1, "a"), (2, "b"), (3, "c")]


def test_quotes_with_newlines_and_doubled_quotes(ws: Workspace) -> None:
    load(ws, "a.csv", b'id,t\n1,"two\nlines"\n2,"say ""hi"""\n3,"a,b"\n', header="true")
    assert rows(ws) == [(1, "two\nlines"), (2, 'say "hi"'), (3, "a,b")]


def test_an_unclosed_quote_costs_one_line(ws: Workspace) -> None:
    load(ws, "a.csv", b'id,t\n1,"open\n2,b\n3,c\n', header="true")
    assert rows(ws) == [(2, "b"), (3, "c")]
    assert [line for line, *_ in rejected(ws)] == [2]


def test_rows_of_another_width_are_rejected_with_their_text(ws: Workspace) -> None:
    load(ws, "a.csv", b"id;t\n1;a\n2\n3;c;d\n", sep=";", header="true")
    assert rows(ws) == [(1, "a")]
    assert rejected(ws) == [
        (3, "1 field instead of 2", "2"),
        (4, "3 fields instead of 2", "3;c;d"),
    ]


def test_empty_and_null_in_csv(ws: Workspace) -> None:
    load(ws, "a.csv", b'id,t,u\n1,"",x\n2,,y\n3,NA,z\n', header="true", nullValue="NA")
    assert rows(ws) == [(1, "", "x"), (2, None, "y"), (3, None, "z")]


def test_escape_comment_and_skipped_rows(ws: Workspace) -> None:
    data = b'made by a tool\n# a comment\nid,t\n1,"a \\" b"\n# another\n2,c\n'
    load(ws, "a.csv", data, header="true", escape="\\", comment="#", skipRows="1")
    assert rows(ws) == [(1, 'a " b'), (2, "c")]


def test_separators_inside_cells_that_the_loader_itself_uses(ws: Workspace) -> None:
    load(ws, "a.csv", b"id,t\n1,a\x1fb\n2,\x1e\n3,\x1dx\n", header="true")
    assert rows(ws) == [(1, "a\x1fb"), (2, "\x1e"), (3, "\x1dx")]


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("id,name\n1,a\n", ["id", "name"]),
        ("1,a\n2,b\n", ["_c0", "_c1"]),
        ("a,a\n1,2\n", ["_c0", "_c1"]),
        ("x,y\na,b\n", ["_c0", "_c1"]),
        ("day,name\n2026-01-02,b\n", ["day", "name"]),
    ],
)
def test_the_header_is_told_by_what_is_below_it(
    ws: Workspace, text: str, columns: list[str]
) -> None:
    report = load(ws, "a.csv", text.encode())
    assert [
        c.name for c in ws.table("t.t").columns if c.name not in ("_rescued_data", "_metadata")
    ] == columns
    assert report.decided


def test_a_broken_array_keeps_what_is_before_the_break(ws: Workspace) -> None:
    load(ws, "a.json", b'[{"id": 1},\n {"id": 2},\n {"id": 3')
    assert rows(ws) == [(1,), (2,)]
    ((line, reason, record),) = rejected(ws)
    assert (line, record) == (3, '{"id": 3')
    assert "broken JSON from character" in reason


def test_pretty_printed_objects_behind_one_another(ws: Workspace) -> None:
    load(ws, "a.json", b'{\n "id": 1\n}\n{\n "id": 2\n}\n')
    assert rows(ws) == [(1,), (2,)]


def test_jsonl_insists_on_lines(ws: Workspace) -> None:
    with_array = load(ws, "a.json", b'[{"id": 1}]\n{"id": 2}\n', format="jsonl")
    assert (with_array.kept, with_array.rejected) == (1, 1)


def test_a_line_of_twenty_megabytes(ws: Workspace) -> None:
    load(ws, "a.jsonl", b'{"t": "' + b"x" * 20_000_000 + b'"}\n{"t": "y"}\n')
    assert ws.sql("SELECT max(length(t)) FROM t.t").rows() == [(20_000_000,)]


def test_a_text_file_is_a_row_a_line(ws: Workspace) -> None:
    load(ws, "a.txt", "eins\n\ndrei ü".encode())
    assert ws.sql("SELECT value FROM t.t ORDER BY value").rows() == [("",), ("drei ü",), ("eins",)]


def test_an_empty_file_is_loaded_with_no_rows(ws: Workspace) -> None:
    load(ws, "a.jsonl", b"")
    assert ws.sql("SELECT count(*) FROM t.t").rows() == [(0,)]
    assert ws.table("t.t").files()[0]["state"] == "loaded"


def test_a_volume_cannot_be_left_by_a_link(ws: Workspace, tmp_path: Path) -> None:
    from lakelet.errors import InvalidNameError

    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a.jsonl").write_text('{"id": 1}\n')
    (ws.folder.files / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(InvalidNameError, match="leaves the volume"):
        ws.load("files:link/a.jsonl", into="t.t")


@pytest.mark.parametrize("blank", ["\n\n", "\r\n\r\n\r\n", "\n"])
def test_a_csv_file_of_blank_lines_has_no_rows(ws: Workspace, blank: str) -> None:
    (ws.folder.files / "blank.csv").write_text(blank, newline="")
    (ws.folder.files / "good.csv").write_text("id,v\n1,2\n")
    report = ws.load("files", "b.t")
    assert (report.kept, report.rejected) == (1, 0)
    assert ws.sql("SELECT id, v FROM b.t").rows() == [(1, 2)]
