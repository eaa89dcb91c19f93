"""The page Chat, asked as a program asks: what is told, what is kept, what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from inference.faulty import faulty
from lakelet.inference.host.attaching import HostClient
from lakelet.models import ModelStore
from lakelet.session import Workspace, open_workspace

HTML = {"accept": "text/html"}
LOMAR, ARNIA = "What is the capital of Lomar?", "What grows in Arnia?"


class Chat:
    """Someone's page."""

    def __init__(self, pages: TestClient) -> None:
        self.pages = pages
        page = pages.get("/chat", headers=HTML).text
        token = re.search(r'data-token="([^"]+)"', page)
        assert token is not None
        self.token = token[1]

    def post(self, path: str, **asked: Any) -> Any:
        return self.pages.post(path, json=asked, headers={"x-lakelet-token": self.token})

    def say(self, text: str, **more: Any) -> list[dict[str, Any]]:
        asked = {"model": "tiny-llama", "temperature": 0, "text": text, **more}
        answer = self.post("/chat/say", **asked)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]


def test_an_empty_store_says_what_fills_it(ws: Workspace, pages: TestClient) -> None:
    settings = ws.folder.root / "lakelet.toml"
    settings.write_text(settings.read_text().replace('# store = "models"', 'store = "models"'))
    page = pages.get("/chat", headers=HTML).text
    assert "lakelet models add smollm2" in page and "lakelet models add FILE.gguf" in page
    assert pages.get("/chat.json").json()["models"] == []


def test_an_answer_is_told_as_it_comes(talkative: Workspace, pages: TestClient) -> None:
    told = Chat(pages).say(LOMAR, model="tiny-qwen-thinks", system="Be short.", new="0" * 12)
    kinds = [one["kind"] for one in told]
    known = ("waiting", "loaded", "begun", "meter", "thought", "text", "ended")
    order = [kind for kind in known if kind in kinds]
    assert order[-6:] == ["loaded", "begun", "meter", "thought", "text", "ended"]
    assert [kinds.index(kind) for kind in order] == sorted(kinds.index(kind) for kind in order)
    text = "".join(one["text"] for one in told if one["kind"] == "text")
    # What the system says it never learnt to hear: which city it names then is chance.
    assert text == told[-1]["text"] and text.startswith("The capital of Lomar is ")
    assert (told[-1]["id"], told[-1]["messages"], told[-1]["reason"]) == ("0" * 12, 3, "stop")
    page = pages.get(f"/chat/{'0' * 12}", headers=HTML).text
    for said in (LOMAR, text, "Be short.", "capital of Lomar: ", "What it thought",
                 "prompt tokens reused", "Tokens (exact): system 21, before 0"):  # fmt: skip
        assert said in page, said
    twin = pages.get(f"/chat/{'0' * 12}.json").json()
    assert [one["role"] for one in twin["said"]] == ["system", "user", "assistant"]
    assert twin["meter"]["system"] == 21 and twin["command"].endswith(f"--go-on {'0' * 12}")


def test_two_pages_of_one_conversation_do_not_mix(talkative: Workspace, pages: TestClient) -> None:
    first, second = Chat(pages), Chat(pages)
    begun = first.say(LOMAR, new="1" * 12)[-1]
    again = second.say(LOMAR, new="1" * 12)  # a double click: the same name
    assert again[-1]["kind"] == "failed" and "was said in it meanwhile" in again[-1]["message"]
    first.say(ARNIA, id=begun["id"], messages=2)
    late = second.say(ARNIA, id=begun["id"], messages=2)
    assert (
        late[-1]["kind"] == "failed" and "has 4 messages, and 2 were known" in late[-1]["message"]
    )
    (kept,) = talkative.conversations()
    assert kept.messages == 4


def test_a_branch_is_a_conversation_of_its_own(talkative: Workspace, pages: TestClient) -> None:
    chat = Chat(pages)
    begun = chat.say(LOMAR, new="2" * 12)[-1]
    chat.say(ARNIA, id=begun["id"], messages=2)
    branch = chat.say(LOMAR, id=begun["id"], messages=4, at=2, new="3" * 12)[-1]
    assert (branch["id"], branch["messages"]) == ("3" * 12, 4)
    page = pages.get(f"/chat/{'3' * 12}", headers=HTML).text
    assert f'a branch of <a href="/chat/{"2" * 12}">' in page and ARNIA not in page
    found = pages.get("/chat.json", params={"q": "arnia"}).json()["kept"]
    assert [one["id"] for one in found] == ["2" * 12]
    hits = pages.get("/search.json", params={"q": "in arnia"}).json()["hits"]
    assert [(one["kind"], one["name"], one["where"]) for one in hits] == [
        ("conversation", "2" * 12, LOMAR)
    ]
    assert f'href="/chat/{"2" * 12}"' in pages.get("/search", params={"q": "arnia"}).text


def test_what_the_model_saw_is_shown(talkative: Workspace, pages: TestClient) -> None:
    chat = Chat(pages)
    begun = chat.say(LOMAR, new="4" * 12)[-1]
    told = chat.post("/chat/prompt", id=begun["id"], messages=1, model="tiny-llama").json()
    assert told["prompt"].endswith(f"<|im_start|>user\n{LOMAR}<|im_end|>\n<|im_start|>assistant\n")


def test_what_cannot_be_said_is_told_and_nothing_kept(
    talkative: Workspace, pages: TestClient
) -> None:
    chat = Chat(pages)
    for more, said in (
        ({"text": f"{LOMAR} " * 100, "context": "64"}, "the window 64"),
        ({"text": LOMAR, "model": "nobody"}, "has no model 'nobody'"),
        ({"text": LOMAR, "think": "on"}, "does not think before it answers"),
        ({"text": LOMAR, "overflow": "perhaps"}, "overflow is fail or drop-oldest"),
        ({"text": LOMAR, "temperature": "hot"}, "temperature is no number"),
        ({"text": LOMAR, "new": "../x"}, "no name of a conversation"),
        ({"text": LOMAR, "id": "none"}, "no conversation begins with"),
        ({"text": LOMAR, "context": "many"}, "no number of tokens"),
    ):  # fmt: skip
        told = chat.say(**{"text": "", **more})
        assert told[-1]["kind"] == "failed" and said in told[-1]["message"], (more, told)
    assert chat.post("/chat/say", text=" ").status_code == 422
    refused = pages.post("/chat/say", json={"text": LOMAR}, headers={"x-lakelet-token": "forged"})
    assert refused.status_code == 403
    assert pages.get("/chat/nothing", headers=HTML).status_code == 404
    assert talkative.conversations() == []
    assert chat.post("/chat/stop", key="nobody").json() == {"stopped": False}


def test_a_conversation_is_deleted_for_good(talkative: Workspace, pages: TestClient) -> None:
    chat = Chat(pages)
    begun = chat.say(LOMAR, new="5" * 12)[-1]
    form = {"token": chat.token, "from": f"/chat/{begun['id']}"}
    answer = pages.post(f"/chat/{begun['id']}/delete", data=form, headers=HTML)
    assert "is gone: 2 messages" in answer.text
    assert talkative.conversations() == []
    told = talkative.sql("SELECT action, target, source FROM system.audit").rows()
    assert ("delete conversation", "5" * 12, "page") in told


def test_what_a_model_says_is_text(talkative: Workspace, pages: TestClient) -> None:
    """Also where somebody wrote HTML, and a model said it again."""
    chat = Chat(pages)
    begun = chat.say("<img src=x onerror=alert(1)>", new="6" * 12)[-1]
    page = pages.get(f"/chat/{begun['id']}", headers=HTML).text
    assert "<img src=x" not in page and "&lt;img src=x" in page


def test_a_server_of_models_has_a_page_with_what_was_probed(
    talkative: Workspace, pages: TestClient, trained: Path
) -> None:
    turn = HostClient(ModelStore(trained)).turn(talkative.model("tiny-llama"), window=256)
    for _event in turn.wait():
        pass
    settings = talkative.folder.root / "lakelet.toml"
    with faulty(f"{turn.address}/v1", turn.key, "halves") as (address, _):
        servers = (
            f'[models.servers.far]\naddress = "{address}"\nwindow = 256\n'
            '[models.servers.gone]\naddress = "http://127.0.0.1:9/v1"\n'
        )
        settings.write_text(settings.read_text() + servers)
        there = open_workspace(talkative.folder.root)
        (model,) = there.served_models()[0]
        page = pages.get("/models/servers/far", headers=HTML).text
        assert model.name in page.replace("<wbr>", "") and "not probed" in page
        there.probe_model(model.name)
        page = pages.get("/models/servers/far", headers=HTML).text
        assert "overflow, fault" in page and "is cut to" in page
        assert "/models/servers/far" in pages.get("/models", headers=HTML).text
        said = Chat(pages).say(LOMAR, model=model.name, new="7" * 12)
        assert said[-1]["text"] == "The capital of Lomar is Helmut."
    turn.close()
    page = pages.get("/models/servers/gone", headers=HTML).text
    assert "the server gone does not answer" in page
    assert pages.get("/models/servers/none", headers=HTML).status_code == 404
