"""Runs on pages: lists, one of them, several compared; and the way from a number to its raw file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import lakelet
from conftest import make_workspace
from lakelet.session import Workspace
from lakelet.web import create_app
from web.conftest import HOST

pytest.importorskip("mlflow")


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Three runs over a loaded table, one of them over an earlier version."""
    ws = make_workspace(tmp_path_factory.mktemp("runs") / "ws")
    for name, rows in (("a", 3), ("b", 2)):
        (ws.folder.files / f"{name}.jsonl").write_text('{"id":1,"score":5}\n' * rows)
        ws.load(f"files/{name}.jsonl", into="bronze.posts")
    for name, rate, version in (("slow", 0.1, 1), ("fast", 0.5, 2), ("wild", 2.0, 2)):
        with ws.run(f"baselines/{name}", params={"rate": rate, "kind": name}, seed=1) as run:
            count = len(ws.table("bronze.posts").at(version=version).rows())
            for step in range(5):
                run.log(loss=1 / (1 + rate * step), step=step)
            run.log(rows=count)
            run.table([{"n": 1}], "counts")
    return ws


@pytest.fixture(scope="module")
def pages(tried: Workspace) -> TestClient:
    return TestClient(create_app(tried.folder.root), base_url=f"http://{HOST}")


def test_the_list_is_filtered_and_sorted(pages: TestClient) -> None:
    def names(**query: str) -> list[str]:
        answer = pages.get("/runs.json", params=query)
        assert answer.status_code == 200, answer.text
        return [run["name"] for run in answer.json()["runs"]]

    assert names() == ["wild", "fast", "slow"]
    assert names(sort="metrics.loss", descending="false") == ["wild", "fast", "slow"]
    assert names(sort="params.rate", descending="false") == ["slow", "fast", "wild"]
    assert names(where="metrics.loss < 0.5") == ["wild", "fast"]
    assert names(folder="baselines") == ["wild", "fast", "slow"]
    assert names(folder="nope") == []
    wrong = pages.get("/runs.json", params={"where": "metrics. >"}).json()
    assert wrong["runs"] == [] and wrong["wrong"]
    wrong = pages.get("/runs.json", params={"sort": "colour"}).json()
    assert wrong["runs"] == [] and "not sorted by" in wrong["wrong"]


def test_runs_are_sorted_before_they_are_cut(
    pages: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lakelet.web.rooms.runs._PAGE", 2)
    first = {"sort": "metrics.loss", "descending": "true"}
    found = pages.get("/runs.json", params=first).json()
    assert [run["name"] for run in found["runs"]] == ["slow", "fast"] and found["more"]
    page = pages.get("/runs", params=first, headers={"accept": "text/html"}).text
    assert "sort=metrics.loss" in page.rpartition('<a href="/runs?')[2].partition('"')[0]


def test_none_chosen_to_compare_is_said(pages: TestClient) -> None:
    answer = pages.get("/compare", headers={"accept": "text/html"})
    assert answer.status_code == 400 and "two to 8 runs are compared, not 0" in answer.text


def test_a_run_says_what_it_read(tried: Workspace, pages: TestClient) -> None:
    slow = tried.run_record("baselines/slow")
    found = pages.get(f"/runs/{slow.id}.json").json()
    assert [(i["name"], i["version"], i["newest"]) for i in found["inputs"]] == [
        ("bronze.posts", 1, 2)
    ]
    assert found["run"]["metrics"]["rows"] == 3
    (kept,) = found["tables"]
    assert kept["path"] == "tables/counts.parquet" and kept["preview"]["rows"] == [["1"]]
    assert [chart["title"] for chart in found["charts"]] == ["loss"]
    page = pages.get(f"/runs/{slow.id}", headers={"accept": "text/html"}).text
    assert "/tables/bronze/posts?version=1" in page and "now 2" in page
    table = pages.get("/tables/bronze/posts.json", params={"version": 1}).json()["head"]
    assert (table["version"], table["rows"]) == (1, 3)


def test_a_table_says_which_runs_read_it(pages: TestClient) -> None:
    found = pages.get("/tables/bronze/posts/used.json").json()["runs"]
    assert [(run["name"], versions) for run, versions in found] == [
        ("wild", [2]), ("fast", [2]), ("slow", [1]),
    ]  # fmt: skip


def test_compared_runs_show_what_differs_only(tried: Workspace, pages: TestClient) -> None:
    ids = [tried.run_record(f"baselines/{name}").id for name in ("slow", "fast")]
    found = pages.get("/compare.json", params={"run": ids}).json()
    assert dict(found["sections"]["params"]) == {"kind": ["slow", "fast"], "rate": ["0.1", "0.5"]}
    assert dict(found["sections"]["inputs"]) == {"bronze.posts": ["version 1", "version 2"]}
    assert "machine" not in found["sections"]
    assert len(found["charts"][0]["series"]) == 2 and found["scatter"]["across"] == "rate"
    assert pages.get("/compare", params={"run": ids}).status_code == 200
    for wrong in (ids[:1], ids * 5, [ids[0], "0" * 32]):
        assert pages.get("/compare.json", params={"run": wrong}).status_code in (400, 404)


@pytest.mark.parametrize("path", ["../../mlflow.db", "/etc/passwd", "nope", "\x00", "tables/../.."])
def test_no_artifact_leads_out_of_its_run(tried: Workspace, pages: TestClient, path: str) -> None:
    run = tried.run_record("baselines/slow").id
    answer = pages.get(f"/runs/{run}/artifact", params={"path": path})
    assert answer.status_code == 404 and "error" in answer.json()
    good = pages.get(f"/runs/{run}/artifact", params={"path": "tables/counts.parquet"})
    assert good.content[:4] == b"PAR1"
    assert good.headers["content-security-policy"].startswith("sandbox")


def test_search_and_home_know_runs(pages: TestClient) -> None:
    hits = pages.get("/search.json", params={"q": "rate = 2"}).json()["hits"]
    assert [(hit["kind"], hit["where"]) for hit in hits] == [("run", "baselines/wild")]
    assert [run["name"] for run in pages.get("/home.json").json()["runs"]] == [
        "wild",
        "fast",
        "slow",
    ]


def test_no_page_imports_mlflow(tried: Workspace) -> None:
    """It costs seconds; what pages know of runs comes from the index."""
    program = (
        "import sys\nfrom starlette.testclient import TestClient\nfrom lakelet.web import create_app\n"
        f"pages = TestClient(create_app(__import__('pathlib').Path({str(tried.folder.root)!r})), "
        f"base_url='http://{HOST}')\n"
        "run = pages.get('/runs.json').json()['runs'][0]['id']\n"
        "for path in ('/', '/runs', '/runs/' + run, '/tables/bronze/posts/used', '/search?q=a'):\n"
        "    assert pages.get(path).status_code == 200, path\n"
        "assert not {'mlflow', 'pandas', 'pyarrow'} & set(sys.modules)\n"
        "from lakelet.web.serving import end_workers\nend_workers()\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, timeout=120)


def test_from_a_run_back_to_the_raw_file(
    tried: Workspace, browser: Any, serve: Callable[[Path], str]
) -> None:
    page = browser.new_context(base_url=serve(tried.folder.root)).new_page()
    page.goto("/runs")
    for name in ("slow", "fast"):
        page.get_by_role("row", name=name).get_by_role("checkbox").check()
    page.get_by_role("button", name="Compare the chosen").click()
    page.wait_for_url("**/compare?**")
    page.get_by_text("version 1", exact=True).wait_for()
    page.get_by_role("link", name="slow").first.click()
    page.wait_for_url("**/runs/*")
    page.get_by_role("link", name="bronze.posts").click()
    page.get_by_role("status").wait_for()
    assert "3 rows" in page.locator(".facts").inner_text()
    page.get_by_role("link", name="Files").last.click()
    page.wait_for_url("**/files?version=1")
    assert page.locator("tbody tr").count() == 1
    page.get_by_role("link", name="files/a.jsonl").click()
    page.get_by_text('{"id":1,"score":5}').first.wait_for()
    page.context.close()


def test_a_workspace_without_runs_says_how_to_begin(tmp_path: Path) -> None:
    lakelet.init(tmp_path / "empty")
    pages = TestClient(create_app(tmp_path / "empty"), base_url=f"http://{HOST}")
    assert "with ws.run(" in pages.get("/runs").text
    assert pages.get("/runs/nope").status_code == 404


def test_runs_of_one_name_are_told_apart_in_charts(ws: Workspace) -> None:
    ids = []
    for _ in range(2):
        with ws.run("base/same", params={"rate": 1}) as run:
            run.log(loss=1.0)
            ids.append(run.id)
    pages = TestClient(create_app(ws.folder.root), base_url=f"http://{HOST}")
    found = pages.get("/compare.json", params={"run": ids}).json()
    assert found["labels"] == [f"same {one[:6]}" for one in ids]
    page = pages.get("/compare", params={"run": ids}, headers={"accept": "text/html"}).text
    assert f"</svg>same {ids[0][:6]}" in page
