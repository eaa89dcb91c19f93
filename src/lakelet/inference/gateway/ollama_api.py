"""Requests as Ollama's clients send them, and errors as they read them.

Source: Ollama's API reference (docs/api.md of its repository) and its Python client's types.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lakelet.errors import CommandError, LakeletError, OverflowingError
from lakelet.inference.backend import Conversation, Message, Sampling
from lakelet.inference.gateway.openai_api import (
    ChatRequest,
    check_ranges,
    error_body,
    number_of,
    whole_of,
)
from lakelet.inference.gateway.pictures import parts_of_images
from lakelet.inference.gateway.schemas import check_format
from lakelet.inference.gateway.tools import tools_of
from lakelet.inference.policy import thinking_of
from lakelet.inference.served import AnyModel

__all__ = ("ollama_error", "read_ollama_chat", "read_ollama_text", "seconds_of", "told_to_think")

_ROLES = ("system", "user", "assistant", "tool")
_SPANS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_OPTIONS = ("temperature", "top_p", "top_k", "min_p", "seed", "num_predict", "stop", "num_ctx",
            "repeat_penalty", "presence_penalty", "frequency_penalty")  # fmt: skip
_IGNORED = ("num_keep", "num_batch", "num_gpu", "main_gpu", "use_mmap", "use_mlock", "num_thread",
            "numa", "low_vram", "f16_kv", "vocab_only", "penalize_newline")  # fmt: skip
"""Options about the machine, which the engine host decides by itself."""


def read_ollama_chat(body: Any) -> ChatRequest:
    """A request for the answer to a conversation.

    Raises:
        CommandError: it is none, or asks for what is not there; nothing of it is left out silently.
    """
    body = _object(body)
    messages = body.get("messages") or []
    if not isinstance(messages, list):
        raise CommandError("messages is no list; nothing was asked.")
    return _request(body, Conversation(tuple(map(_message, messages)), tools=tools_of(body)))


def read_ollama_text(body: Any) -> ChatRequest:
    """A request to answer one text, or with ``raw`` to go on with it.

    Raises:
        CommandError: it is none, or asks for what is not there.
    """
    body = _object(body)
    for name in ("suffix", "template", "context", "images"):
        if body.get(name):
            raise CommandError(f"{name} is not there; nothing was asked.")
    prompt = body.get("prompt") or ""
    if not isinstance(prompt, str):
        raise CommandError("prompt is no text; nothing was asked.")
    if body.get("raw"):
        if body.get("system"):
            raise CommandError("raw goes on with the prompt alone, without system.")
        return _request(body, Conversation((Message("user", prompt),) if prompt else (), raw=True))
    system = str(body.get("system") or "")
    before = (Message("system", system),) if system else ()
    return _request(body, Conversation((*before, Message("user", prompt)) if prompt else ()))


def told_to_think(asked: ChatRequest, body: Mapping[str, Any], model: AnyModel) -> ChatRequest:
    """A request with what its ``think`` makes of this model's template.

    Raises:
        CommandError: this model cannot be told so.
    """
    think = body.get("think")
    if think is None:
        return asked
    if not isinstance(think, bool):
        raise CommandError("think is true or false here; nothing was asked.")
    if not think and model.card.thinking == "none":
        return asked
    template, _ = thinking_of(model, "on" if think else "off")
    return replace(asked, conversation=replace(asked.conversation, template=template))


def ollama_error(error: LakeletError) -> tuple[int, dict[str, Any]]:
    """Status and body of an error, as Ollama's clients read them."""
    status, told = error_body(error)
    found: dict[str, Any] = {"error": told["error"]["message"]}
    if isinstance(error, OverflowingError):
        found |= {"code": "context_length_exceeded", "n_prompt_tokens": error.prompt,
                  "n_ctx": error.window}  # fmt: skip
    return status, found


def seconds_of(text: Any) -> float | None:
    """How long a model stays loaded: a number of seconds, or a text such as ``5m``; None for none.

    What is below 0 is for as long as the host runs.

    Raises:
        CommandError: it is neither.
    """
    if text is None:
        return None
    if isinstance(text, int | float) and not isinstance(text, bool):
        return float(text) if text >= 0 else float("inf")
    found = re.findall(r"([0-9.]+)(ms|s|m|h)", text) if isinstance(text, str) else []
    if not found or "".join(f"{count}{unit}" for count, unit in found) != str(text).lstrip("-"):
        raise CommandError(f"keep_alive is {text!r}, and no time such as 5m; nothing was asked.")
    if str(text).startswith("-"):
        return float("inf")
    try:
        return sum(float(count) * _SPANS[unit] for count, unit in found)
    except ValueError:
        raise CommandError(f"keep_alive is {text!r}, and no time such as 5m.") from None


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise CommandError("the request is no JSON object.")
    if body.get("logprobs"):
        raise CommandError("logprobs are not there; nothing was asked.")
    return body


def _request(body: dict[str, Any], conversation: Conversation) -> ChatRequest:
    options = body.get("options") or {}
    if not isinstance(options, dict):
        raise CommandError("options is no object; nothing was asked.")
    # Options of the machine are the engine host's; others are told, as in OpenAI's API.
    unknown = sorted(f"options.{one}" for one in options if one not in (*_OPTIONS, *_IGNORED))
    more: dict[str, Any] = {name: number_of(options, name) for name in
            ("repeat_penalty", "presence_penalty", "frequency_penalty")
            if options.get(name) is not None}  # fmt: skip
    wanted = body.get("format")
    if wanted not in (None, ""):
        more["response_format"] = _format(wanted)
        check_format(more["response_format"])
    stop = options.get("stop") or ()
    stop = (stop,) if isinstance(stop, str) else stop
    if not isinstance(stop, list | tuple) or not all(isinstance(one, str) for one in stop):
        raise CommandError("options.stop is no text, and no list of texts; nothing was asked.")
    check_ranges(options)
    most = whole_of(options, "num_predict")
    if most in (-1, -2):  # as far as the window goes
        most = None
    if most is not None and most < 1:
        raise CommandError(f"options.num_predict is {most}, and at least 1 is generated.")
    window = whole_of(options, "num_ctx")
    if window is not None and window < 1:
        raise CommandError("options.num_ctx is a number of tokens from 1; nothing was asked.")
    return ChatRequest(
        str(body.get("model") or ""), conversation,
        Sampling(
            temperature=number_of(options, "temperature"), top_p=number_of(options, "top_p"),
            top_k=whole_of(options, "top_k"), min_p=number_of(options, "min_p"),
            seed=whole_of(options, "seed"), stop=tuple(stop), more=more,
            max_tokens=most if most is not None and most > 0 else None,
        ),
        body.get("stream") is not False, usage=True, window=window,
        keep=seconds_of(body.get("keep_alive")), ignored=tuple(unknown),
    )  # fmt: skip


def _format(wanted: Any) -> dict[str, Any]:
    if wanted == "json":
        return {"type": "json_object"}
    if isinstance(wanted, dict):
        return {"type": "json_schema", "json_schema": {"name": "answer", "schema": wanted}}
    raise CommandError("format is json, or a schema; nothing was asked.")


def _message(said: Any) -> Message:
    if not isinstance(said, dict) or said.get("role") not in _ROLES:
        raise CommandError(
            f"a message has a role ({', '.join(_ROLES)}) and a content; nothing was asked."
        )
    images = said.get("images") or []
    if not isinstance(images, list):
        raise CommandError("images is no list; nothing was asked.")
    content, thought = said.get("content") or "", said.get("thinking") or ""
    if not isinstance(content, str) or not isinstance(thought, str):
        raise CommandError("a message's content is text; nothing was asked.")
    more: dict[str, Any] = {}
    calls = said.get("tool_calls") or []
    if calls:
        more["tool_calls"] = [_call(one, number) for number, one in enumerate(calls)]
    if said.get("tool_name"):
        more["name"] = str(said["tool_name"])
    if images:
        more["content"] = parts_of_images(content, images)
    return Message(said["role"], content, thought, more)


def _call(said: Any, number: int) -> dict[str, Any]:
    """A call of a tool, as other engines take it: with an id, its arguments a text."""
    function = said.get("function") if isinstance(said, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise CommandError("a tool call has a function with a name; nothing was asked.")
    arguments = json.dumps(function.get("arguments") or {})
    return {"id": f"call_{number}", "type": "function",
            "function": {"name": function["name"], "arguments": arguments}}  # fmt: skip
