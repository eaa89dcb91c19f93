"""Pages of language models: the list with wishes, and each one's card."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from lakelet.inference.host.place import HostPlace
from lakelet.session import Workspace, open_workspace
from models.files import write_gguf

HTML = {"accept": "text/html"}


@pytest.fixture
def stocked(ws: Workspace) -> Workspace:
    settings = ws.folder.root / "lakelet.toml"
    settings.write_text(settings.read_text().replace('# store = "models"', 'store = "models"'))
    return open_workspace(ws.folder.root)


def add(ws: Workspace, folder: Path, name: str, **said: object) -> None:
    ws.add_model(write_gguf(folder / f"{name}.gguf", said=said))


def test_an_empty_store_says_what_fills_it(stocked: Workspace, pages: TestClient) -> None:
    assert "lakelet models add smollm2" in pages.get("/models", headers=HTML).text
    assert pages.get("/models.json").json()["models"] == []


def test_models_are_listed_as_wished(stocked: Workspace, pages: TestClient, tmp_path: Path) -> None:
    add(stocked, tmp_path, "free", **{"general.license": "mit", "general.languages": ["ja"]})
    add(
        stocked, tmp_path, "bound", **{"general.license": "llama3.1", "llama.context_length": 32768}
    )
    for query, wanted in (
        ({}, ["bound", "free"]), ({"licence": "permissive"}, ["free"]),
        ({"language": "Japanese"}, ["free"]), ({"context": "32k"}, ["bound"]),
        ({"size": "1 KB"}, []), ({"vision": "1"}, []), ({"thinks": "1"}, []),
    ):  # fmt: skip
        told = pages.get("/models.json", params=query).json()
        assert [one["name"] for one in told["models"]] == wanted, query
    assert told["command"] == "lakelet models --thinks"
    wrong = pages.get("/models", params={"context": "many"}, headers=HTML).text
    assert "no number of tokens" in wrong and 'role="alert"' in wrong
    (tmp_path / "free.gguf").unlink()
    listed = pages.get("/models", headers=HTML).text
    assert "is not there any more" in listed and "bound" in listed
    assert pages.get("/models/free", headers=HTML).status_code == 409


def test_a_models_page_is_its_card(stocked: Workspace, pages: TestClient, tmp_path: Path) -> None:
    add(stocked, tmp_path, "tiny", **{
        "general.name": "A <b>tiny</b> one", "general.license": "apache-2.0",
        "general.sampling.temp": 0.5,
    })  # fmt: skip
    page = pages.get("/models/tiny", headers=HTML).text
    for said in ("Apache-2.0", "it has none", "A &lt;b&gt;tiny&lt;/b&gt; one",
                 "4,096 tokens", "temperature", "its file", "linked"):  # fmt: skip
        assert said in page, said
    told = pages.get("/models/tiny.json").json()
    assert told["sampling"][0] == ["temperature", 0.5, "its file"]
    assert ["top_k", 40, "the engine's"] in told["sampling"] and told["fault"] == ""
    assert told["loaded"] is None and told["talks"] == []
    assert pages.get("/models/none", headers=HTML).status_code == 404


def test_a_replaced_template_and_a_mark_are_shown(
    stocked: Workspace, pages: TestClient, tmp_path: Path
) -> None:
    add(stocked, tmp_path, "tiny")
    model = stocked.set_model_template("tiny", "chatml")
    assert "replaced, by that of chatml" in pages.get("/models/tiny", headers=HTML).text
    HostPlace(stocked.model_store.root).mark(model, "hung its engine")
    page = pages.get("/models/tiny", headers=HTML).text
    assert "It is not loaded: it hung its engine." in page and "lakelet models verify tiny" in page
    stocked.set_model_template("tiny", "")
    page = pages.get("/models/tiny", headers=HTML).text
    assert "replaced, by" not in page and "It is not loaded" not in page


def test_a_broken_template_is_told_and_holds_no_conversation(
    stocked: Workspace, pages: TestClient, tmp_path: Path
) -> None:
    stocked.add_model(write_gguf(tmp_path / "bad.gguf", template="{% for %}"))
    page = pages.get("/models/bad", headers=HTML).text
    assert "Its chat template is broken, line 1" in page and "Chat with it" not in page
