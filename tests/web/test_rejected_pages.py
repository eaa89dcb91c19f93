"""Rejected rows: by reason, with the fault marked, tried again, handed over."""

from __future__ import annotations

import csv
import io
import json
import time

import pytest
from starlette.testclient import TestClient

from lakelet.session import Workspace
from lakelet.web.faults import marked
from web.forms import send, told

TABLE = "/tables/bronze/prices"
PAGE = f"{TABLE}/quality"


@pytest.fixture
def prices(ws: Workspace) -> Workspace:
    """A table of which two rows are in another encoding, and two have too many fields."""
    text = "id;name\n1;tea\n2;caf\u00e9\n3;cr\u00e8me\n4;a;b;c\n5;x;y\n"
    (ws.folder.files / "p.csv").write_bytes(text.encode("latin-1"))
    ws.load("files/p.csv", into="bronze.prices", options={"header": "true", "delimiter": ";"})
    return ws


def test_they_are_grouped_by_reason_and_marked(prices: Workspace, pages: TestClient) -> None:
    found = pages.get(f"{PAGE}.json").json()
    groups = {one["reason"]: one["rows"] for one in found["groups"]}
    assert groups == {"bytes that are not UTF-…": 2, "… fields instead of …": 2}
    marks = dict(zip([row["line"] for row in found["rows"]], found["marks"], strict=True))
    assert marks == {
        3: ["2;caf", "\\xe9", ""], 4: ["3;cr", "\\xe8", "me"],
        5: ["4;a", ";b;c", ""], 6: ["5;x", ";y", ""],
    }  # fmt: skip
    some = pages.get(f"{PAGE}.json", params={"reason": "… fields instead of …"}).json()["rows"]
    assert [row["line"] for row in some] == [5, 6]
    page = pages.get(PAGE, headers={"accept": "text/html"}).text
    assert "<mark>\\xe9</mark>" in page


def test_they_are_handed_over(prices: Workspace, pages: TestClient) -> None:
    lines = pages.get(f"{TABLE}/rejected.jsonl")
    assert [json.loads(line)["line"] for line in lines.text.splitlines()] == [3, 4, 5, 6]
    assert "attachment" in lines.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(pages.get(f"{TABLE}/rejected.csv").text)))
    assert [row["record"] for row in rows][2:] == ["4;a;b;c", "5;x;y"]


def test_they_are_tried_again_beside_the_server(prices: Workspace, pages: TestClient) -> None:
    form = {"hints": "", "options": "encoding=latin-1"}
    answer = send(pages, f"{PAGE}/retry", form, page=PAGE)
    place = answer.url.path
    assert place.startswith("/commands/")
    assert "lakelet rejected bronze.prices --retry --option encoding=latin-1" in told(answer.text)
    for _ in range(300):
        ran = pages.get(f"{place}.json").json()["ran"]
        if ran["state"] != "running":
            break
        time.sleep(0.1)
    assert ran["state"] == "finished", ran
    assert "2 are rows now" in ran["output"]
    assert "Back to where it was begun" in pages.get(place).text
    rows = prices.sql("SELECT name FROM bronze.prices ORDER BY id").rows()
    assert rows == [("tea",), ("caf\u00e9",), ("cr\u00e8me",)]
    (audit,) = prices.sql("SELECT source FROM system.audit WHERE action = 'retry'").rows()
    assert audit == ("page",)


def test_hints_that_are_none_are_told_with_what_was_typed(
    prices: Workspace, pages: TestClient
) -> None:
    answer = send(pages, f"{PAGE}/retry", {"hints": "price DECIMAL(", "options": ""}, page=PAGE)
    assert answer.url.path == PAGE
    assert told(answer.text)
    assert 'value="price DECIMAL("' in answer.text


@pytest.mark.parametrize(
    ("record", "reason", "fault"),
    [
        ('{"id":1,"score":}', "broken JSON", "}"),
        ('{"id":1', "broken JSON", "\u23ce"),
        ("a,b", "2 fields instead of 3", "\u23ce"),
        ('1,"x', "quotes that do not pair up", '"'),
        ("plain", "breaks positive", ""),
        ("[" * 100_000, "broken JSON", ""),
    ],
)
def test_marks(record: str, reason: str, fault: str) -> None:
    before, found, after = marked(record, reason)
    assert found == fault
    assert len(before) + len(after) < 3000
