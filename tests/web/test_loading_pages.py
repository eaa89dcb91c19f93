"""Files come into a volume and into a table by the pages alone."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from lakelet.session import Workspace
from web.forms import send, told


def settled(pages: TestClient, place: str) -> dict[str, Any]:
    """A command, once it has ended."""
    for _ in range(600):
        ran: dict[str, Any] = pages.get(f"{place}.json").json()["ran"]
        if ran["state"] != "running":
            return ran
        time.sleep(0.1)
    raise AssertionError(ran)


class Sender:
    """Sends files as the page does."""

    def __init__(self, pages: TestClient, folder: str = "files:") -> None:
        self.pages, self.folder = pages, folder
        page = pages.get("/file", params={"path": "files:"}).text
        self.token = page.partition('data-token="')[2].partition('"')[0]

    def ask(self, where: str, name: str, size: int, body: bytes = b"", **more: Any) -> Any:
        query = {"folder": self.folder, "name": name, "size": size, "modified": 1, **more}
        return self.pages.post(
            where, params=query, content=body, headers={"x-lakelet-token": self.token}
        )

    def file(self, name: str, data: bytes) -> Any:
        return self.ask("/uploads/piece", name, len(data), data, offset=0)


def test_a_file_goes_on_where_it_was_cut_off(ws: Workspace, pages: TestClient) -> None:
    data = b"".join(b'{"id":%d}\n' % number for number in range(1000))
    sender = Sender(pages)
    assert sender.ask("/uploads", "a.jsonl", len(data)).json()["come"] == 0
    half = sender.ask("/uploads/piece", "a.jsonl", len(data), data[:500], offset=0).json()
    assert (half["come"], half["path"]) == (500, None)
    assert list(ws.folder.files.iterdir()) == []
    # The same piece once more, as a page sends it that never had its answer.
    again = sender.ask("/uploads/piece", "a.jsonl", len(data), data[:500], offset=0)
    assert again.status_code == 400
    assert sender.ask("/uploads", "a.jsonl", len(data)).json()["come"] == 500
    whole = sender.ask("/uploads/piece", "a.jsonl", len(data), data[500:], offset=500).json()
    assert whole["path"] == "files/a.jsonl"
    assert (ws.folder.files / "a.jsonl").read_bytes() == data
    assert list((ws.folder.private / "uploads").iterdir()) == []
    audit = ws.sql("SELECT action, source FROM system.audit").rows()
    assert audit == [("upload a.jsonl", "page")]


def test_no_file_is_written_over(ws: Workspace, pages: TestClient) -> None:
    sender = Sender(pages)
    assert sender.file("a.tar.gz", b"one").json()["path"] == "files/a.tar.gz"
    assert sender.file("a.tar.gz", b"other").json()["path"] == "files/a (2).tar.gz"
    # The same bytes under the same name are there once.
    assert sender.file("a.tar.gz", b"other").json()["path"] == "files/a (2).tar.gz"
    assert (ws.folder.files / "a.tar.gz").read_bytes() == b"one"
    assert sender.file("empty.csv", b"").json()["path"] == "files/empty.csv"
    assert (ws.folder.files / "empty.csv").read_bytes() == b""


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/etc/shadow", "shadow"),
        (".hidden.csv", "hidden.csv"),
        ("_log.csv", "log.csv"),
        ("a\nb\0c.csv", "a_b_c.csv"),
        ("line\u2028end.csv", "line_end.csv"),
        ("caf\u00e9 \u4e2d\u6587.csv", "caf\u00e9 \u4e2d\u6587.csv"),
    ],
)
def test_names_are_kept_safe(ws: Workspace, pages: TestClient, name: str, kept: str) -> None:
    assert Sender(pages).file(name, b"x").json()["path"] == f"files/{kept}"
    assert [path.name for path in ws.folder.files.iterdir()] == [kept]


@pytest.mark.parametrize("name", ["", "..", "...", "/", "._", "a" * 4000, "\u4e2d" * 100])
def test_names_that_are_none_are_refused(ws: Workspace, pages: TestClient, name: str) -> None:
    answer = Sender(pages).file(name, b"x")
    assert answer.status_code == 400
    assert "othing was written" in answer.json()["error"]["message"]
    assert list(ws.folder.files.iterdir()) == []


@pytest.mark.parametrize(
    "folder", ["..", "files/../..", "files:../..", "/etc", "lake", ".lakelet", "nope:", "files/no"]
)
def test_nothing_goes_anywhere_but_into_a_volume(
    ws: Workspace, pages: TestClient, folder: str
) -> None:
    before = sorted(path for path in ws.folder.root.rglob("*") if ".lakelet" not in path.parts)
    answer = Sender(pages, folder).file("a.csv", b"x")
    assert 400 <= answer.status_code < 500, answer.text
    after = sorted(path for path in ws.folder.root.rglob("*") if ".lakelet" not in path.parts)
    assert after == before


def test_a_link_out_of_the_volume_is_no_way_out(
    ws: Workspace, pages: TestClient, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (ws.folder.files / "link").symlink_to(outside)
    assert Sender(pages, "files/link").file("a.csv", b"x").status_code >= 400
    assert list(outside.iterdir()) == []


def test_a_file_that_is_longer_than_it_said_is_refused(ws: Workspace, pages: TestClient) -> None:
    sender = Sender(pages)
    assert sender.ask("/uploads/piece", "a.csv", 3, b"12345", offset=0).status_code == 413
    assert sender.ask("/uploads", "a.csv", 1 << 50).status_code == 413
    assert sender.ask("/uploads", "a.csv", 1 << 43).status_code == 409  # no disk is that large
    sender.token = "x"
    assert sender.file("a.csv", b"x").status_code == 403
    assert list(ws.folder.files.iterdir()) == []


ROWS: list[object] = [
    {"id": 1, "price": 1.25, "day": "2026-01-02"}, {"id": 2, "price": 2.5, "day": "2026-01-03"},
    {"id": 3, "price": "n/a", "day": "2026-01-04"},
]  # fmt: skip


def dirty(ws: Workspace) -> None:
    text = "".join(json.dumps(row) + "\n" for row in ROWS) + '{"id":\n'
    (ws.folder.files / "p.jsonl").write_text(text)


def test_a_trial_tells_what_the_load_would_do_and_changes_nothing(
    ws: Workspace, pages: TestClient
) -> None:
    dirty(ws)
    query = {"source": "files/p.jsonl", "into": "bronze.prices"}
    trial = pages.get("/load.json", params=query).json()["trial"]
    assert dict(trial["columns"]) == {"id": "BIGINT", "price": "STRING", "day": "DATE"}
    assert (trial["files"], trial["kept"], trial["rescued"], trial["rejected"]) == (1, 3, 0, 1)
    assert trial["rejects"][0]["file"] == "files/p.jsonl"
    assert trial["looked_at"] == trial["bytes"]
    assert len(trial["rows"]) == 3
    assert list(ws.tables()) == []
    assert list((ws.folder.private / "trials").iterdir()) == []


def test_a_trial_shows_rows_of_every_file_and_where_the_faults_are(
    ws: Workspace, pages: TestClient
) -> None:
    for name in "abc":
        lines = [json.dumps({"name": name, "id": number}) for number in range(20)]
        (ws.folder.files / f"{name}.jsonl").write_text("\n".join(lines) + '\n{"id": tru}\n')
    query = {"source": "files", "into": "bronze.names"}
    found = pages.get("/load.json", params=query).json()
    trial = found["trial"]
    at = trial["names"].index("name")
    assert [row[at] for row in trial["rows"]] == ["a", "b", "c", "a", "b"]
    assert [fault for _, fault, _ in found["marks"]] == ["t"] * 3
    page = pages.get("/load", params=query, headers={"accept": "text/html"}).text
    assert "{&#34;id&#34;: <mark>t</mark>ru}" in page and "the files were looked at whole" in page
    ws.load("files", into="bronze.names")
    (ws.folder.files / "d.jsonl").write_text('{"name":"d","id":1}\n')
    page = pages.get("/load", params=query, headers={"accept": "text/html"}).text
    assert "New columns" not in page and "1 file (" in page


def test_a_trial_of_a_file_without_a_header_names_it_and_its_columns(
    ws: Workspace, pages: TestClient
) -> None:
    (ws.folder.files / "plain.csv").write_text("1,2.5,x\n3,4.0,y\n")
    query = {"source": "files/plain.csv", "into": "bronze.plain"}
    trial = pages.get("/load.json", params=query).json()["trial"]
    assert [name for name, _ in trial["columns"]] == ["_c0", "_c1", "_c2"]
    assert [row[:3] for row in trial["rows"]] == [["1", "2.5", "x"], ["3", "4.0", "y"]]
    assert all("files/plain.csv" in one for one in trial["decided"])


def test_hints_are_edited_in_place_and_the_load_is_a_command(
    ws: Workspace, pages: TestClient
) -> None:
    dirty(ws)
    query = {
        "source": "files/p.jsonl", "into": "bronze.prices",
        "column-0": "id", "was-0": "BIGINT", "type-0": "BIGINT",
        "column-1": "price", "was-1": "STRING", "type-1": "DECIMAL(18,2)",
    }  # fmt: skip
    found = pages.get("/load.json", params=query).json()
    assert found["form"]["hints"] == "price DECIMAL(18,2)"
    assert found["trial"]["rescued"] == 1
    assert found["trial"]["fields"][0]["path"] == "price"
    answer = send(
        pages, "/load", found["form"], page="/load?source=files/p.jsonl&into=bronze.prices"
    )
    assert told(answer.text).startswith("Begun: lakelet load --into bronze.prices --hints")
    ran = settled(pages, answer.url.path)
    assert ran["state"] == "finished", ran
    assert ran["done"] is not None
    rows = ws.sql("SELECT id, price FROM bronze.prices ORDER BY id").rows()
    assert [str(price) for _, price in rows] == ["1.25", "2.50", "None"]
    assert len(ws.table("bronze.prices").rejected()) == 1


def test_a_trial_of_a_table_that_is_there(ws: Workspace, pages: TestClient) -> None:
    dirty(ws)
    ws.load("files/p.jsonl", into="bronze.prices", hints="price DECIMAL(18,2)")
    (ws.folder.files / "q.jsonl").write_text('{"id":"x","price":3,"more":1}\n')
    query = {"source": "files", "into": "bronze.prices", "evolve": "rescue"}
    trial = pages.get("/load.json", params=query).json()["trial"]
    assert (trial["files"], trial["same"], trial["kept"]) == (1, 1, 1)
    assert {one["path"] for one in trial["fields"]} == {"id", "more"}
    assert ws.table("bronze.prices").version == 1


def test_what_cannot_be_loaded_is_told(ws: Workspace, pages: TestClient) -> None:
    for query, word in (
        ({"source": "files/none", "into": "a.b"}, "nothing to load"),
        ({"source": "files", "into": "a"}, "a"),
        ({"source": "files:../..", "into": "a.b"}, "leaves the volume"),
        ({"source": "files", "into": "system.queries"}, "system"),
        ({"source": "files", "into": "a.b", "options": "header"}, "header"),
    ):
        found = pages.get("/load.json", params=query).json()
        assert found["trial"] is None
        assert word in found["wrong"], query


def test_a_zip_bomb_is_unpacked_as_far_as_a_line_may_be_long(
    ws: Workspace, pages: TestClient
) -> None:
    import gzip

    with gzip.open(ws.folder.files / "bomb.jsonl.gz", "wb", compresslevel=9) as bomb:
        for _ in range(300):
            bomb.write(b"0" * (1 << 20))
    query = {"source": "files/bomb.jsonl.gz", "into": "a.b"}
    trial = pages.get("/load.json", params=query).json()["trial"]
    assert trial["unreadable"] == {"files/bomb.jsonl.gz": "line 1 is longer than 256 MiB"}
    assert list(ws.tables()) == []
    assert list((ws.folder.private / "trials").iterdir()) == []


def test_one_stop_ends_the_load_of_one_file(ws: Workspace, pages: TestClient) -> None:
    line = json.dumps({"id": 1, "text": "x" * 500}) + "\n"
    (ws.folder.files / "big.jsonl").write_text(line * 600_000)
    form = {"source": "files/big.jsonl", "into": "bronze.big"}
    place = send(pages, "/load", form, page="/load?source=files/big.jsonl&into=bronze.big").url.path
    while not (ws.folder.root / "lake/bronze/big/_delta_log").is_dir():
        assert pages.get(f"{place}.json").json()["ran"]["state"] == "running"
        time.sleep(0.01)
    send(pages, f"{place}/end", {}, page=place)
    ran = settled(pages, place)
    assert ran["state"] == "stopped", ran
    assert "bronze.big was made, and holds no rows yet." in ran["output"]
    assert ran["done"] <= ran["whole"]
    assert len(ws.table("bronze.big").rows()) == 0
    (ws.folder.files / "big.jsonl").write_text(line * 10)
    ws.load("files/big.jsonl", into="bronze.big")
    assert len(ws.table("bronze.big").rows()) == 10
