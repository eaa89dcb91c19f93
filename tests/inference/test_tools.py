"""Calls of tools by a model that learnt them: by OpenAI's client, by Ollama's, and in a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import ollama
import pytest

from inference.test_gateway import Gateway, gateway_of
from inference.tiny import CALLS, tiny_store
from lakelet.inference import Conversation, Message, Sampling
from lakelet.inference.backend import End, Tool, Usage
from lakelet.inference.gateway.tools import choosing
from lakelet.inference.host.attaching import HostClient
from lakelet.inference.ollama_server import OllamaServer
from lakelet.inference.openai_server import OpenAIServer
from lakelet.inference.served import Server
from small_models.world import Call, calls

TOOL = {
    "type": "function",
    "function": {
        "name": "weather", "description": "The weather of a place.",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}},
                       "required": ["place"]},
    },
}  # fmt: skip
ONE, TWO = (next(one for one in calls()[0] if len(one.places) == many) for many in (1, 2))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("tools")
    with gateway_of(tiny_store(folder, calls=True), folder / "ws") as found:
        yield found


def asked(gateway: Gateway, messages: list[Any], **more: Any) -> Any:
    return gateway.client.chat.completions.create(
        model=CALLS, messages=messages, tools=[TOOL], temperature=0, **more
    )  # type: ignore[call-overload]


def user(call: Call) -> dict[str, str]:
    return {"role": "user", "content": call.text}


def test_a_call_is_made_and_what_it_gave_is_said(gateway: Gateway) -> None:
    first = asked(gateway, [user(ONE)])
    (choice,) = first.choices
    (made,) = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls" and not choice.message.content
    assert made.function.name == "weather" and made.id
    assert json.loads(made.function.arguments) == {"place": ONE.places[0]}
    again = asked(gateway, [
        user(ONE), choice.message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": made.id, "content": ONE.weather[0]},
    ])  # fmt: skip
    assert again.choices[0].message.content == ONE.answer
    assert again.choices[0].finish_reason == "stop" and not again.choices[0].message.tool_calls


def test_several_calls_at_once_come_in_fragments(gateway: Gateway) -> None:
    whole = asked(gateway, [user(TWO)], parallel_tool_calls=True).choices[0].message.tool_calls
    assert [json.loads(one.function.arguments)["place"] for one in whole] == list(TWO.places)
    assert len({one.id for one in whole}) == 2
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    pieces, text, ended = 0, "", None
    for chunk in asked(gateway, [user(TWO)], parallel_tool_calls=True, stream=True):
        for choice in chunk.choices:
            text += choice.delta.content or ""
            ended = choice.finish_reason or ended
            for part in choice.delta.tool_calls or ():
                pieces += 1
                names[part.index] = names.get(part.index, "") + (part.function.name or "")
                so_far = arguments.get(part.index, "")
                arguments[part.index] = so_far + (part.function.arguments or "")
    assert names == {0: "weather", 1: "weather"} and ended == "tool_calls"
    assert [json.loads(one)["place"] for one in arguments.values()] == list(TWO.places)
    assert pieces > 4 and "<tool_call>" not in text


def test_a_required_call_is_made(gateway: Gateway) -> None:
    (made,) = asked(gateway, [{"role": "user", "content": "Tell me the weather in Lomar."}],
                    tool_choice="required").choices[0].message.tool_calls  # fmt: skip
    assert json.loads(made.function.arguments)["place"]


def test_the_tool_that_a_client_insists_on_is_the_only_one(gateway: Gateway) -> None:
    other = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}
    choice = {"type": "function", "function": {"name": "weather"}}
    conversation = Conversation((Message("user", "a"),), tools=(other, TOOL))
    only, sampling = choosing(conversation, Sampling(more={"tool_choice": choice}))
    assert only.tools == (TOOL,) and sampling.more == {"tool_choice": "required"}
    (made,) = asked(gateway, [user(ONE)], tool_choice=choice).choices[0].message.tool_calls
    assert made.function.name == "weather"


def test_two_calls_where_one_was_wished_are_told(gateway: Gateway) -> None:
    found = asked(gateway, [user(TWO)], parallel_tool_calls=False)
    calls = found.choices[0].message.tool_calls
    warned = ["2 calls came, and parallel_tool_calls is false."] if len(calls) == 2 else []
    assert found.lakelet["warnings"] == warned


def test_ollamas_client_hears_of_them(gateway: Gateway) -> None:
    with ollama.Client(host=gateway.address.removesuffix("/v1")) as client:
        whole = client.chat(CALLS, [user(ONE)], tools=[TOOL], options={"temperature": 0})
        (made,) = whole.message.tool_calls
        assert made.function.name == "weather"
        assert dict(made.function.arguments) == {"place": ONE.places[0]}
        again = client.chat(CALLS, [
            user(ONE), whole.message,
            {"role": "tool", "content": ONE.weather[0], "tool_name": "weather"},
        ], tools=[TOOL], options={"temperature": 0})  # fmt: skip
        assert again.message.content == ONE.answer
        assert "tools" in client.show(CALLS).capabilities


def test_a_server_s_calls_are_heard_through_either_api(gateway: Gateway) -> None:
    engine = OllamaServer(Server("far", gateway.address, window=256, api="ollama"), CALLS)
    for _ in engine.load(CALLS):
        pass
    said = Conversation((Message("user", TWO.text),), tools=(TOOL,))
    events = list(engine.chat(said, Sampling(temperature=0)))
    made = [json.loads(one.arguments)["place"] for one in events if isinstance(one, Tool)]
    assert made == list(TWO.places) and events[-1] == End("tool")


def test_a_call_that_is_cut_off_is_no_call_to_trust(gateway: Gateway) -> None:
    """Its arguments are no JSON, which is said."""
    answer = asked(gateway, [user(ONE)], max_tokens=14)
    assert answer.choices[0].finish_reason == "length"
    (made,) = answer.choices[0].message.tool_calls
    with pytest.raises(ValueError, match=r"."):
        json.loads(made.function.arguments)
    assert list(answer.lakelet["call_faults"]) == ["0"]
    with ollama.Client(host=gateway.address.removesuffix("/v1")) as client:
        options = {"temperature": 0, "num_predict": 14}
        told = client.chat(CALLS, [user(ONE)], tools=[TOOL], options=options)
    assert not told.message.tool_calls and told.done_reason == "length"


def test_a_server_of_llama_cpp_is_counted_with_its_tools(gateway: Gateway) -> None:
    host = HostClient(gateway.store)
    turn = host.turn(gateway.store.model(CALLS), window=512)
    for _event in turn.wait():
        pass
    server = OpenAIServer(Server("own", f"{turn.address}/v1", turn.key), CALLS)
    for _ in server.load(CALLS):
        pass
    conversation = Conversation((Message("user", ONE.text),), tools=(TOOL,))
    assert "weather" in server.render(conversation)
    count = server.count(conversation)
    read = [one.prompt for one in server.chat(conversation, Sampling(max_tokens=1))
            if isinstance(one, Usage)]  # fmt: skip
    assert (count.grade, [count.high]) == ("exact", read)
    turn.close()
