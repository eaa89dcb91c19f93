"""Values proven by writing them back: moments in one form, and guesses about later rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import make_workspace
from lakelet.session import Workspace

GOOD = "2026-03-29T01:30:00Z"
ODD = [
    "0001-01-01T00:00:00Z", "infinity", "2026-02-30T00:00:00Z", "2026-03-29T02:30:00",
    "2026-03-29T01:30:00.5Z", "2026-03-29T01:30:00+02:00", "2026-03-29 01:30:00Z", "10000-01-01",
    "2026-03-29T24:00:00Z", "2026-03-29T01:30:60Z", "٢026-03-29T01:30:00Z",
]  # fmt: skip
FORMS = [
    GOOD, "2026-03-29 01:30:00Z", "2026-03-29T01:30:00.120Z", "2026-03-29T01:30:00.123456Z",
    "2026-03-29T01:30:00+00:00", "2026-03-29T12:30:00", "2026-03-29 12:30:00.123456",
]  # fmt: skip


def shown(ws: Workspace) -> list[tuple[object, ...]]:
    query = "SELECT id, CAST(m AS VARCHAR), _rescued_data FROM t.t ORDER BY id"
    return ws.sql(query, dialect="duckdb").rows()


@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMP_NTZ"])
@pytest.mark.parametrize("form", FORMS)
def test_a_moment_says_the_same_whether_its_form_is_common_or_not(
    tmp_path: Path, form: str, kind: str
) -> None:
    """Each text alone, where no form is common, must give what it gives among many of one form."""
    texts = [form, *ODD]
    together = make_workspace(tmp_path / "a", "Europe/Berlin")
    with (together.folder.files / "a.jsonl").open("w") as file:
        for n in range(8):
            file.write(json.dumps({"id": -n - 1, "m": form}) + "\n")
        for n, text in enumerate(texts):
            file.write(json.dumps({"id": n, "m": text}, ensure_ascii=False) + "\n")
    together.load("files", into="t.t", hints=f"id BIGINT, m {kind}")
    alone = make_workspace(tmp_path / "b", "Europe/Berlin")
    with (alone.folder.files / "a.jsonl").open("w") as file:
        for n, text in enumerate(texts):  # keys that no template knows: looked at one by one
            file.write(json.dumps({"id": n, "x": None, "m": text}, indent=None) + "  \n")
    alone.load("files", into="t.t", hints=f"id BIGINT, m {kind}")
    rows = make_workspace(tmp_path / "c", "Europe/Berlin")
    lines = [f"{-n - 1},{form}" for n in range(8)] + [f"{n},{text}" for n, text in enumerate(texts)]
    (rows.folder.files / "a.csv").write_text("\n".join(["id,m", *lines]) + "\n")
    rows.load("files", into="t.t", hints=f"id BIGINT, m {kind}", options={"header": "true"})
    expected = shown(alone)
    assert [row for row in shown(together) if row[0] >= 0] == expected
    assert [row for row in shown(rows) if row[0] >= 0] == expected


def test_csv_types_are_those_of_all_values_not_only_of_the_first(ws: Workspace) -> None:
    """Later rows are counted by a guess from the first ones; a wrong guess changes nothing."""
    count, late = 20_000, 1_000
    with (ws.folder.files / "a.csv").open("w") as file:
        file.write("i,late_text,late_fraction,late_code,late_date,late_number,flag,pad\n")
        for n in range(count):
            is_late = n >= count - late
            row = [n, "t" if is_late else 1, "2.5" if is_late else 2, "007" if is_late else 7,
                   "2026-01-02" if n >= 200 else "x", n if n >= 200 else "none", n % 2 == 0]  # fmt: skip
            file.write(",".join(map(str, row)) + "," + "p" * 400 + "\n")
    ws.load("files", into="t.t")
    kinds = {c.name: c.type.sql for c in ws.table("t.t").columns if c.name[0] != "_"}
    assert kinds == {"i": "BIGINT", "late_text": "STRING", "late_fraction": "DOUBLE",
                     "late_code": "STRING", "late_date": "DATE", "late_number": "BIGINT",
                     "flag": "BOOLEAN", "pad": "STRING"}  # fmt: skip
    query = "SELECT count(*), count_if(flag), sum(i) FROM t.t"
    assert ws.sql(query).rows() == [(count, count // 2, sum(range(count)))]
    assert ws.sql("SELECT count(*) FROM t.t WHERE _rescued_data IS NOT NULL").rows() == [(200,)]


def test_lines_with_both_ends_keep_their_numbers(ws: Workspace) -> None:
    (ws.folder.files / "a.jsonl").write_bytes(b'{"a": 1}\r\n\r\n{"a": 2}\n\nbroken\r\n{"a": "x"}\r')
    ws.load("files", into="t.t", hints="a BIGINT")
    assert [row["line"] for row in ws.table("t.t").rejected()] == [5]
    query = "SELECT a, _metadata.line FROM t.t ORDER BY a"
    assert ws.sql(query).rows() == [(None, 6), (1, None), (2, None)]
