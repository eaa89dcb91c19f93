"""A table is cleaned up from its page: what would go is said before."""

from __future__ import annotations

import json
import time

from starlette.testclient import TestClient

from lakelet.session import Workspace
from web.forms import send, token, told

PAGE = "/tables/t/t/maintain"


def filled(ws: Workspace) -> None:
    for number in range(3):
        (ws.folder.files / f"{number}.jsonl").write_text(json.dumps({"id": number}) + "\n")
        ws.load("files", into="t.t")


def test_a_clean_up_is_looked_at_and_done(ws: Workspace, pages: TestClient) -> None:
    filled(ws)
    looked = pages.get(f"{PAGE}.json").json()
    assert (looked["would"]["small"], looked["would"]["removed"]) == (3, 0)
    assert looked["command"] == "lakelet maintain t.t"
    seen = ws.table("t.t").version
    once = token(pages, PAGE)
    answers = [send(pages, PAGE, {"seen": seen}, page=PAGE, token=once) for _ in range(2)]
    assert [told(one.text) for one in answers] == ["Begun: lakelet maintain t.t"] * 2
    for _ in range(200):
        (ran,) = pages.get("/commands.json").json()["commands"]
        if ran["state"] != "running":
            break
        time.sleep(0.1)
    assert ran["state"] == "finished"
    table = ws.table("t.t")
    assert (table.describe()["files"], len(table.rows())) == (1, 3)
    assert "There is nothing to clean up" in pages.get(PAGE).text
    late = send(pages, PAGE, {"seen": seen}, page=PAGE)
    assert "since this page was made" in told(late.text)
    audit = ws.sql("SELECT source FROM system.audit WHERE action = 'maintenance'").rows()
    assert audit == [("page",)]
