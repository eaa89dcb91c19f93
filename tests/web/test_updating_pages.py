"""Pipelines are updated, stopped, scheduled and made from pages, by the commands these show."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from lakelet.errors import PipelineError
from lakelet.session import Workspace
from web.forms import send, told
from web.test_loading_pages import settled

SQL = """\
CREATE MATERIALIZED VIEW forum.good AS SELECT id, score FROM bronze.posts WHERE score > 1;
CREATE MATERIALIZED VIEW forum.top AS SELECT id FROM forum.good WHERE score > 5;
"""
SLOW = "CREATE MATERIALIZED VIEW forum.slow AS SELECT count(*) AS n FROM range(20000000000);\n"


@pytest.fixture
def forum(ws: Workspace) -> Workspace:
    """A pipeline over a loaded table, before its first update."""
    (ws.folder.files / "a.jsonl").write_text('{"id":1,"score":5}\n{"id":2,"score":7}\n')
    ws.load("files", into="bronze.posts")
    write(ws, SQL)
    return ws


def write(ws: Workspace, text: str) -> None:
    folder = ws.folder.root / "pipelines" / "forum"
    folder.mkdir(exist_ok=True)
    (folder / "forum.sql").write_text(text)


def until(found: Callable[[], Any]) -> Any:
    for _ in range(600):
        if value := found():
            return value
        time.sleep(0.1)
    raise AssertionError("it never came")


def command_of(answer: Any) -> str:
    return "/commands/" + str(answer.url.params["done"])


def test_an_update_is_looked_at_and_begun(forum: Workspace, pages: TestClient) -> None:
    plan = pages.get("/pipelines/forum/plan.json").json()
    assert [(one["dataset"], one["reason"]) for one in plan["steps"]] == [
        ("forum.good", "first update"), ("forum.top", "first update"),
    ]  # fmt: skip
    assert forum.updates("forum") == []
    answer = send(pages, "/pipelines/forum/update", {}, page="/pipelines/forum")
    assert answer.url.path == "/pipelines/forum"
    assert told(answer.text) == "Begun: lakelet update forum"
    assert settled(pages, command_of(answer))["state"] == "finished"
    assert forum.sql("SELECT id FROM forum.top").rows() == [(2,)]


def test_only_some_and_anew(forum: Workspace, pages: TestClient) -> None:
    forum.update("forum")
    form = {"only": ["forum.good", "forum.top"], "refresh": ["forum.top"], "foreign": "stop"}
    query = "only=forum.good&only=forum.top&refresh=forum.top"
    plan = pages.get(f"/pipelines/forum/plan.json?{query}").json()
    assert plan["command"] == (
        "lakelet update forum --only forum.good --only forum.top --full-refresh forum.top"
    )
    assert {one["dataset"]: one["how"] for one in plan["steps"]}["forum.good"] == "skip"
    answer = send(pages, "/pipelines/forum/update", form, page="/pipelines/forum/plan")
    ran = settled(pages, command_of(answer))
    assert ran["arguments"] == plan["command"].split()[1:]
    assert ran["state"] == "finished"


def test_what_cannot_be_read_again_is_told_before_a_full_refresh(
    forum: Workspace, pages: TestClient
) -> None:
    write(
        forum,
        "CREATE STREAMING TABLE forum.raw AS SELECT * FROM STREAM read_files('files/in/');\n",
    )
    (forum.folder.files / "in").mkdir()
    (forum.folder.files / "in" / "x.jsonl").write_text('{"id":1}\n')
    forum.update("forum")
    (forum.folder.files / "in" / "x.jsonl").unlink()
    (forum.folder.files / "in" / "y.jsonl").write_text('{"id":2}\n')
    plan = pages.get("/pipelines/forum/plan.json?everything=true").json()
    assert "x.jsonl" in str(plan["stops"])
    assert "Update so" not in pages.get("/pipelines/forum/plan?everything=true").text
    assert "Update so" in pages.get(
        "/pipelines/forum/plan?everything=true&even_if_lost=true"
    ).text  # fmt: skip
    kept = pages.get("/pipelines/forum/plan.json?everything=true&even_if_lost=true").json()
    assert kept["stops"] == []


def test_a_running_update_is_stopped_and_nothing_is_published(
    forum: Workspace, pages: TestClient
) -> None:
    write(forum, SQL + SLOW)
    answer = send(pages, "/pipelines/forum/update", {}, page="/pipelines/forum")
    until(lambda: [u for u in forum.updates("forum") if u["state"] == "running"])
    until(lambda: 'action="/pipelines/forum/stop"' in pages.get("/pipelines/forum").text)
    time.sleep(1)
    stopped = send(pages, "/pipelines/forum/stop", {}, page="/pipelines/forum")
    assert "asked to end" in told(stopped.text)
    assert settled(pages, command_of(answer))["state"] == "stopped"
    assert not forum.lake.exists(next(forum.tables()).of("forum", "good"))
    with pytest.raises(PipelineError, match="no update of forum is running"):
        forum.stop_update("forum")
    assert "Resume" in pages.get("/pipelines/forum").text
    actions = forum.sql("SELECT action, source FROM system.audit WHERE target = 'forum'").rows()
    assert ("update", "page") in actions
    assert ("stop", "page") in actions


def test_what_fails_before_it_begins_is_told_where_the_page_leads(
    forum: Workspace, pages: TestClient
) -> None:
    write(forum, SQL + "CREATE MATERIALIZED VIEW forum.bad AS SELECT nope FROM forum.good;\n")
    answer = send(pages, "/pipelines/forum/update", {}, page="/pipelines/forum")
    name = answer.url.params["done"]
    assert f'data-hx-get="/parts/commands/{name}"' in answer.text
    ran = settled(pages, f"/commands/{name}")
    assert ran["state"] == "failed"
    assert "nope" in ran["output"]
    source = pages.get("/pipelines/forum/source.json").json()
    assert "nope" in source["error"]
    assert source["files"][0]["wrong"] == 3
    assert 'id="wrong"' in pages.get("/pipelines/forum/source").text


def test_a_schedule_is_shown_set_changed_and_taken_away(
    forum: Workspace, pages: TestClient
) -> None:
    page = "/pipelines/forum/schedule"
    shown = pages.get(f"{page}.json", params={"cron": "0 6 * * 1-5"}).json()
    times = [datetime.fromisoformat(one) for one in shown["times"]]
    assert len(times) == 5
    assert times == sorted(times)
    assert "no cron line" in pages.get(f"{page}.json", params={"cron": "x"}).json()["wrong"]
    cron = {"when": "cron", "cron": "0 6 * * 1-5"}
    assert "from now on" in told(send(pages, page, cron, page=page + "?cron=0 6 * * *").text)
    assert pages.get(f"{page}.json").json()["trigger"] == "0 6 * * 1-5"
    bad = send(pages, page, {"when": "table", "on_table": "no.such"}, page=page)
    assert "no table" in told(bad.text)
    assert pages.get(f"{page}.json").json()["trigger"] == "0 6 * * 1-5"
    again = send(pages, page, {"when": "table", "on_table": "bronze.posts"}, page=page)
    assert "from now on" in told(again.text)
    assert pages.get(f"{page}.json").json()["trigger"] == "bronze.posts moves"
    send(pages, page, {"when": "never"}, page=page)
    assert pages.get(f"{page}.json").json()["trigger"] is None


def test_a_pipeline_is_made_from_the_template(ws: Workspace, pages: TestClient) -> None:
    answer = send(pages, "/pipelines", {"name": "news"}, page="/pipelines")
    assert answer.url.path == "/pipelines/news/source"
    assert "CREATE OR REFRESH STREAMING TABLE raw" in answer.text
    twice = send(pages, "/pipelines", {"name": "news"}, page="/pipelines")
    assert "already" in told(twice.text)
    assert 'value="news"' in twice.text
    assert "cannot be the name" in told(
        send(pages, "/pipelines", {"name": "../x"}, page="/pipelines").text
    )
