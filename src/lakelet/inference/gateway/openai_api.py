"""Requests for OpenAI's chat completions, as clients send them, and errors as they read them.

Source: OpenAI's API reference, "Chat completions" (create, the chunk object, errors).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lakelet.errors import (
    BusyError,
    CommandError,
    EngineError,
    LakeletError,
    ModelChoiceError,
    ModelNotFoundError,
    OverflowingError,
)
from lakelet.inference.backend import Conversation, Message, Sampling
from lakelet.inference.completions import THOUGHTS
from lakelet.inference.gateway.pictures import picture_of_part
from lakelet.inference.gateway.tools import tools_of

__all__ = (
    "ChatRequest",
    "error_body",
    "number_of",
    "read_chat",
    "sampling_of",
    "whole_of",
)

_ROLES = ("system", "developer", "user", "assistant", "tool")
_PASSED = (
    "presence_penalty", "frequency_penalty", "repeat_penalty", "logit_bias", "tool_choice",
    "parallel_tool_calls", "response_format", "ignore_eos",
)  # fmt: skip
_REFUSED = ("audio", "modalities", "functions", "function_call")
_RANGES = {"temperature": (0, 100), "top_p": (0, 1), "min_p": (0, 1), "top_k": (0, 1 << 31)}
_LARGEST = 1 << 63
_ASKED_WRONG = (400, 413, 422)
"""With which an engine refuses what is asked, and not to be asked."""
_READ = frozenset((
    *_PASSED, *_RANGES, "model", "messages", "prompt", "stream", "stream_options", "tools", "stop",
    "max_tokens", "max_completion_tokens", "seed", "n", "logprobs", "chat_template_kwargs",
    "thinking_budget_tokens", "user", "suffix", "best_of", "echo",
))  # fmt: skip
"""What a request is read for; everything else is told to have been left out."""


@dataclass(frozen=True)
class ChatRequest:
    """What a client asks for.

    Attributes:
        model: by name; '' for the one that is meant.
        conversation: what to go on with.
        sampling: how; what the client says explicitly.
        stream: whether piece by piece.
        usage: whether a stream ends with what was counted.
        window: tokens of the conversation that are asked for; None for as many as there are.
        keep: seconds for which the model stays loaded afterwards; None for as long as others do.
        ignored: fields that are not known here; they are told.
    """

    model: str
    conversation: Conversation
    sampling: Sampling
    stream: bool
    usage: bool
    window: int | None = None
    keep: float | None = None
    ignored: tuple[str, ...] = ()


def read_chat(body: Any) -> ChatRequest:
    """A request's body.

    Raises:
        CommandError: it is none, or asks for what is not there; nothing of it is left out silently.
    """
    if not isinstance(body, dict):
        raise CommandError("the request is no JSON object.")
    for name in _REFUSED:
        if body.get(name):
            raise CommandError(f"{name} is not there; nothing was asked.")
    if whole_of(body, "n") not in (None, 1):
        raise CommandError("n is 1 here: one answer at a time; nothing was asked.")
    if body.get("logprobs"):
        raise CommandError("logprobs are not there; nothing was asked.")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise CommandError("messages is no list with a message in it; nothing was asked.")
    template = body.get("chat_template_kwargs") or {}
    if not isinstance(template, dict):
        raise CommandError("chat_template_kwargs is no object; nothing was asked.")
    options = body.get("stream_options") or {}
    return ChatRequest(
        str(body.get("model") or ""),
        Conversation(
            tuple(_message(one) for one in messages), tools=tools_of(body), template=template
        ),
        sampling_of(body),
        bool(body.get("stream")),
        bool(isinstance(options, dict) and options.get("include_usage")),
        ignored=left_out(body),
    )  # fmt: skip


def sampling_of(body: Mapping[str, Any]) -> Sampling:
    """How a request wants tokens to be drawn; what it says explicitly.

    Raises:
        CommandError: a value is not of its kind.
    """
    stop = body.get("stop") or ()
    stop = (stop,) if isinstance(stop, str) else stop
    if not isinstance(stop, list | tuple) or not all(isinstance(one, str) for one in stop):
        raise CommandError("stop is no text, and no list of texts; nothing was asked.")
    most = whole_of(body, "max_completion_tokens")
    most = whole_of(body, "max_tokens") if most is None else most
    if most is not None and most < 1:
        raise CommandError(f"max_tokens is {most}, and at least 1 is generated; nothing was asked.")
    check_ranges(body)
    for name in ("presence_penalty", "frequency_penalty", "repeat_penalty"):
        number_of(body, name)
    return Sampling(
        temperature=number_of(body, "temperature"), top_p=number_of(body, "top_p"),
        top_k=whole_of(body, "top_k"), min_p=number_of(body, "min_p"), seed=whole_of(body, "seed"),
        max_tokens=most, stop=tuple(stop),
        thought_tokens=whole_of(body, "thinking_budget_tokens"),
        more={name: body[name] for name in _PASSED if body.get(name) is not None},
    )  # fmt: skip


def check_ranges(told: Mapping[str, Any]) -> None:
    """Refuse numbers with which nothing can be drawn.

    Raises:
        CommandError: with the range.
    """
    for name, (low, high) in _RANGES.items():
        value = number_of(told, name)
        if value is not None and not low <= value <= high:
            raise CommandError(
                f"{name} is {value:g}, and goes from {low:g} to {high:g}; nothing was asked."
            )


def left_out(body: Mapping[str, Any]) -> tuple[str, ...]:
    """What of a request is not known here, and makes no difference."""
    return tuple(sorted(name for name in body if name not in _READ))


def _message(said: Any) -> Message:
    if not isinstance(said, dict) or said.get("role") not in _ROLES:
        raise CommandError(
            f"a message has a role ({', '.join(_ROLES)}) and a content; nothing was asked."
        )
    content, parts = said.get("content"), []
    if isinstance(content, list):
        parts = [_part(one) for one in content]
        content = "".join(str(one.get("text", "")) for one in parts)
    if content is not None and not isinstance(content, str):
        raise CommandError("a message's content is text; nothing was asked.")
    thought = next((said[name] for name in THOUGHTS if isinstance(said.get(name), str)), "")
    more = {name: said[name] for name in ("tool_calls", "tool_call_id", "name") if said.get(name)}
    if any(one["type"] != "text" for one in parts):
        more["content"] = parts
    role = "system" if said["role"] == "developer" else said["role"]
    return Message(role, content or "", thought, more)


def _part(part: Any) -> dict[str, Any]:
    kind = part.get("type") if isinstance(part, dict) else type(part).__name__
    if kind == "text":
        return {"type": "text", "text": str(part.get("text", ""))}
    if kind == "image_url":
        return picture_of_part(part)
    raise CommandError(f"a message holds {kind}, which is not taken here; nothing was asked.")


def number_of(body: Mapping[str, Any], name: str) -> float | None:
    """A number of a request; None where it says none."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CommandError(f"{name} is {value!r}, and no number; nothing was asked.")
    if not -_LARGEST <= value <= _LARGEST:  # which no number that is none is either
        raise CommandError(f"{name} is beyond what numbers go to here; nothing was asked.")
    return float(value)


def whole_of(body: Mapping[str, Any], name: str) -> int | None:
    """A whole number of a request; None where it says none."""
    value = number_of(body, name)
    if value is not None and value != int(value):
        raise CommandError(f"{name} is {value!r}, and no whole number; nothing was asked.")
    return None if value is None else int(body[name])  # a float has no more than 53 bits


def error_body(error: LakeletError, param: str = "messages") -> tuple[int, dict[str, Any]]:
    """Status and body of an error, as OpenAI's clients read them.

    Args:
        error: the error.
        param: the field in which a prompt stands.
    """
    said = f"{error.message} {error.hint}" if error.hint else error.message
    told: dict[str, Any] = {"message": said, "type": "invalid_request_error", "param": None,
                            "code": None}  # fmt: skip
    status = 400
    if isinstance(error, OverflowingError):
        told |= {"code": "context_length_exceeded", "param": param,
                 "n_prompt_tokens": error.prompt, "n_ctx": error.window}  # fmt: skip
    elif isinstance(error, ModelNotFoundError | ModelChoiceError):
        status = 404
        told |= {"code": "model_not_found", "param": "model"}
    elif isinstance(error, BusyError):
        status = 429
        told |= {"type": "rate_limit_error", "code": "busy"}
    elif isinstance(error, EngineError) and error.status not in _ASKED_WRONG:
        status = 503
        told |= {"type": "server_error", "code": "engine"}
    return status, {"error": told}
