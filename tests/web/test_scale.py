"""Every page of a workspace as it is after years is there, and of a size that can be looked at."""

from __future__ import annotations

import json

import pytest
from bench.large import LONG, PAGES, WIDE, make_large
from starlette.testclient import TestClient

from conftest import make_workspace
from lakelet.session import Workspace
from lakelet.web import create_app

pytestmark = pytest.mark.slow
HOST = "127.0.0.1:8320"
MOST = 1_000_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    ws = make_workspace(tmp_path_factory.mktemp("large") / "ws")
    make_large(ws, tables=2000, updates=5000)
    return ws


@pytest.fixture(scope="module")
def client(large: Workspace) -> TestClient:
    return TestClient(create_app(large.folder.root), base_url=f"http://{HOST}")


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_there_and_small(client: TestClient, name: str) -> None:
    shown = client.get(PAGES[name], headers={"accept": "text/html"})
    assert shown.status_code == 200, shown.text[:500]
    assert len(shown.content) < MOST
    path, mark, query = PAGES[name].partition("?")
    if path.startswith("/parts"):
        return
    twin = client.get(f"{'/home' if path == '/' else path}.json{mark}{query}")
    assert twin.status_code == 200 and len(twin.content) < MOST
    assert isinstance(json.loads(twin.content), dict)


def test_all_tables_are_found_a_page_at_a_time(client: TestClient) -> None:
    found: list[str] = []
    first: int | None = 0
    while first is not None:
        page = client.get("/tables/s00.json", params={"first": first}).json()
        found += [one["name"] for one in page["tables"]]
        assert not any(one["error"] for one in page["tables"])
        first = page["following"]
    assert len(found) == len(set(found)) == 201
    assert {f"s00.{WIDE}", f"s00.{LONG}"} <= set(found)


def test_all_columns_of_a_wide_table_are_reached(client: TestClient) -> None:
    found: list[str] = []
    while True:
        page = client.get(f"/tables/s00/{WIDE}/sample.json", params={"first": len(found)}).json()
        names = [one["name"] for one in page["sample"]["columns"]]
        if not names:
            break
        found += names
    assert found == [f"column_{number}" for number in range(1500)]


def test_search_comes_to_know_every_table(client: TestClient) -> None:
    # A request looks for a bounded time, so how many it takes depends on the machine; every one of
    # them must come to know something.
    waiting = None
    while waiting != 0:
        found = client.get("/search.json", params={"q": "column_1499"}).json()
        assert waiting is None or found["waiting"] < waiting
        waiting = found["waiting"]
    assert [one["name"] for one in found["hits"] if one["kind"] == "column"] == ["column_1499"]


def test_updates_are_told_without_the_store_too(large: Workspace, client: TestClient) -> None:
    def told() -> list[tuple[int, str, str]]:
        return [(one["update"], one["pipeline"], one["state"]) for one in large.updates()]

    known, why = told(), large.why("p00", "p00.good")
    assert len(known) > 5000
    assert large.why("p00", "p00.good", limit=50) == why[:50]
    for file in (large.folder.root / ".lakelet").glob("lakelet.db*"):
        file.unlink()
    assert told() == known
    assert large.why("p00", "p00.good") == why
