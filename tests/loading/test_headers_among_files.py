"""What is a header is decided once for all files of a first load: for types and for rows."""

from __future__ import annotations

import pytest

from lakelet.session import Workspace


def write(ws: Workspace, files: dict[str, str]) -> None:
    (ws.folder.files / "in").mkdir()
    for name, text in files.items():
        (ws.folder.files / "in" / name).write_text(text)


@pytest.mark.parametrize("numbered", ["0.csv", "2.csv"])
def test_a_header_of_one_file_is_one_in_a_file_of_text(ws: Workspace, numbered: str) -> None:
    write(ws, {"1.csv": "id,name\n1,u\n3,v\n", numbered: "name,id\nq,w\n"})
    report = ws.load("files/in", into="s.t")
    assert [c.name for c in report.new_columns] in (["id", "name"], ["name", "id"])
    assert (report.kept, report.rescued, report.rejected) == (3, 0, 0)
    assert ws.sql("SELECT id, name FROM s.t ORDER BY id").rows() == [
        ("1", "u"),
        ("3", "v"),
        ("w", "q"),
    ]


def test_fields_of_json_make_no_header(ws: Workspace) -> None:
    """The first look does not take them for one, so the rows must not either."""
    write(ws, {"1.jsonl": '{"name":"u","city":"v"}\n', "2.csv": "name,city\na,b\n"})
    report = ws.load("files/in", into="s.t")
    assert (report.kept, report.rescued) == (3, 0)
    assert ws.sql("SELECT count(*) FROM s.t WHERE _c0 = 'name'").rows() == [(1,)]


def test_read_files_decides_the_same(ws: Workspace) -> None:
    write(ws, {"1.csv": "id,name\n1,u\n", "2.csv": "id,name\nz,y\n"})
    rows = ws.sql("SELECT id, name FROM read_files('files/in') ORDER BY 1").rows()
    assert rows == [("1", "u"), ("z", "y")]
