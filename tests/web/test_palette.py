"""The palette goes to any page, table or action, by keys alone."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

from lakelet.session import Workspace


def test_words_narrow_it(ws: Workspace, pages: TestClient) -> None:
    ws.sql("CREATE TABLE lab.posts (id INT)")
    found = pages.get("/palette.json").json()["entries"]
    assert ("Inbox: surprising fields", "/inbox") in [(e["text"], e["address"]) for e in found]
    found = pages.get("/palette.json", params={"letters": "POSTS lab"}).json()["entries"]
    assert found[0] == {"text": "lab.posts", "kind": "table", "address": "/tables/lab/posts"}
    assert {"Restore lab.posts", "Rejected rows of lab.posts"} <= {one["text"] for one in found}
    assert pages.get("/palette.json", params={"letters": "zzz"}).json()["entries"] == []


def test_keys_alone_lead_somewhere(site: str, browser: Any) -> None:
    page = browser.new_page()
    page.goto(site)
    page.keyboard.press("Control+k")
    page.wait_for_selector("#palette [role=option]")
    page.keyboard.type("rejected bronze.posts")
    page.wait_for_selector("#palette li[aria-selected=true]:has-text('Rejected rows of bronze')")
    page.keyboard.press("Enter")
    page.wait_for_url("**/tables/bronze/posts/quality")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    assert not page.evaluate("document.querySelector('#palette').open")
    page.close()
