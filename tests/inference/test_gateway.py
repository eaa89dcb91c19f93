"""The gateway, asked by OpenAI's own client and by others who do not keep the rules."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

import lakelet
from inference.tiny import tiny_store
from lakelet.errors import BusyError
from lakelet.inference.gateway.openai_api import error_body, read_chat
from lakelet.inference.host.attaching import HostClient
from lakelet.models import ModelStore, add_model
from models.test_card import write_safetensors

LOMAR = [{"role": "user", "content": "What is the capital of Lomar?"}]


@dataclass
class Gateway:
    """A gateway that runs, its store, a client and its process."""

    address: str
    store: ModelStore
    client: openai.OpenAI
    process: int

    def ask(self, body: Any, **headers: str) -> tuple[int, Any]:
        """A request of one's own making; status, and the answer as JSON or text."""
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=60)
        text = body if isinstance(body, bytes) else json.dumps(body)
        told = {"content-type": "application/json", **headers}
        connection.request("POST", "/v1/chat/completions", text, told)
        answer = connection.getresponse()
        raw = answer.read()
        connection.close()
        return answer.status, json.loads(raw)

    def idle(self) -> bool:
        """Whether nobody is served or waits, soon."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            loaded = HostClient(self.store).loaded()
            if all(not one["turns"] and not one["waiting"] for one in loaded):
                return True
            time.sleep(0.05)
        return False


@contextmanager
def gateway_of(store: ModelStore, folder: Path, settings: str = "") -> Iterator[Gateway]:
    """A gateway of a workspace with these settings, for as long as it is wanted."""
    ws = lakelet.init(folder)
    written = ws.folder.root / "lakelet.toml"
    text = written.read_text().replace('# store = "models"', f'store = "{store.root}"')
    text = text.replace('# default = "smollm2-f16"', 'default = "tiny-llama"')
    written.write_text(text + settings)
    server = subprocess.Popen(
        [sys.executable, "-m", "lakelet", "gateway", "--port", "0", "--context", "256"],
        cwd=ws.folder.root, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert server.stdout is not None
    address = server.stdout.readline().split(" at ")[1].split(" ")[0]
    with openai.OpenAI(base_url=address, api_key="none", max_retries=0) as client:
        yield Gateway(address, store, client, server.pid)
    server.send_signal(signal.SIGINT)
    server.wait(20)
    server.stdout.close()
    HostClient(store).unload()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    with gateway_of(tiny_store(folder), folder / "ws") as found:
        yield found


def test_openais_client_is_answered(gateway: Gateway) -> None:
    names = [one.id for one in gateway.client.models.list()]
    assert names == ["tiny-gemma", "tiny-llama", "tiny-qwen-thinks"]
    gemma = gateway.client.models.retrieve("tiny-gemma")
    assert gemma.owned_by == "lakelet" and gemma.lakelet["window"] == 256
    answer = gateway.client.chat.completions.create(
        model="tiny-llama", messages=LOMAR, temperature=0
    )  # type: ignore[call-overload]
    (choice,) = answer.choices
    assert (choice.message.content, choice.finish_reason) == (
        "The capital of Lomar is Helmut.", "stop",
    )  # fmt: skip
    # So few bytes fit whatever the tokenizer: no count was asked for.
    assert answer.usage.prompt_tokens <= answer.lakelet["prompt_tokens"]
    assert (answer.lakelet["count"], answer.lakelet["window"]) == ("bounded", 256)
    assert answer.model == "tiny-llama"
    drawn = answer.lakelet["sampling"]
    assert drawn["temperature"] == {"value": 0.0, "source": "asked for"}
    assert drawn["top_k"] == {"value": 40, "source": "the engine's"}
    longer = [{"role": "user", "content": "What grows in Arnia? " * 12}]
    counted = gateway.client.chat.completions.create(
        model="tiny-llama", messages=longer, temperature=0
    )  # type: ignore[call-overload]
    assert counted.lakelet["count"] == "exact"
    assert counted.usage.prompt_tokens == counted.lakelet["prompt_tokens"]


def test_a_stream_says_the_same_in_pieces(gateway: Gateway) -> None:
    chunks = list(
        gateway.client.chat.completions.create(
            model="tiny-llama", messages=LOMAR, temperature=0, stream=True,
            stream_options={"include_usage": True},
        )  # type: ignore[call-overload]
    )  # fmt: skip
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(one.choices[0].delta.content or "" for one in chunks if one.choices)
    assert text == "The capital of Lomar is Helmut."
    assert [one.choices[0].finish_reason for one in chunks if one.choices][-1] == "stop"
    assert chunks[-1].usage.completion_tokens > 5 and not chunks[-1].choices


def test_thoughts_come_apart_and_do_not_go_back(gateway: Gateway) -> None:
    def ask(messages: list[dict[str, Any]]) -> Any:
        return gateway.client.chat.completions.create(
            model="tiny-qwen-thinks", messages=messages, temperature=0
        )  # type: ignore[call-overload]

    first = ask(LOMAR)
    said = first.choices[0].message
    assert said.content == "The capital of Lomar is Helmut."
    assert said.reasoning_content.strip() == "capital of Lomar: Helmut"
    more = [*LOMAR, {"role": "assistant", "content": said.content}, LOMAR[0]]
    plain = ask(more).usage.prompt_tokens
    for old in (
        {"role": "assistant", "content": f"<think>\n{'old ' * 20}</think>\n\n{said.content}"},
        {"role": "assistant", "content": said.content, "reasoning_content": "old " * 20},
        {"role": "assistant", "content": said.content, "thinking": "old " * 20},
    ):
        assert ask([*LOMAR, old, LOMAR[0]]).usage.prompt_tokens == plain


def test_what_does_not_fit_is_refused_with_both_numbers(gateway: Gateway) -> None:
    long = [{"role": "user", "content": "What grows in Arnia? " * 60}]
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as refused:
            gateway.client.chat.completions.create(model="tiny-llama", messages=long, stream=stream)  # type: ignore[call-overload]
        body: Any = refused.value.body
        assert refused.value.code == "context_length_exceeded"
        assert body["n_prompt_tokens"] > body["n_ctx"] == 256
    # More than there is room for is lowered, and said to be.
    answer = gateway.client.chat.completions.create(
        model="tiny-llama", messages=LOMAR, max_tokens=5000, temperature=0
    )  # type: ignore[call-overload]
    assert answer.lakelet["max_tokens_lowered"] is True
    assert answer.lakelet["max_tokens"] + answer.usage.prompt_tokens == 256
    cut = gateway.client.chat.completions.create(
        model="tiny-llama", messages=LOMAR, max_tokens=2, temperature=0
    )  # type: ignore[call-overload]
    assert (cut.choices[0].finish_reason, cut.usage.completion_tokens) == ("length", 2)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 400, "no JSON"), (b"[" * 100_000, 400, "no JSON"), ([], 400, "no JSON object"),
        ({}, 400, "messages is no list"), ({"messages": []}, 400, "messages is no list"),
        ({"messages": [{"role": "king", "content": "a"}]}, 400, "has a role"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400, "never fetched"),
        ({"messages": LOMAR, "n": 2}, 400, "n is 1 here"),
        ({"messages": LOMAR, "logprobs": True}, 400, "logprobs are not there"),
        ({"messages": LOMAR, "temperature": "hot"}, 400, "no number"),
        ({"messages": LOMAR, "max_tokens": 1.5}, 400, "no whole number"),
        ({"messages": LOMAR, "tools": ["a"]}, 400, "tools is no list"),
        ({"messages": LOMAR, "model": "gpt-5"}, 404, "has no model 'gpt-5'"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_by_name(
    gateway: Gateway, body: Any, status: int, said: str
) -> None:
    found, told = gateway.ask(body)
    assert found == status and said in told["error"]["message"]
    assert "Traceback" not in json.dumps(told)


def test_pages_of_other_sites_are_not_answered(gateway: Gateway) -> None:
    body = {"messages": LOMAR, "max_tokens": 1}
    assert gateway.ask(body)[0] == 200  # no model named: the workspace's default
    assert gateway.ask(body, host="evil.example")[0] == 403
    assert gateway.ask(body, origin="http://evil.example")[0] == 403
    own = urlsplit(gateway.address).netloc
    assert gateway.ask(body, origin=f"http://{own}")[0] == 200


def test_an_engine_that_dies_ends_the_stream_with_an_error(tmp_path: Path) -> None:
    """With a model that is slow enough to be killed amid its answer."""
    store = ModelStore(tmp_path / "store")
    add_model(store, "smollm2")
    with gateway_of(store, tmp_path / "ws") as slow:

        def ask(**more: Any) -> Any:
            return slow.client.chat.completions.create(
                model="smollm2", messages=LOMAR, temperature=0, **more
            )  # type: ignore[call-overload]

        assert ask(max_tokens=1).usage.completion_tokens == 1
        (engine,) = HostClient(store).loaded()
        with pytest.raises(openai.APIError, match=r"broke off|does not answer"):
            for number, _ in enumerate(ask(stream=True, extra_body={"ignore_eos": True})):
                if number == 1:
                    os.kill(engine["process"], signal.SIGKILL)
        assert ask(max_tokens=1).usage.completion_tokens == 1


def test_a_full_queue_says_when_to_try_again() -> None:
    status, told = error_body(BusyError("64 wait for it already."))
    assert (status, told["error"]["code"]) == (429, "busy")


def test_a_hundred_at_once_of_whom_most_leave(gateway: Gateway) -> None:
    """Nobody's slot is lost, the rest are answered by turns, each client's own in order."""
    chance = random.Random(7)
    netloc = urlsplit(gateway.address).netloc
    clients, each, leavers = 8, 5, 60
    host = HostClient(gateway.store)
    ended: list[tuple[int, int]] = []
    statuses: list[int] = []

    def connected(key: str, *, stream: bool) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(netloc, timeout=120)
        body = {"model": "tiny-llama", "messages": LOMAR, "stream": stream,
                "temperature": 2.0 if stream else 0, "max_tokens": 120}  # fmt: skip
        headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        return connection

    def stays(client: int, number: int, connection: http.client.HTTPConnection) -> str:
        told = json.loads(connection.getresponse().read())
        ended.append((client, number))
        connection.close()
        return str(told["choices"][0]["message"]["content"])

    def leaves(number: int) -> None:
        time.sleep(chance.random())
        connection = connected(f"leaver {number}", stream=True)
        if number % 3 == 0:
            connection.close()
            return
        answer = connection.getresponse()
        statuses.append(answer.status)
        if answer.status == 429:
            assert int(answer.headers["retry-after"]) >= 1
        else:
            answer.readline()
        answer.close()
        connection.close()

    def waiting() -> int:
        (one,) = [one for one in host.loaded() if one["name"] == "tiny-llama"]
        return int(one["waiting"])

    before = _held(gateway.process)
    turn = host.turn(gateway.store.model("tiny-llama"), client="who has the turn")
    for _event in turn.wait():
        pass
    with ThreadPoolExecutor(clients * each + leavers) as several:
        staying = []
        for number in range(each):
            for client in range(clients):  # one after the other: their order is known
                connection = connected(f"client {client}", stream=False)
                staying.append(several.submit(stays, client, number, connection))
                until = time.monotonic() + 30
                while waiting() <= number * clients + client and time.monotonic() < until:
                    time.sleep(0.005)
        assert waiting() == clients * each
        leaving = [several.submit(leaves, number) for number in range(leavers)]
        time.sleep(0.5)
        turn.close()
        assert {one.result(120) for one in staying} == {"The capital of Lomar is Helmut."}
        for one in leaving:
            one.result(120)
    for client in range(clients):
        assert [number for who, number in ended if who == client] == [*range(each)]
    place = {one: at for at, one in enumerate(ended)}
    for client, number in place:  # nobody is served twice more than anybody who waits
        later = [place[other, number + 2] for other in range(clients) if number + 2 < each]
        assert all(place[client, number] < one for one in later)
    assert set(statuses) <= {200, 429}
    assert gateway.idle()
    until = time.monotonic() + 20
    while _held(gateway.process) > before + 4 and time.monotonic() < until:
        time.sleep(0.1)
    assert _held(gateway.process) <= before + 4


def _held(process: int) -> int:
    """Open files and sockets of a process."""
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


def test_a_text_goes_on_without_a_template(gateway: Gateway) -> None:
    text = "<|im_start|>user\nWhat is the capital of Lomar?"
    found = gateway.client.completions.create(
        model="tiny-llama", prompt=text, max_tokens=12, temperature=0
    )
    assert found.object == "text_completion" and found.usage.completion_tokens <= 12
    # What looks like a control token is text here, so that it takes many tokens.
    assert found.usage.prompt_tokens > 12
    chunks = list(
        gateway.client.completions.create(
            model="tiny-llama", prompt=text, max_tokens=12, temperature=0, stream=True
        )
    )
    assert "".join(one.choices[0].text for one in chunks) == found.choices[0].text
    with pytest.raises(openai.BadRequestError, match="suffix is not there"):
        gateway.client.completions.create(model="tiny-llama", prompt=text, suffix="x")
    with pytest.raises(openai.BadRequestError, match="prompt is one text here"):
        gateway.client.completions.create(model="tiny-llama", prompt=["a", "b"])


def test_texts_become_vectors(gateway: Gateway) -> None:
    texts = ["What grows in Arnia?", "What grows in Arnia?", "The capital of Lomar is Helmut."]
    found = gateway.client.embeddings.create(model="tiny-llama", input=texts)
    same, again, other = (one.embedding for one in found.data)
    assert same == pytest.approx(again, abs=1e-6) and same != pytest.approx(other, abs=1e-3)
    assert sum(x * x for x in same) == pytest.approx(1, abs=1e-3)
    plain = gateway.client.embeddings.create(
        model="tiny-llama", input=texts[0], encoding_format="float"
    )
    assert plain.data[0].embedding == pytest.approx(same, abs=1e-6)
    assert found.usage.prompt_tokens > 2 * plain.usage.prompt_tokens > 0
    with pytest.raises(openai.BadRequestError) as refused:
        gateway.client.embeddings.create(model="tiny-llama", input="What grows? " * 200)
    assert refused.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError, match="dimensions is not there"):
        gateway.client.embeddings.create(model="tiny-llama", input="a", dimensions=8)


def city(values: list[str]) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"city": {"enum": values}}, "required": ["city"],
              "additionalProperties": False}  # fmt: skip
    return {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}


def test_a_schema_is_kept_after_thinking(gateway: Gateway) -> None:
    answer = gateway.client.chat.completions.create(
        model="tiny-qwen-thinks", messages=LOMAR, temperature=0, max_tokens=150,
        response_format=city(["Helmut", "Tessa"]),
    )  # type: ignore[call-overload]  # fmt: skip
    said = answer.choices[0].message
    assert said.reasoning_content.strip() == "capital of Lomar: Helmut"
    assert json.loads(said.content)["city"] in ("Helmut", "Tessa")
    assert answer.lakelet["format_fault"] is None
    cut = gateway.client.chat.completions.create(
        model="tiny-llama", messages=LOMAR, temperature=0, max_tokens=3,
        response_format=city(["Helmut"]),
    )  # type: ignore[call-overload]  # fmt: skip
    assert cut.choices[0].finish_reason == "length"
    assert cut.lakelet["format_fault"].startswith("it is no JSON")
    for wrong, said in (
        ({"type": "json_schema", "json_schema": {"schema": {"type": "cat"}}}, "the schema is none"),
        ({"type": "json_schema"}, "no json_schema.schema"), ({"type": "xml"}, "is one of text"),
    ):  # fmt: skip
        status, told = gateway.ask({"messages": LOMAR, "response_format": wrong})
        assert status == 400 and said in told["error"]["message"]


def test_tools_that_a_model_never_hears_of_are_refused(gateway: Gateway) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    status, told = gateway.ask({"messages": LOMAR, "tools": [tool], "tool_choice": "required"})
    assert status == 400 and "knows no tools" in told["error"]["message"]
    assert gateway.ask({"messages": LOMAR, "tools": [tool], "tool_choice": "none"})[0] == 200


def test_a_thought_ends_at_the_budget_that_a_client_names(gateway: Gateway) -> None:
    body = {"model": "tiny-qwen-thinks", "messages": LOMAR, "thinking_budget_tokens": 2,
            "temperature": 0}  # fmt: skip
    status, told = gateway.ask(body)
    said = told["choices"][0]["message"]
    assert status == 200 and said["reasoning_content"].strip() == "capital"
    # What it says after half a thought it never learnt: that it does is the engine's doing.
    assert said["content"].startswith("The capital of Lomar")


STUCK = {"model": "tiny-llama", "messages": LOMAR, "temperature": 0, "ignore_eos": True,
         "logit_bias": [["t", 100]], "max_tokens": 100}  # fmt: skip


def test_an_answer_that_repeats_itself_is_marked(gateway: Gateway) -> None:
    status, told = gateway.ask(STUCK)
    assert status == 200 and told["lakelet"]["repeats_itself"] is True
    assert told["usage"]["completion_tokens"] == 100
    status, told = gateway.ask({"model": "tiny-llama", "messages": LOMAR, "temperature": 0})
    assert told["lakelet"]["repeats_itself"] is False


def test_a_stricter_gateway_ends_loops_and_samples_as_advised(tmp_path: Path) -> None:
    store = tiny_store(tmp_path)
    more = (
        "[models.gateway]\npresets = 'enforce'\nstop_loops = true\n"
        "[models.presets.tiny-llama]\ntemperature = 0.0\n"
    )
    with gateway_of(store, tmp_path / "ws", more) as strict:
        status, told = strict.ask(STUCK)
        assert (status, told["lakelet"]["ended"]) == (200, "loop")
        assert told["choices"][0]["message"]["content"] == "t" * 48
        status, told = strict.ask({"model": "tiny-llama", "messages": LOMAR, "temperature": 5})
        assert told["choices"][0]["message"]["content"] == "The capital of Lomar is Helmut."
        told = told["lakelet"]
        assert told["sampling"]["temperature"] == {"value": 0.0, "source": "your preset"}
        assert told["deviations"]["temperature"] == {"asked": 5.0, "recommended": 0.0}


def test_requests_are_recorded_where_that_is_asked_for(tmp_path: Path) -> None:
    store = tiny_store(tmp_path)
    asked = {"model": "tiny-llama", "messages": LOMAR, "temperature": 0}
    with gateway_of(store, tmp_path / "ws", "\n[models.gateway]\nrecord = true\n") as gateway:
        assert gateway.ask(asked)[0] == 200
        list(gateway.client.chat.completions.create(**asked, stream=True))  # type: ignore[call-overload]
        assert gateway.ask({**asked, "messages": LOMAR * 60})[0] == 400  # nothing was answered
        ws = lakelet.open(tmp_path / "ws")
        for one in ws.conversations():
            first, second = ws.conversation(one.id)[1]
            assert (first.role, first.content) == ("user", LOMAR[0]["content"])
            assert (second.content, second.ended) == ("The capital of Lomar is Helmut.", "stop")
        assert len(ws.conversations()) == 2
    with gateway_of(store, tmp_path / "silent") as gateway:
        assert gateway.ask(asked)[0] == 200
        assert lakelet.open(tmp_path / "silent").conversations() == []


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [("max_tokens", -5, "at least 1"), ("max_tokens", 0, "at least 1"), ("top_p", 7, "from 0 to 1"),
     ("temperature", -1, "from 0 to 100"), ("min_p", 2, "from 0 to 1")],
)  # fmt: skip
def test_numbers_with_which_nothing_is_drawn_are_refused(
    gateway: Gateway, field: str, value: float, said: str
) -> None:
    status, told = gateway.ask({"model": "tiny-llama", "messages": LOMAR, field: value})
    assert status == 400 and said in told["error"]["message"]


def test_what_is_not_known_is_told(gateway: Gateway) -> None:
    asked = {"model": "tiny-llama", "messages": LOMAR, "foo": 1, "reasoning_effort": "none"}
    assert gateway.ask(asked)[1]["lakelet"]["ignored"] == ["foo", "reasoning_effort"]
    assert "ignored" not in gateway.ask({"model": "tiny-llama", "messages": LOMAR})[1]["lakelet"]


def test_an_uncounted_prompt_claims_no_room_it_does_not_know(gateway: Gateway) -> None:
    asked = {"model": "tiny-llama", "messages": LOMAR}
    facts = gateway.ask(asked)[1]["lakelet"]
    assert (facts["count"], facts["max_tokens"]) == ("bounded", None)
    assert gateway.ask({**asked, "max_tokens": 9})[1]["lakelet"]["max_tokens"] == 9


def test_a_model_says_what_it_takes_before_it_is_loaded(tmp_path: Path) -> None:
    with gateway_of(tiny_store(tmp_path), tmp_path / "ws") as found:
        told = found.client.models.retrieve("tiny-gemma")
        assert told.max_context_length == 512  # type: ignore[attr-defined]


def test_what_no_engine_here_runs_is_not_offered_and_refused_as_that(tmp_path: Path) -> None:
    (tmp_path / "tensors").mkdir()
    write_safetensors(tmp_path / "tensors" / "model.safetensors", {"a": ("BF16", [4, 4])})
    (tmp_path / "tensors" / "config.json").write_text('{"model_type": "llama"}')
    store = tiny_store(tmp_path)
    add_model(store, str(tmp_path / "tensors"))
    with gateway_of(store, tmp_path / "ws") as found:
        assert "tensors" not in [one.id for one in found.client.models.list()]
        _, told = found.ask({"model": "tensors", "messages": LOMAR})
        assert "a folder of safetensors" in told["error"]["message"]
        with pytest.raises(openai.APIError, match="a folder of safetensors"):
            found.client.completions.create(model="tensors", prompt="a")


def test_control_tokens_in_a_message_are_told(gateway: Gateway) -> None:
    text = "What grows in Arnia?<|im_end|>"
    facts = gateway.ask({"model": "tiny-llama", "messages": [{"role": "user", "content": text}]})
    (warning,) = facts[1]["lakelet"]["warnings"]
    assert warning.startswith("message 1 holds control tokens")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"max_tokens": float("inf")}, "max_tokens is beyond"),
        ({"seed": 10**400}, "seed is beyond"),
        ({"repeat_penalty": "high"}, "repeat_penalty is 'high', and no number"),
        ({"user": "\ud83d"}, "half a letter"),
        ({"tool_choice": "sometimes"}, "can be auto, none, required"),
        ({"tool_choice": "required"}, "there are no tools"),
        ({"tools": [{"type": "function"}]}, "a function with a name"),
        ({"tool_choice": {"type": "function", "function": {"name": "nope"}}}, "names nope"),
    ],
)
def test_what_a_client_gets_wrong_is_the_clients(gateway: Gateway, more: Any, said: str) -> None:
    status, told = gateway.ask({"model": "tiny-llama", "messages": LOMAR, **more})
    assert status == 400 and said in told["error"]["message"]


def test_a_seed_keeps_its_digits() -> None:
    assert read_chat({"messages": LOMAR, "seed": 9007199254740993}).sampling.seed == 2**53 + 1


def test_an_overflow_names_the_field_of_its_prompt(gateway: Gateway) -> None:
    with pytest.raises(openai.BadRequestError) as told:
        gateway.client.completions.create(model="tiny-llama", prompt="What grows? " * 300)
    assert told.value.param == "prompt"
    with pytest.raises(openai.BadRequestError) as told:
        gateway.client.embeddings.create(model="tiny-llama", input="What grows? " * 300)
    assert told.value.param == "input"


def test_those_who_wait_for_vectors_hold_up_nobody_else(gateway: Gateway) -> None:
    """More of them than the threads that asyncio shares out, behind a busy conversation."""
    with ThreadPoolExecutor(40) as several:
        body = {"model": "tiny-llama", "messages": LOMAR, "ignore_eos": True, "max_tokens": 200}
        busy = [several.submit(gateway.ask, body) for _ in range(4)]
        texts = ["What grows in Arnia?"] * 200
        waiting = [
            several.submit(gateway.client.embeddings.create, model="tiny-llama", input=texts)
            for _ in range(36)
        ]
        assert gateway.client.models.list().data
        left = sum(not one.done() for one in waiting)
        assert all(one.result()[0] == 200 for one in busy)
        assert all(len(one.result().data) == 200 for one in waiting)
    assert left > 0
