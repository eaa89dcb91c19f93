"""Servers of OpenAI's API as engines: the engine's own, the gateway, and some that do it wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import openai
import pytest

from inference.faulty import answering, faulty
from inference.test_gateway import Gateway, gateway_of
from inference.tiny import tiny_store
from lakelet.errors import CommandError, EngineError, ModelNotFoundError, OverflowingError
from lakelet.inference import Sampling, openai_server
from lakelet.inference.host.attaching import HostClient
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


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """llama.cpp's own server, with the tiny Llama; its address and key.

    Its turn is held all the while, so that its store is nobody else's.
    """
    own = tiny_store(tmp_path_factory.mktemp("engine"))
    turn = HostClient(own).turn(own.model("tiny-llama"), window=256)
    for _event in turn.wait():
        pass
    yield f"{turn.address}/v1", turn.key
    turn.close()
    HostClient(own).unload()


@pytest.fixture
def known(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Workspace]:
    """A workspace that knows a server ``far``."""

    def knows(address: str, key: str = "none", more: str = "") -> Workspace:
        monkeypatch.setenv("FAR_KEY", key)
        settings = ws.folder.root / "lakelet.toml"
        before = settings.read_text().partition("\n[models.servers.far]")[0]
        before = before.replace('# store = "models"', 'store = "models"')
        settings.write_text(
            f'{before}\n[models.servers.far]\naddress = "{address}"\nkey = "env:FAR_KEY"\n{more}\n'
        )
        return open_workspace(ws.folder.root)

    return knows


def test_llamas_own_server_is_counted_exactly(
    known: Callable[..., Workspace], engine: tuple[str, str]
) -> None:
    ws = known(*engine)
    (model,) = ws.served_models()[0]
    answer = ws.ask(LOMAR, model.name, sampling=GREEDY)
    assert (answer.text, answer.wrong, answer.window) == (HELMUT, [], 256)
    assert answer.count.grade == "exact" and answer.count.high == answer.usage.prompt
    with pytest.raises(OverflowingError, match=r"\(exact\), and the window 256"):
        ws.ask(LOMAR * 60, model.name)


def test_another_gateway_says_its_window_and_is_estimated(
    known: Callable[..., Workspace], gateway: Gateway
) -> None:
    ws = known(gateway.address)
    models, wrong = ws.served_models()
    assert [one.name for one in models] == ["far/tiny-gemma", "far/tiny-llama",
                                            "far/tiny-qwen-thinks"] and wrong == {}  # fmt: skip
    first = ws.ask(LOMAR, "far/tiny-llama", sampling=GREEDY, context=256)
    assert first.text == HELMUT and first.count.grade == "estimated" and first.wrong == []
    for text in (LOMAR * 2, f"{LOMAR} What grows in Arnia?", LOMAR):
        again = ws.ask(text, "far/tiny-llama", sampling=GREEDY)  # the window as the server says
        assert again.window == 256 and again.wrong == []
        assert again.count.low <= (again.usage.prompt or 0) <= again.count.high
    assert again.count.high < first.count.high and again.count.low > 1
    thought = ws.ask(LOMAR, "far/tiny-qwen-thinks", sampling=GREEDY, context=256)
    assert thought.text == HELMUT and thought.thought.strip() == "capital of Lomar: Helmut"
    with pytest.raises(OverflowingError, match="estimated"):
        ws.ask(LOMAR * 60, "far/tiny-llama")


def test_a_conversation_with_a_server_is_kept(
    known: Callable[..., Workspace], gateway: Gateway
) -> None:
    ws = known(gateway.address)
    talking = ws.talk("far/tiny-qwen-thinks", sampling=GREEDY, context=256, system="Be short.")
    assert talking.say(LOMAR).text.startswith("The capital of Lomar is ")
    assert talking.say(LOMAR).wrong == []
    kept, said = ws.conversation(talking.id)
    assert (kept.model, kept.messages) == ("far/tiny-qwen-thinks", 5)
    assert said[4].meter is not None and said[4].meter.history > said[4].meter.turn > 0
    with pytest.raises(EngineError, match="does not show the prompt"):
        talking.prompt()
    with pytest.raises(CommandError, match="no probe of far/tiny-llama saw it"):
        ws.talk("far/tiny-llama", think="off")
    with pytest.raises(ModelNotFoundError, match="far is a server, and no model"):
        ws.talk("far")


def test_nobody_says_how_large_the_window_is(
    known: Callable[..., Workspace], engine: tuple[str, str]
) -> None:
    with faulty(*engine, "hidden") as (address, _):
        ws = known(address)
        (model,) = ws.served_models()[0]
        with pytest.raises(EngineError, match="does not say how many tokens") as refused:
            ws.ask(LOMAR, model.name)
        assert "[models.servers.far]" in (refused.value.hint or "")
        ws = known(address, more="window = 256")
        assert ws.ask(LOMAR, model.name, sampling=GREEDY).text == HELMUT


@pytest.mark.parametrize(
    ("fault", "said"),
    [("dies", "broke off amid its answer"), ("garbage", "answered what is no JSON: ' {oh'"),
     ("stalls", "has said nothing for"), ("error inside", "says: out of memory")],
)  # fmt: skip
def test_what_had_come_is_kept_whatever_a_server_does(
    known: Callable[..., Workspace], engine: tuple[str, str], fault: str, said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    whole = openai_server._asking
    monkeypatch.setattr(openai_server, "_asking", lambda server, _seconds: whole(server, 5.0))
    with faulty(*engine, fault) as (address, _):
        ws = known(address, more="window = 256")
        (model,) = ws.served_models()[0]
        talking = ws.talk(model.name, sampling=GREEDY)
        answer = talking.say(LOMAR)
    assert HELMUT.startswith(answer.text) and 0 < len(answer.text) < len(HELMUT)
    (wrong,) = answer.wrong
    assert said in wrong and "server far" in wrong
    kept = ws.conversation(talking.id)[1][1]
    assert (kept.content, kept.wrong) == (answer.text, wrong)


def test_a_server_that_cuts_the_prompt_is_found_out(
    known: Callable[..., Workspace], engine: tuple[str, str]
) -> None:
    with faulty(*engine, "halves") as (address, _):
        ws = known(address, more="window = 256")
        (model,) = ws.served_models()[0]
        for times in (1, 3, 5, 7):  # short ones are not cut: what they count is learned
            assert ws.ask(f"{LOMAR} " * times, model.name, sampling=GREEDY).wrong == []
        (wrong,) = ws.ask(f"{LOMAR} " * 10, model.name, sampling=GREEDY).wrong
        assert "it cut the prompt" in wrong and "were sent" in wrong


@pytest.mark.parametrize("fault", ["keepalive", "silent", "none"])
def test_odd_ways_of_honest_servers_give_no_alarm(
    known: Callable[..., Workspace], engine: tuple[str, str], fault: str
) -> None:
    with faulty(*engine, fault) as (address, asked):
        ws = known(address, more="window = 256")
        (model,) = ws.served_models()[0]
        answer = ws.ask(LOMAR, model.name, sampling=GREEDY)
    assert (answer.text, answer.wrong) == (HELMUT, [])
    assert (answer.usage.prompt is None) == (fault == "silent")
    assert asked[-1]["temperature"] == 0


def test_a_server_that_is_not_there_is_named(known: Callable[..., Workspace]) -> None:
    ws = known("http://127.0.0.1:9/v1")
    models, wrong = ws.served_models()
    assert models == [] and "the server far does not answer" in wrong["far"]
    with pytest.raises(EngineError, match="the server far does not answer"):
        ws.ask(LOMAR, "far/any")
    with pytest.raises(EngineError, match="the server far does not answer"):
        ws.ask(LOMAR, "far/any", context=100)


def test_the_gateway_stands_in_front_of_servers_too(
    known: Callable[..., Workspace], gateway: Gateway, store: ModelStore, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        more = f'[models.servers.far]\naddress = "{gateway.address}"\n'
        outer = stack.enter_context(gateway_of(store, tmp_path / "outer", more))
        names = [one.id for one in outer.client.models.list()]
        assert "far/tiny-llama" in names and "tiny-llama" in names
        asked = {"model": "far/tiny-llama", "temperature": 0,
                 "messages": [{"role": "user", "content": LOMAR}]}  # fmt: skip
        status, told = outer.ask(asked)
        assert status == 200 and told["choices"][0]["message"]["content"] == HELMUT
        long = [{"role": "user", "content": LOMAR * 100}]
        status, told = outer.ask({**asked, "messages": long})
        assert status == 400 and told["error"]["code"] == "context_length_exceeded"


def test_a_gateway_that_names_itself_asks_itself_once(store: ModelStore, tmp_path: Path) -> None:
    with gateway_of(store, tmp_path / "ws") as found:
        settings = tmp_path / "ws" / "lakelet.toml"
        own = f'\n[models.servers.mirror]\naddress = "{found.address}"\n'
        settings.write_text(settings.read_text() + own)
        ws = open_workspace(tmp_path / "ws")
        models, wrong = ws.served_models()
        assert [one.name for one in models] == ["mirror/tiny-gemma", "mirror/tiny-llama",
                                                "mirror/tiny-qwen-thinks"] and not wrong  # fmt: skip
        assert ws.ask(LOMAR, "mirror/tiny-llama", sampling=GREEDY).text == HELMUT


def test_a_model_that_a_server_has_not_is_named(
    known: Callable[..., Workspace], gateway: Gateway
) -> None:
    with pytest.raises(ModelNotFoundError, match=r"has no model 'nope'; it has tiny-gemma, tiny-"):
        known(gateway.address).ask(LOMAR, "far/nope")


@pytest.mark.parametrize(
    ("status", "kind", "body", "said"),
    [
        (200, "text/html", b"<!DOCTYPE html>\n<html></html>",
         "answered what is no stream of events: '<!DOCTYPE html>'"),
        (200, "application/json", b'{"error": {"message": "no such model"}}',
         "says: no such model"),
        (200, "text/event-stream", b"data: [DONE]\n\n", "said nothing at all"),
        (200, "text/event-stream", b"", "answered nothing"),
        (500, "text/plain", b"boom", "answered with status 500: boom"),
        (502, "text/html", b"", "answered with status 502"),
        (429, "application/json", b'{"error": "slow down"}', "says: slow down"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_named(
    known: Callable[..., Workspace], status: int, kind: str, body: bytes, said: str
) -> None:
    with answering(status, kind, body) as address:
        ws = known(address, more="window = 256")
        with pytest.raises(EngineError) as told:
            ws.ask(LOMAR, "far/any", sampling=GREEDY)
    assert said in told.value.message and "server far" in told.value.message


def test_a_server_that_is_not_there_is_named_with_its_address(
    known: Callable[..., Workspace],
) -> None:
    ws = known("http://127.0.0.1:9/v1", more="window = 256")
    with pytest.raises(EngineError) as told:
        ws.ask(LOMAR, "far/any", sampling=GREEDY)
    assert told.value.message == (
        "the server far does not answer at http://127.0.0.1:9/v1 (Connection refused)."
    )
    assert "[models.servers.far]" in str(told.value.hint)


def _stream(*chunks: str) -> bytes:
    return "".join(f"data: {chunk}\n\n" for chunk in (*chunks, "[DONE]")).encode()


@pytest.mark.parametrize(
    "chunk",
    ["[1]", "5", '"a"', '{"choices": "a"}', '{"choices": [{"delta": "a"}]}',
     '{"choices": [{"delta": {"content": 5}}]}', '{"choices": [], "usage": "many"}',
     '{"choices": [{"delta": {"tool_calls": [7]}}]}', "[" * 3000,
     '{"choices": [{"delta": {"tool_calls": [{"index": "a"}]}}]}'],
)  # fmt: skip
def test_what_no_such_api_sends_is_the_servers_fault(
    known: Callable[..., Workspace], chunk: str
) -> None:
    begun = '{"choices": [{"delta": {"content": "The capital"}}]}'
    with answering(200, "text/event-stream", _stream(begun, chunk)) as address:
        ws = known(address, more="window = 256")
        talking = ws.talk("far/any")
        answer = talking.say(LOMAR)
    assert (answer.text, answer.reason) == ("The capital", "broken off")
    assert "the server far answered what" in answer.wrong[0]
    kept = ws.conversation(talking.id)[1][1]
    assert (kept.content, kept.ended) == ("The capital", "broken off")


def test_a_letter_in_two_halves_is_one(known: Callable[..., Workspace]) -> None:
    halves = [f'{{"choices": [{{"delta": {{"content": "{one}"}}}}]}}'
              for one in ("a", "\\ud83d", "\\ude00", "b", "\\ud83d")]  # fmt: skip
    huge = f'{{"choices": [], "usage": {{"prompt_tokens": {10**23}}}}}'
    with answering(200, "text/event-stream", _stream(*halves, huge)) as address:
        ws = known(address, more="window = 256")
        answer = ws.talk("far/any").say(LOMAR)
    assert answer.text == "a\U0001f600b\ufffd" and answer.usage.prompt is None


def test_a_window_beyond_the_servers_own_is_not_believed(
    known: Callable[..., Workspace], engine: tuple[str, str]
) -> None:
    ws = known(*engine)
    (model,) = ws.served_models()[0]
    assert ws.ask(LOMAR, model.name, sampling=GREEDY, context=100_000).window == 256


def test_a_key_with_a_line_end_is_a_key(
    known: Callable[..., Workspace], engine: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = known(*engine, more="window = 256")
    monkeypatch.setenv("FAR_KEY", f"{engine[1]}\n")
    (model,) = ws.served_models()[0]
    assert ws.ask(LOMAR, model.name, sampling=GREEDY).text == HELMUT
    monkeypatch.setenv("FAR_KEY", "schl\u00fcssel")
    with pytest.raises(EngineError, match="the key of the server far is no line of ASCII"):
        ws.ask(LOMAR, model.name, sampling=GREEDY)


def test_an_address_without_its_v1_is_told_so(
    known: Callable[..., Workspace], engine: tuple[str, str]
) -> None:
    with answering(404, "application/json", b'{"error": "nothing here"}') as address:
        ws = known(address.removesuffix("/v1"))
        with pytest.raises(EngineError) as told:
            ws.ask(LOMAR, "far/any")
    assert "/v1?" in str(told.value.hint)


def test_the_gateway_tells_of_a_server_that_cuts_or_sends_what_is_none(
    gateway: Gateway, store: ModelStore, tmp_path: Path
) -> None:
    odd = _stream('{"choices": [{"delta": {"content": "The"}}]}', '{"choices": [{"delta": 5}]}')
    with ExitStack() as stack:
        cuts, _ = stack.enter_context(faulty(gateway.address, "none", "halves"))
        sends = stack.enter_context(answering(200, "text/event-stream", odd))
        more = "".join(f'[models.servers.{name}]\naddress = "{address}"\nwindow = 256\n'
                       for name, address in (("cuts", cuts), ("sends", sends)))  # fmt: skip
        outer = stack.enter_context(gateway_of(store, tmp_path / "outer", more))

        def facts(times: int) -> dict[str, Any]:
            body = {"model": "cuts/tiny-llama", "temperature": 0,
                    "messages": [{"role": "user", "content": f"{LOMAR} " * times}]}  # fmt: skip
            return dict(outer.ask(body)[1]["lakelet"])

        assert all("wrong" not in facts(times) for times in (1, 3, 5, 7))
        assert "it cut the prompt" in facts(10)["wrong"][0]
        with pytest.raises(openai.APIError, match="answered what its API does not know"):
            list(outer.client.chat.completions.create(
                model="sends/any", messages=[{"role": "user", "content": "a"}], stream=True,
            ))  # fmt: skip
