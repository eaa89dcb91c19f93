"""Decisions about surprising fields are made on pages, each once, and can be taken back."""

from __future__ import annotations

import json

import pytest
from starlette.testclient import TestClient

from lakelet.session import Workspace
from lakelet.web import create_app
from web.conftest import HOST
from web.forms import send, token, told

TABLE = "/tables/bronze/posts"
PREVIEW = f"{TABLE}/rescued/decide"


@pytest.fixture
def posts(ws: Workspace) -> Workspace:
    """A table with three surprising fields."""
    (ws.folder.files / "a.jsonl").write_text('{"id":1,"score":5}\n{"id":2,"score":7}\n')
    ws.load("files", into="bronze.posts")
    rows: list[object] = [
        {"id": 3, "score": "n/a", "tags": ["x", "y"]},
        {"id": 4, "score": 8, "tags": ["z"], "Points": 9},
        {"id": 5, "score": 9, "debug": {"a": 1}},
    ]
    (ws.folder.files / "b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ws.load("files", into="bronze.posts", evolve="rescue")
    return ws


def test_the_inbox_tells_fields_with_file_and_times(posts: Workspace, pages: TestClient) -> None:
    (table,) = pages.get("/inbox.json").json()["tables"]
    assert table["table"] == "bronze.posts"
    fields = {one["path"]: one for one in table["fields"]}
    assert set(fields) == {"tags", "score", "Points", "debug"}
    assert fields["tags"]["count"] == 2
    assert fields["tags"]["files"] == 1
    assert fields["tags"]["file"].endswith("b.jsonl")
    assert fields["tags"]["first_seen"] == fields["tags"]["last_seen"] is not None


def test_a_type_is_proposed_with_the_share_that_fits(posts: Workspace, pages: TestClient) -> None:
    found = pages.get(f"{TABLE}/rescued/proposal.json?field=tags").json()["proposal"]
    assert (found["column"], found["type"]) == ("tags", "ARRAY<STRING>")
    assert (found["fits"], found["looked_at"], found["rows"], found["files"]) == (2, 2, 2, 1)
    assert found["bytes"] > 0


CHOICES = {
    "field-0": "tags", "decide-0": "promote", "type-0": "", "column-0": "",
    "field-1": "score", "decide-1": "widen", "type-1": "STRING", "column-1": "score",
    "field-2": "Points", "decide-2": "map", "type-2": "", "column-2": "score",
    "field-3": "debug", "decide-3": "ignore", "type-3": "", "column-3": "",
}  # fmt: skip


def test_several_decisions_at_once_and_undo(posts: Workspace, pages: TestClient) -> None:
    before = posts.table("bronze.posts").version
    looked = pages.get(f"{PREVIEW}.json", params=CHOICES).json()
    assert [one["wrong"] for one in looked["choices"]] == [""] * 4
    assert looked["command"].splitlines()[3] == "lakelet rescued bronze.posts --ignore debug"
    assert posts.table("bronze.posts").version == before

    answer = send(pages, PREVIEW, CHOICES, page=f"{PREVIEW}?field-0=tags&decide-0=promote")
    said = told(answer.text)
    assert "tags ARRAY<STRING>: 2 values moved there" in said
    assert "debug is ignored" in said
    rows = posts.sql("SELECT id, score, tags FROM bronze.posts WHERE id > 2 ORDER BY id").rows()
    assert rows == [(3, "n/a", ["x", "y"]), (4, "8", ["z"]), (5, "9", None)]
    waiting = [f["path"] for t in pages.get("/inbox.json").json()["tables"] for f in t["fields"]]
    assert waiting == ["Points"]  # its row has a score already: nothing is overwritten

    undo = f"{TABLE}/restore?to={before}"
    assert undo in answer.text.replace("&amp;", "&")
    looked = pages.get(f"{TABLE}/restore.json?to={before}").json()["would"]
    assert looked.get("files") == [], looked
    assert (looked["asked"], looked["ignored"]) == (["debug"], [])
    assert "tags would go" in looked["columns"]
    now = posts.table("bronze.posts").version
    back = send(pages, f"{TABLE}/restore", {"to": before, "seen": now}, page=undo)
    assert "is as it was at version" in told(back.text)
    fields = {f.path: f for f in posts.table("bronze.posts").rescued()}
    assert set(fields) == {"tags", "score", "Points", "debug"}
    assert not fields["debug"].ignored


def test_a_form_that_is_sent_twice_acts_once(posts: Workspace, pages: TestClient) -> None:
    form = {"field-0": "tags", "decide-0": "promote"}
    page = f"{PREVIEW}?field-0=tags&decide-0=promote"
    once = token(pages, page)
    first = send(pages, PREVIEW, form, page=page, token=once)
    version = posts.table("bronze.posts").version
    # The server was started anew in between: what it did is remembered, and its tokens are good.
    again = TestClient(create_app(posts.folder.root), base_url=f"http://{HOST}")
    second = send(again, PREVIEW, form, page=page, token=once)
    assert told(first.text) == told(second.text)
    assert posts.table("bronze.posts").version == version
    audit = posts.sql("SELECT action, source FROM system.audit WHERE action LIKE 'promote%'").rows()
    assert audit == [("promote tags", "page")]


def test_what_another_tab_decided_is_told(posts: Workspace, pages: TestClient) -> None:
    form = {"field-0": "tags", "decide-0": "promote"}
    page = f"{PREVIEW}?field-0=tags&decide-0=promote"
    tabs = [token(pages, page), token(pages, page)]
    send(pages, PREVIEW, form, page=page, token=tabs[0])
    version = posts.table("bronze.posts").version
    late = send(pages, PREVIEW, form, page=page, token=tabs[1])
    assert "nothing of 'tags' was rescued" in told(late.text)
    assert 'role="alert"' in late.text
    assert posts.table("bronze.posts").version == version


def test_going_back_is_refused_where_the_table_changed_since(
    posts: Workspace, pages: TestClient
) -> None:
    page = f"{TABLE}/restore?to=0"
    seen = posts.table("bronze.posts").version
    once = token(pages, page)
    posts.sql("DELETE FROM bronze.posts WHERE id = 1")
    answer = send(pages, f"{TABLE}/restore", {"to": 0, "seen": seen}, page=page, token=once)
    assert "since this page was made" in told(answer.text)
    assert posts.table("bronze.posts").version == seen + 1


@pytest.mark.parametrize("forged", ["", "x", "65-00.00", "é.é", None])
def test_a_form_with_no_token_of_ours_is_refused(
    posts: Workspace, pages: TestClient, forged: str | None
) -> None:
    made = token(pages, PREVIEW + "?field-0=tags&decide-0=promote")
    form = {"field-0": "tags", "decide-0": "promote"}
    page = PREVIEW
    sent = made[:-1] + ("0" if made[-1] != "0" else "1") if forged is None else forged or " "
    answer = send(pages, PREVIEW, form, page=page, token=sent)
    assert answer.status_code == 403
    foreign = send(
        pages, PREVIEW, form, page=page, token=made, headers={"origin": "http://evil.example"}
    )
    assert foreign.status_code == 403
    cross = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert send(pages, PREVIEW, form, page=page, token=made, headers=cross).status_code == 403
    assert {f.path for f in posts.table("bronze.posts").rescued()} >= {"tags"}


def test_a_form_leads_nowhere_else(posts: Workspace, pages: TestClient) -> None:
    for place in ("https://evil.example/", "//evil.example/", "/\\evil.example"):
        answer = send(
            pages, PREVIEW, {"from": place}, page=PREVIEW, token=token(pages, PREVIEW),
            follow_redirects=False,
        )  # fmt: skip
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/?done=")
