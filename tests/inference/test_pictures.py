"""Pictures through the gateway: with a projector only, counted before anything is said of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ollama
import openai
import pytest

from inference.projector import TOKENS, picture, write_projector
from inference.test_gateway import Gateway, gateway_of
from inference.tiny import tiny_store
from lakelet.inference.host.attaching import HostClient
from lakelet.models import ModelStore, add_model

LOMAR = "What is the capital of Lomar?"
RED, BLUE = picture(255, 0, 0), picture(0, 0, 255)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelStore]:
    folder = tmp_path_factory.mktemp("pictures")
    found = tiny_store(folder)
    projector = write_projector(folder / "mmproj.gguf")
    add_model(found, str(found.model("tiny-llama").path), name="sees", beside=[projector])
    yield found
    HostClient(found).unload()


@pytest.fixture(scope="module")
def gateway(store: ModelStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway_of(store, tmp_path_factory.mktemp("seeing") / "ws") as found:
        yield found


def message(*pictures: str) -> Any:
    parts = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{one}"}}
             for one in pictures]  # fmt: skip
    return {"role": "user", "content": [{"type": "text", "text": LOMAR}, *parts]}


def asked(gateway: Gateway, model: str, *messages: Any, **more: Any) -> Any:
    return gateway.client.chat.completions.create(
        model=model, messages=messages, temperature=0, **more
    )  # type: ignore[call-overload]


def test_a_picture_is_counted_and_reaches_the_model(store: ModelStore, gateway: Gateway) -> None:
    assert store.model("sees").card.vision and not store.model("tiny-llama").card.vision
    plain = asked(gateway, "sees", {"role": "user", "content": LOMAR})
    one = asked(gateway, "sees", message(RED))
    assert one.usage.prompt_tokens == plain.usage.prompt_tokens + TOKENS
    assert one.lakelet["count"] == "exact" and one.lakelet["prompt_tokens"] == (
        one.usage.prompt_tokens
    )
    # It was read to be counted, and not read again.
    assert one.usage.prompt_tokens_details.cached_tokens >= one.usage.prompt_tokens - 1
    two = asked(gateway, "sees", message(RED, BLUE), stream=True,
                stream_options={"include_usage": True})  # fmt: skip
    assert list(two)[-1].usage.prompt_tokens == plain.usage.prompt_tokens + 2 * TOKENS


def test_what_does_not_fit_is_refused_with_both_numbers(gateway: Gateway) -> None:
    status, told = gateway.ask({"model": "sees", "messages": [message(*[RED] * 16)]})
    assert (status, told["error"]["code"]) == (400, "context_length_exceeded")
    assert told["error"]["n_ctx"] == 256 and told["error"]["n_prompt_tokens"] > 16 * TOKENS


@pytest.mark.parametrize(
    ("model", "part", "said"),
    [
        ("tiny-llama", {"url": f"data:image/png;base64,{RED}"}, "takes no pictures here"),
        ("sees", {"url": "http://127.0.0.1:9/a.png"}, "never fetched"),
        ("sees", {"url": "file:///etc/passwd"}, "never fetched"),
        ("sees", {"url": "data:image/png;base64,***"}, "no base64"),
        ("sees", {"url": "data:image/png;base64,AAAA"}, "and is neither png"),
    ],
)
def test_others_are_refused(gateway: Gateway, model: str, part: Any, said: str) -> None:
    wrong = {"role": "user", "content": [{"type": "image_url", "image_url": part}]}
    with pytest.raises(openai.BadRequestError, match=said):
        asked(gateway, model, wrong)


def test_sound_is_refused_by_name(gateway: Gateway) -> None:
    wrong = {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}
    with pytest.raises(openai.BadRequestError, match="input_audio, which is not taken here"):
        asked(gateway, "sees", wrong)


def test_ollamas_client_sends_them_too(gateway: Gateway) -> None:
    with ollama.Client(host=gateway.address.removesuffix("/v1")) as client:
        assert "vision" in client.show("sees").capabilities
        plain = client.chat("sees", [{"role": "user", "content": LOMAR}])
        seen = client.chat("sees", [{"role": "user", "content": LOMAR, "images": [RED]}])
        assert seen.prompt_eval_count == plain.prompt_eval_count + TOKENS
        with pytest.raises(ollama.ResponseError, match="takes no pictures here"):
            client.chat("tiny-llama", [{"role": "user", "content": LOMAR, "images": [RED]}])


def test_a_server_that_says_so_takes_them(store: ModelStore, tmp_path: Any) -> None:
    """llama.cpp's own says that it sees, and counts; the gateway in front of it passes them on."""
    own = ModelStore(tmp_path / "own")
    for one in ("sees", "tiny-llama"):
        files = store.model(one)
        beside = files.paths_of("projector")
        add_model(own, str(files.path), name=one, beside=beside)
    turn = HostClient(own).turn(own.model("sees"), window=256)
    for _event in turn.wait():
        pass
    try:
        settings = f'\n[models.servers.far]\naddress = "{turn.address}/v1"\nkey = "file:key"\n'
        root = tmp_path / "ws"
        root.mkdir()
        (root / "key").write_text(turn.key)
        with gateway_of(ModelStore(tmp_path / "none"), root, settings) as front:
            (name,) = [one.id for one in front.client.models.list()]
            plain = asked(front, name, {"role": "user", "content": LOMAR})
            one = asked(front, name, message(BLUE))
            assert one.usage.prompt_tokens == plain.usage.prompt_tokens + TOKENS
            assert one.lakelet["count"] == "exact"
    finally:
        turn.close()
        HostClient(own).unload()
