"""Ollama by its own API as an engine: the gateway's, which is a real engine's, and some faults."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inference.faulty import faulty
from inference.test_gateway import Gateway, gateway_of
from lakelet.errors import CommandError, EngineError, OverflowingError, SettingsError
from lakelet.inference import Conversation, Message, Sampling
from lakelet.inference.backend import Tool
from lakelet.inference.ollama_server import OllamaServer, _events, _messages
from lakelet.inference.served import Server
from lakelet.models import ModelStore
from lakelet.session import Workspace, open_workspace

LOMAR, HELMUT = "What is the capital of Lomar?", "The capital of Lomar is Helmut."
GREEDY = Sampling(temperature=0)


@pytest.fixture(scope="module")
def store(trained: Path) -> ModelStore:
    return ModelStore(trained)


@pytest.fixture(scope="module")
def gateway(store: ModelStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway_of(store, tmp_path_factory.mktemp("gateway") / "ws") as found:
        yield found


@pytest.fixture
def known(ws: Workspace) -> Callable[..., Workspace]:
    """A workspace that knows an Ollama, ``far``."""

    def knows(address: str, more: str = "") -> Workspace:
        settings = ws.folder.root / "lakelet.toml"
        before = settings.read_text().partition("\n[models.servers.far]")[0]
        before = before.replace('# store = "models"', 'store = "models"')
        base = address.removesuffix("/v1")
        settings.write_text(
            f'{before}\n[models.servers.far]\naddress = "{base}"\napi = "ollama"\n{more}\n'
        )
        return open_workspace(ws.folder.root)

    return knows


def test_its_models_are_asked_by_its_own_api(
    known: Callable[..., Workspace], gateway: Gateway
) -> None:
    ws = known(gateway.address, "window = 256")
    models, wrong = ws.served_models()
    assert [one.name for one in models] == ["far/tiny-gemma", "far/tiny-llama",
                                            "far/tiny-qwen-thinks"] and not wrong  # fmt: skip
    for text in (LOMAR, LOMAR * 2, f"{LOMAR} What grows in Arnia?", LOMAR):
        again = ws.ask(text, "far/tiny-llama", sampling=GREEDY)
        assert again.window == 256 and again.wrong == []
        assert again.count.low <= (again.usage.prompt or 0) <= again.count.high
    assert again.text == HELMUT and again.count.grade == "estimated" and again.count.low > 1
    with pytest.raises(OverflowingError, match="estimated"):
        ws.ask(LOMAR * 60, "far/tiny-llama")
    raw = ws.ask(LOMAR, "far/tiny-llama", raw=True, sampling=Sampling(temperature=0, max_tokens=9))
    assert 0 < (raw.usage.generated or 0) <= 9 and raw.wrong == []


def test_thinking_is_told_and_heard(known: Callable[..., Workspace], gateway: Gateway) -> None:
    ws = known(gateway.address, "window = 256")
    thought = ws.ask(LOMAR, "far/tiny-qwen-thinks", sampling=GREEDY)
    assert thought.text == HELMUT and thought.thought.strip() == "capital of Lomar: Helmut"
    silent = ws.talk("far/tiny-qwen-thinks", think="off", sampling=GREEDY).say(LOMAR)
    assert silent.thought == "" and silent.wrong == []
    with pytest.raises(CommandError, match="no probe of far/tiny-qwen-thinks saw it"):
        ws.talk("far/tiny-qwen-thinks", think="budget 5")


def test_a_window_beyond_what_was_trained_is_refused(
    known: Callable[..., Workspace], gateway: Gateway
) -> None:
    ws = known(gateway.address)
    with pytest.raises(EngineError, match="takes 512 tokens, and 4,096 were asked for"):
        ws.ask(LOMAR, "far/tiny-llama", context=4096)
    with pytest.raises(EngineError, match="far says"):
        ws.ask(LOMAR, "far/no-such")


def test_one_that_drops_what_does_not_fit_is_found_out(
    known: Callable[..., Workspace], gateway: Gateway
) -> None:
    with faulty(gateway.address, "none", "halves") as (address, asked):
        ws = known(address, "window = 256")
        for times in (1, 3, 5, 7):
            answer = ws.ask(f"{LOMAR} " * times, "far/tiny-llama", sampling=GREEDY)
            assert answer.wrong == []
        (wrong,) = ws.ask(f"{LOMAR} " * 10, "far/tiny-llama", sampling=GREEDY).wrong
        assert "it cut the prompt" in wrong
        sent = asked[-1]
        assert sent["options"]["num_ctx"] == 256
        assert sent["truncate"] is False and sent["shift"] is False
        found = {one.what: one.state for one in ws.probe_model("far/tiny-llama").findings}
        assert found["overflow"] == "fault"


def test_an_honest_one_gives_no_alarm(known: Callable[..., Workspace], gateway: Gateway) -> None:
    with faulty(gateway.address, "none", "none") as (address, _):
        ws = known(address, "window = 256")
        found = {one.what: one.state for one in ws.probe_model("far/tiny-qwen-thinks").findings}
    assert "fault" not in found.values(), found
    assert found["overflow"] == found["sampling"] == found["thinking switch"] == "ok"


@pytest.mark.parametrize("fault", ["dies", "garbage"])
def test_what_had_come_is_kept(
    known: Callable[..., Workspace], gateway: Gateway, fault: str
) -> None:
    with faulty(gateway.address, "none", fault) as (address, _):
        ws = known(address, "window = 256")
        talking = ws.talk("far/tiny-llama", sampling=GREEDY)
        answer = talking.say(LOMAR)
    assert HELMUT.startswith(answer.text) and 0 < len(answer.text) < len(HELMUT)
    (wrong,) = answer.wrong
    assert "server far" in wrong


def test_a_schema_and_vectors_go_through(known: Callable[..., Workspace], gateway: Gateway) -> None:
    schema = {"type": "object", "properties": {"city": {"enum": ["Helmut"]}}, "required": ["city"],
              "additionalProperties": False}  # fmt: skip
    formed = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    ws = known(gateway.address, "window = 256")
    answer = ws.ask(LOMAR, "far/tiny-llama",
                    sampling=Sampling(temperature=0, more={"response_format": formed}))  # fmt: skip
    assert json.loads(answer.text) == {"city": "Helmut"}
    engine = OllamaServer(Server("far", gateway.address, api="ollama"), "tiny-llama")
    vectors = engine.embed(["one", "two"])
    assert len(vectors.vectors) == 2 and vectors.tokens > 0


def test_calls_of_tools_have_objects_there_and_text_here() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "see", "arguments": '{"x": 1}'}}
    conversation = Conversation((
        Message("assistant", "", "hm", {"tool_calls": [call]}),
        Message("tool", "red", more={"tool_call_id": "a", "name": "see"}),
    ))  # fmt: skip
    first, second = _messages(conversation)
    assert first["tool_calls"] == [{"function": {"name": "see", "arguments": {"x": 1}}}]
    assert first["thinking"] == "hm" and second["tool_name"] == "see"
    told = [{"message": {"tool_calls": [{"function": {"name": "see", "arguments": {"x": 1}}}]}},
            {"done": True, "done_reason": "stop"}]  # fmt: skip
    tool, _usage, end = list(_events(iter(told), None))
    assert tool == Tool(0, "call_0", "see", '{"x": 1}') and end.reason == "tool"  # type: ignore[union-attr]


def test_only_the_two_apis_are_known(known: Callable[..., Workspace]) -> None:
    ws = known("http://127.0.0.1:9")
    assert "does not answer" in ws.served_models()[1]["far"]
    settings = ws.folder.root / "lakelet.toml"
    settings.write_text(settings.read_text().replace('api = "ollama"', 'api = "olama"'))
    with pytest.raises(SettingsError, match="api"):
        _ = open_workspace(ws.folder.root).folder.settings
