"""Runs are changed and archived from their pages, each once."""

from __future__ import annotations

import time
from typing import Any

import pytest
from starlette.testclient import TestClient

from lakelet.session import Workspace
from runs.test_registry import constant
from web.forms import send, token, told

pytest.importorskip("mlflow")


@pytest.fixture
def lab(ws: Workspace) -> Workspace:
    import numpy

    ws.sql("CREATE TABLE gold.p AS SELECT 1 AS a")
    ws.sql("UPDATE gold.p SET a = 2")
    for name, shade in (("one", 0), ("two", 255)):
        with ws.run(f"base/{name}", tags={"note": "x"}) as run:
            ws.table("gold.p").at(version=0 if shade else 1).rows()
            run.figure(numpy.full((4, 4, 3), shade, dtype="uint8"), "roc")
            if shade:
                run.figure(numpy.full((4, 4, 3), shade, dtype="uint8"), "more")
    return ws


def ended(pages: TestClient, many: int) -> list[dict[str, Any]]:
    for _ in range(600):
        found = pages.get("/commands.json").json()["commands"]
        if len(found) == many and all(one["state"] != "running" for one in found):
            break
        time.sleep(0.1)
    return list(found)


def test_a_run_is_renamed_moved_and_tagged_once(lab: Workspace, pages: TestClient) -> None:
    run = lab.run_record("base/one").id
    page = f"/runs/{run}/change"
    form = {"seen": "base/one", "name": "best one", "folder": "papers", "tag-0": "note",
            "off-0": "on", "tag-1": "reviewed", "value-1": "yes"}  # fmt: skip
    once = token(pages, page)
    answers = [send(pages, page, form, page=page, token=once) for _ in range(2)]
    command = f"lakelet run {run} --rename 'best one' --move papers --untag note --tag reviewed=yes"
    assert [told(one.text) for one in answers] == [f"Begun: {command}"] * 2
    (ran,) = ended(pages, 1)
    assert ran["state"] == "finished", ran
    found = lab.run_record("papers/best one")
    assert found.id == run and found.tags["reviewed"] == "yes" and "note" not in found.tags
    late = send(pages, page, {**form, "name": "x"}, page=page)
    assert "since this page was made" in told(late.text)
    same = {"seen": "papers/best one", "name": "best one", "folder": "papers"}
    assert "nothing was changed" in told(send(pages, page, same, page=page).text)
    audit = lab.sql("SELECT DISTINCT source FROM system.audit WHERE action LIKE '% run'").rows()
    assert audit == [("page",)]


def test_a_run_is_archived_and_comes_back(lab: Workspace, pages: TestClient) -> None:
    run = lab.run_record("base/two").id
    page = f"/runs/{run}/change"
    (held,) = pages.get(f"{page}.json").json()["unpinned"]
    assert (held["table"], held["version"]) == ("gold.p", 0) and held["bytes"] > 0
    assert "held for no run any more" in pages.get(page).text
    send(pages, f"/runs/{run}/archive", {"seen": "base/two"}, page=page)
    assert ended(pages, 1)[0]["state"] == "finished"
    assert [one[0] for one in pages.get("/archived-runs.json").json()["runs"]] == [run]
    assert [one["name"] for one in pages.get("/runs.json").json()["runs"]] == ["one"]
    send(pages, "/archived-runs", {"run": run}, page="/archived-runs")
    assert ended(pages, 2)[0]["state"] == "finished"
    assert [one["name"] for one in pages.get("/runs.json").json()["runs"]] == ["two", "one"]
    wrong = send(pages, "/archived-runs", {"run": "--help"}, page=page)
    assert "is not archived" in told(wrong.text)


def test_figures_of_one_name_stand_beside_one_another(lab: Workspace, pages: TestClient) -> None:
    ids = [lab.run_record(f"base/{name}").id for name in ("one", "two")]
    found = pages.get("/compare.json", params={"run": ids}).json()
    assert found["figures"] == {"figures/roc.png": [True, True], "figures/more.png": [False, True]}
    page = pages.get("/compare", params={"run": ids}).text
    assert page.count("<img") == 3 and "It has none of this name." in page


def test_a_model_is_registered_and_its_alias_moved_once(ws: Workspace, pages: TestClient) -> None:
    for number in (1, 2):
        with ws.run(f"spam/{number}") as run:
            run.model(constant(number), "clf")
            run.table([{"word": "<b>", "n": number}], "words")
    first = pages.get(f"/runs/{ws.run_record('spam/1').id}").text
    assert "Model clf" in first and "MLmodel" in first and "<td>&lt;b&gt;</td>" in first
    assert "No model is registered" in pages.get("/registry").text
    for number in (1, 2):
        run = ws.run_record(f"spam/{number}").id
        (model,) = ws.run_models(run)
        form = {"model": model.id, "name": "filter", "alias": "champion" if number == 1 else ""}
        page = f"/runs/{run}/change"
        once = token(pages, page)
        for _ in range(2):
            send(pages, f"/runs/{run}/register", form, page=page, token=once)
        assert ended(pages, number)[0]["state"] == "finished"
    found = pages.get("/registry/filter.json").json()
    assert found["aliases"] == {"champion": 1}
    assert [(one["model"]["version"], one["run"]) for one in found["versions"]] == [
        (2, "spam/2"), (1, "spam/1"),
    ]  # fmt: skip
    assert "models:/filter@champion" in found["code"]
    page = "/registry/filter"
    send(pages, f"{page}/alias", {"alias": "champion", "seen": "1", "version": "2"}, page=page)
    assert ended(pages, 3)[0]["state"] == "finished"
    assert ws.registered_models("filter")[0].aliases == {"champion": 2}
    late = send(pages, f"{page}/alias", {"alias": "champion", "seen": "1", "version": ""},
                page=page)  # fmt: skip
    assert "champion means version 2 since this page was made" in told(late.text)
    send(pages, f"{page}/alias", {"alias": "champion", "seen": "2", "version": ""}, page=page)
    assert ended(pages, 4)[0]["state"] == "finished"
    assert ws.registered_models("filter")[0].aliases == {}
    run = ws.run_record("spam/2").id
    (model,) = ws.run_models(run)
    address = f"/runs/{run}/models/{model.id}/file"
    answer = pages.get(address, params={"path": "MLmodel"})
    assert answer.status_code == 200 and b"python_function" in answer.content
    assert "sandbox" in answer.headers["content-security-policy"]
    for path in ("../../x", "nope", "/etc/passwd"):
        assert pages.get(address, params={"path": path}).status_code == 404
    assert pages.get("/registry/nope").status_code == 404
