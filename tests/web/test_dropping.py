"""A table is dropped with what depends on it said before, and brought back."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from lakelet.cli.app import cli
from lakelet.session import Workspace
from lakelet.session.saved_queries import save_query
from web.forms import send, token, told

PAGE = "/tables/bronze/a/drop"


@pytest.fixture
def used(ws: Workspace) -> Workspace:
    """A table that a pipeline and a statement make others from."""
    ws.sql("CREATE TABLE bronze.a AS SELECT 1 AS id")
    ws.sql("CREATE TABLE gold.copy AS SELECT * FROM bronze.a")
    folder = ws.folder.root / "pipelines" / "p"
    folder.mkdir()
    (folder / "p.sql").write_text("CREATE MATERIALIZED VIEW m AS SELECT id FROM bronze.a;")
    ws.update("p")
    ws.add_job("p", on_table="bronze.a")
    save_query(ws.folder, "newest", "SELECT * FROM `Bronze`.a@v0", over=False)
    save_query(ws.folder, "other", "SELECT a FROM bronze.ab -- bronze.a", over=False)
    return ws


def test_what_depends_on_it_is_said_and_it_comes_back(used: Workspace, pages: TestClient) -> None:
    looked = pages.get(f"{PAGE}.json").json()
    made = {one["name"]: one["pipeline"] for one in looked["made"]}
    assert made == {"gold.copy": None, "p.m": "p"} and looked["pipelines"] == ["p"]
    assert (looked["queries"], looked["jobs"]) == (["newest"], ["p"])
    assert "1 kept query names it" in pages.get(PAGE).text
    assert looked["command"] == "lakelet sql 'DROP TABLE bronze.a'"
    once = token(pages, PAGE)
    answers = [send(pages, PAGE, {"seen": 0}, page=PAGE, token=once) for _ in range(2)]
    assert ["is dropped" in told(one.text) for one in answers] == [True, True]
    (gone,) = pages.get("/dropped.json").json()["tables"]
    assert gone["name"] == "bronze.a" and gone["time"] and gone["user"]
    assert [one.name for one in used.dropped()] == ["bronze.a"]
    assert pages.get("/tables/bronze/a").status_code == 404
    late = send(pages, PAGE, {"seen": 0}, page="/dropped")  # a tab that was left open
    assert "bronze.a was dropped before; nothing is changed." in told(late.text)
    once = token(pages, "/dropped")
    back = [send(pages, "/dropped", {"table": "bronze.a"}, page="/dropped", token=once)
            for _ in range(2)]  # fmt: skip
    assert ["is back" in told(one.text) for one in back] == [True, True]
    assert used.sql("SELECT * FROM bronze.a").rows() == [(1,)]
    late = send(pages, "/dropped", {"table": "bronze.a"}, page=PAGE)
    assert "there is no dropped table bronze.a" in told(late.text)
    audit = used.sql("SELECT action FROM system.audit WHERE source = 'page' ORDER BY id").rows()
    assert audit == [("DROP TABLE",), ("UNDROP TABLE",), ("UNDROP TABLE",)]


def test_what_a_pipeline_makes_is_not_dropped_by_hand(used: Workspace, pages: TestClient) -> None:
    page = "/tables/p/m/drop"
    seen = used.table("p.m").version
    answer = send(pages, page, {"seen": seen}, page=page)
    assert "belongs to the pipeline p" in told(answer.text)
    assert used.sql("SELECT * FROM p.m").rows() == [(1,)]


def test_it_is_refused_where_it_changed_since(used: Workspace, pages: TestClient) -> None:
    used.sql("INSERT INTO bronze.a VALUES (2)")
    answer = send(pages, PAGE, {"seen": 0}, page=PAGE)
    assert "since this page was made" in told(answer.text)
    assert used.dropped() == []


def test_dropped_tables_are_listed_by_the_command(
    used: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    def run() -> str:
        cli.main(["--workspace", str(used.folder.root), "tables", "--dropped"], "lakelet",
                 standalone_mode=False)  # fmt: skip
        return capsys.readouterr().out

    assert "No table was dropped" in run()
    used.sql("DROP TABLE gold.copy")
    assert "gold.copy" in run()
