"""Ollama's API in front of models of this machine, asked by Ollama's own client, and by `llm`."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ollama
import pytest

from inference.test_gateway import LOMAR, Gateway, gateway_of
from inference.tiny import tiny_store
from lakelet.errors import CommandError
from lakelet.inference.gateway.ollama_api import seconds_of
from lakelet.inference.host.attaching import HostClient

HELMUT = "The capital of Lomar is Helmut."
GREEDY = {"temperature": 0}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("ollama")
    with gateway_of(tiny_store(folder), folder / "ws") as found:
        yield found


@pytest.fixture
def client(gateway: Gateway) -> Iterator[ollama.Client]:
    with ollama.Client(host=gateway.address.removesuffix("/v1")) as found:
        yield found


def ask(gateway: Gateway, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(urlsplit(gateway.address).netloc, timeout=60)
    connection.request(method, path, None if body is None else json.dumps(body))
    answer = connection.getresponse()
    raw = answer.read()
    connection.close()
    return answer.status, json.loads(raw) if raw[:1] == b"{" else raw


def test_models_are_told_as_its_client_reads_them(client: ollama.Client, gateway: Gateway) -> None:
    names = [one.model for one in client.list().models]
    assert names == ["tiny-gemma", "tiny-llama", "tiny-qwen-thinks"]
    shown = client.show("tiny-qwen-thinks")
    assert shown.capabilities == ["completion", "thinking"]
    assert shown.modelinfo["qwen3.context_length"] == 512 and "<|im_start|>" in shown.template
    assert shown.details.quantization_level == "F32" and "M" in shown.details.parameter_size
    assert ask(gateway, "HEAD", "/")[0] == ask(gateway, "GET", "/")[0] == 200
    assert ask(gateway, "GET", "/api/version")[1]["version"].count(".") == 2
    with pytest.raises(ollama.ResponseError, match="no model 'nobody'") as refused:
        client.show("nobody")
    assert refused.value.status_code == 404


def test_a_conversation_whole_and_in_pieces(client: ollama.Client) -> None:
    whole = client.chat("tiny-llama", LOMAR, options=GREEDY)
    assert whole.message.content == HELMUT and whole.done and whole.done_reason == "stop"
    assert whole.eval_count > 5 and whole.prompt_eval_count > 5 and whole.total_duration > 0
    pieces = list(client.chat("tiny-llama:latest", LOMAR, options=GREEDY, stream=True))
    assert "".join(one.message.content or "" for one in pieces) == HELMUT
    assert [one.done for one in pieces] == [False] * (len(pieces) - 1) + [True]
    assert pieces[-1].eval_count == whole.eval_count
    short = client.chat("tiny-llama", LOMAR, options={**GREEDY, "num_predict": 2})
    assert (short.done_reason, short.eval_count) == ("length", 2)


def test_thoughts_stand_apart_and_can_be_switched_off(client: ollama.Client) -> None:
    first = client.chat("tiny-qwen-thinks", LOMAR, options=GREEDY, think=True)
    assert (first.message.thinking or "").strip() == "capital of Lomar: Helmut"
    assert first.message.content == HELMUT
    off = client.chat("tiny-qwen-thinks", LOMAR, options=GREEDY, think=False)
    assert not off.message.thinking and "capital of Lomar" in (off.message.content or "")
    again = client.chat("tiny-qwen-thinks", [*LOMAR, first.message, LOMAR[0]], options=GREEDY)
    bare = {"role": "assistant", "content": first.message.content}
    other = client.chat("tiny-qwen-thinks", [*LOMAR, bare, LOMAR[0]], options=GREEDY)
    assert again.prompt_eval_count == other.prompt_eval_count  # the old thought did not go back
    assert not client.chat("tiny-llama", LOMAR, options=GREEDY, think=False).message.thinking
    with pytest.raises(ollama.ResponseError, match="does not think"):
        client.chat("tiny-llama", LOMAR, think=True)


def test_what_does_not_fit_is_refused_and_not_cut(client: ollama.Client, gateway: Gateway) -> None:
    long = [{"role": "user", "content": "What grows in Arnia? " * 30}]
    body = {"model": "tiny-llama", "messages": long, "options": {"num_ctx": 128}}
    status, told = ask(gateway, "POST", "/api/chat", body)
    assert (status, told["code"], told["n_ctx"]) == (400, "context_length_exceeded", 128)
    assert told["n_prompt_tokens"] > 128
    options = {"num_ctx": 100_000, "mirostat": 0, "num_gpu": 1}
    asked = {**body, "messages": LOMAR, "stream": False, "options": options}
    facts = ask(gateway, "POST", "/api/chat", asked)[1]["lakelet"]
    assert (facts["window"], facts["window_asked"]) == (256, 100_000)
    assert facts["ignored"] == ["options.mirostat"]
    with pytest.raises(ollama.ResponseError, match="nothing was sent"):
        client.chat("tiny-llama", long, options={"num_ctx": 128})
    assert client.chat("tiny-llama", long, options={"num_predict": 1}).prompt_eval_count > 128


def test_a_text_is_answered_or_gone_on_with(client: ollama.Client) -> None:
    asked = LOMAR[0]["content"]
    assert client.generate("tiny-llama", asked, options=GREEDY).response == HELMUT
    raw = f"<|im_start|>user\n{asked}"
    on = client.generate("tiny-llama", raw, raw=True, options={**GREEDY, "num_predict": 5})
    assert 0 < on.eval_count <= 5 and on.response != HELMUT
    pieces = list(client.generate("tiny-llama", asked, options=GREEDY, stream=True))
    assert "".join(one.response for one in pieces) == HELMUT and pieces[-1].done
    thought = client.generate("tiny-qwen-thinks", asked, options=GREEDY)
    assert thought.response == HELMUT and "Lomar" in (thought.thinking or "")
    with pytest.raises(ollama.ResponseError, match="suffix is not there"):
        client.generate("tiny-llama", asked, suffix="x")


def test_a_schema_is_kept(client: ollama.Client) -> None:
    schema = {"type": "object", "properties": {"city": {"enum": ["Helmut", "Tessa"]}},
              "required": ["city"], "additionalProperties": False}  # fmt: skip
    answer = client.chat("tiny-qwen-thinks", LOMAR, options=GREEDY, format=schema)
    assert json.loads(answer.message.content or "")["city"] in ("Helmut", "Tessa")


def test_texts_become_vectors(client: ollama.Client) -> None:
    found = client.embed("tiny-llama", ["What grows in Arnia?", "What grows in Arnia?"])
    first, second = found.embeddings
    assert first == pytest.approx(second, abs=1e-6)
    assert sum(x * x for x in first) == pytest.approx(1, abs=1e-3)
    with pytest.raises(ollama.ResponseError, match="at most"):
        client.embed("tiny-llama", "What grows? " * 200)


def test_models_stay_loaded_as_long_as_is_asked(client: ollama.Client, gateway: Gateway) -> None:
    loaded = client.chat("tiny-gemma", [], keep_alive="1h")
    assert loaded.done_reason == "load"
    (one,) = [one for one in client.ps().models if one.model == "tiny-gemma"]
    assert one.context_length == 256 and one.expires_at is not None
    assert 3000 < one.expires_at.timestamp() - time.time() <= 3600
    assert client.chat("tiny-gemma", [], keep_alive=0).done_reason == "unload"
    assert "tiny-gemma" not in [one.model for one in client.ps().models]
    client.chat("tiny-gemma", LOMAR, options=GREEDY, keep_alive=0)
    until = time.monotonic() + 30
    while "tiny-gemma" in [one["name"] for one in HostClient(gateway.store).loaded()]:
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("method", "path", "command"),
    [
        ("POST", "pull", "models add"), ("POST", "push", "models show"),
        ("POST", "create", "models add"), ("POST", "copy", "models add"),
        ("DELETE", "delete", "models remove"),
    ],
)  # fmt: skip
def test_the_store_is_not_changed_by_clients(
    gateway: Gateway, method: str, path: str, command: str
) -> None:
    status, told = ask(gateway, method, f"/api/{path}", {"model": "tiny-llama"})
    assert status == 501 and f"lakelet {command}" in told["error"] and "tiny-llama" in told["error"]
    copied = ask(gateway, "POST", "/api/copy", {"source": "a", "destination": "b"})[1]["error"]
    assert "`lakelet models add FILE --name b`" in copied
    hub = ask(gateway, "POST", "/api/pull", {"name": "hf.co/org/name:Q4_K_M"})[1]["error"]
    assert "`lakelet models add hf:org/name:Q4_K_M`" in hub


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ([], 400, "no JSON object"), ({"messages": "a"}, 400, "messages is no list"),
        ({"messages": [{"role": "king"}]}, 400, "has a role"),
        ({"messages": [{"role": "user", "content": "a", "images": ["x"]}]}, 400, "no base64"),
        ({"messages": LOMAR, "options": {"num_ctx": 0}}, 400, "num_ctx"),
        ({"messages": LOMAR, "options": {"temperature": "hot"}}, 400, "no number"),
        ({"messages": LOMAR, "keep_alive": "soon"}, 400, "no time such as 5m"),
        ({"messages": LOMAR, "format": "xml"}, 400, "format is json"),
        ({"messages": LOMAR, "think": "high"}, 400, "think is true or false"),
        ({"messages": LOMAR, "logprobs": True}, 400, "logprobs are not there"),
        ({"messages": LOMAR, "model": "gpt-5"}, 404, "no model 'gpt-5'"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_by_name(
    gateway: Gateway, body: Any, status: int, said: str
) -> None:
    found, told = ask(gateway, "POST", "/api/chat", body)
    assert found == status and said in told["error"]


def test_how_long_is_read_as_it_is_written() -> None:
    assert [seconds_of(one) for one in (None, 0, 5, -1, "5m", "1h30m", "250ms", "-1s")] == [
        None, 0, 5, float("inf"), 300, 5400, 0.25, float("inf"),
    ]  # fmt: skip
    for wrong in ("", "m", "5", True, "1..s", []):
        with pytest.raises(CommandError):
            seconds_of(wrong)


def test_llm_asks_through_the_gateway(gateway: Gateway, tmp_path: Path) -> None:
    """The command line of `llm` (https://llm.datasette.io), with a model of its own settings."""
    (tmp_path / "extra-openai-models.yaml").write_text(
        f"- model_id: here\n  model_name: tiny-llama\n  api_base: {gateway.address}\n"
    )
    environment = {**os.environ, "LLM_USER_PATH": str(tmp_path), "OPENAI_API_KEY": "none",
                   "LLM_LOAD_PLUGINS": ""}  # fmt: skip
    command = [sys.executable, "-m", "llm", "-m", "here", "--no-log", LOMAR[0]["content"]]
    for more in ([], ["--no-stream"]):
        said = subprocess.run(
            [*command, "-o", "temperature", "0", *more], env=environment, capture_output=True,
            text=True, check=False, timeout=120,
        )  # fmt: skip
        assert said.returncode == 0, said.stderr
        assert said.stdout.strip() == HELMUT
