"""Requests and answers of OpenAI's chat completions, as clients send and read them.

Source: OpenAI's API reference, "Chat completions" (create, the chunk object, errors).
"""

from __future__ import annotations

import json
import time
import uuid
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
from lakelet.inference.backend import (
    Conversation,
    End,
    Event,
    Message,
    Sampling,
    Text,
    Thought,
    Tool,
    Usage,
)
from lakelet.inference.completions import THOUGHTS
from lakelet.inference.counting import Count, Room
from lakelet.inference.gateway.schemas import fault_of

__all__ = (
    "ChatRequest",
    "Reply",
    "as_line",
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
_FINISH = {"stop": "stop", "max_tokens": "length", "window": "length", "tool": "tool_calls"}


@dataclass(frozen=True)
class ChatRequest:
    """What a client asks for.

    Attributes:
        model: by name; '' for the one that is meant.
        conversation: what to go on with.
        sampling: how; what the client says explicitly.
        stream: whether piece by piece.
        usage: whether a stream ends with what was counted.
    """

    model: str
    conversation: Conversation
    sampling: Sampling
    stream: bool
    usage: bool


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
    tools = body.get("tools") or []
    if not isinstance(tools, list) or not all(isinstance(one, dict) for one in tools):
        raise CommandError("tools is no list of objects; nothing was asked.")
    template = body.get("chat_template_kwargs") or {}
    if not isinstance(template, dict):
        raise CommandError("chat_template_kwargs is no object; nothing was asked.")
    options = body.get("stream_options") or {}
    return ChatRequest(
        str(body.get("model") or ""),
        Conversation(
            tuple(_message(one) for one in messages), tools=tuple(tools), template=template
        ),
        sampling_of(body),
        bool(body.get("stream")),
        bool(isinstance(options, dict) and options.get("include_usage")),
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
    most = whole_of(body, "max_completion_tokens") or whole_of(body, "max_tokens")
    return Sampling(
        temperature=number_of(body, "temperature"), top_p=number_of(body, "top_p"),
        top_k=whole_of(body, "top_k"), min_p=number_of(body, "min_p"), seed=whole_of(body, "seed"),
        max_tokens=most, stop=tuple(stop),
        thought_tokens=whole_of(body, "thinking_budget_tokens"),
        more={name: body[name] for name in _PASSED if body.get(name) is not None},
    )  # fmt: skip


def _message(said: Any) -> Message:
    if not isinstance(said, dict) or said.get("role") not in _ROLES:
        raise CommandError(
            f"a message has a role ({', '.join(_ROLES)}) and a content; nothing was asked."
        )
    content = said.get("content")
    if isinstance(content, list):
        parts = []
        for part in content:
            if not isinstance(part, dict) or part.get("type") != "text":
                kind = part.get("type") if isinstance(part, dict) else type(part).__name__
                raise CommandError(
                    f"a message holds {kind}, and the model takes text only; nothing was asked."
                )
            parts.append(str(part.get("text", "")))
        content = "".join(parts)
    if content is not None and not isinstance(content, str):
        raise CommandError("a message's content is text; nothing was asked.")
    thought = next((said[name] for name in THOUGHTS if isinstance(said.get(name), str)), "")
    more = {name: said[name] for name in ("tool_calls", "tool_call_id", "name") if said.get(name)}
    role = "system" if said["role"] == "developer" else said["role"]
    return Message(role, content or "", thought, more)


def number_of(body: Mapping[str, Any], name: str) -> float | None:
    """A number of a request; None where it says none."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CommandError(f"{name} is {value!r}, and no number; nothing was asked.")
    return float(value)


def whole_of(body: Mapping[str, Any], name: str) -> int | None:
    """A whole number of a request; None where it says none."""
    value = number_of(body, name)
    if value is not None and value != int(value):
        raise CommandError(f"{name} is {value!r}, and no whole number; nothing was asked.")
    return None if value is None else int(value)


class Reply:
    """An answer to a conversation in the shape of OpenAI's, whole or in chunks.

    Args:
        model: which one answers.
        count: of the prompt.
        room: what is left for the answer.
        window: tokens of prompt and answer together.
    """

    kind = "chat.completion"

    def __init__(self, model: str, count: Count, room: Room, window: int) -> None:
        self.id = f"chatcmpl-{uuid.uuid4().hex}"
        self.created = int(time.time())
        self.model = model
        self.facts: dict[str, Any] = {
            "count": count.grade, "prompt_tokens": count.high, "window": window,
            "max_tokens": room.tokens, "max_tokens_lowered": room.lowered,
        }  # fmt: skip
        self.text = ""
        self.thought = ""
        self.calls: dict[int, dict[str, Any]] = {}
        self.usage = Usage(None, None)
        self.reason = "stop"
        self.looped = False
        self.format: Any = None

    def take(self, event: Event) -> dict[str, Any] | None:
        """Take an event in; the chunk that tells it, where one does."""
        if isinstance(event, Text):
            self.text += event.text
            return self._chunk({"content": event.text})
        if isinstance(event, Thought):
            self.thought += event.text
            return self._chunk({"reasoning_content": event.text})
        if isinstance(event, Tool):
            return self._chunk({"tool_calls": [self._call(event)]})
        if isinstance(event, Usage):
            self.usage = event
        if isinstance(event, End):
            self.reason = event.reason
            self.facts["ended"] = event.reason
            self.facts["repeats_itself"] = self.looped
            if self.format is not None and not self.calls:
                self.facts["format_fault"] = fault_of(self.text, self.format)
            return self._chunk({}, self.finish)
        return None

    @property
    def finish(self) -> str:
        """Why it ended, in the API's own words."""
        return _FINISH.get(self.reason, "stop")

    def begin(self) -> dict[str, Any]:
        """The first chunk."""
        return self._chunk({"role": "assistant", "content": ""})

    def counted(self) -> dict[str, Any]:
        """The last chunk: what was counted."""
        return {**self._chunk({}), "choices": [], "usage": self._usage()}

    def whole(self) -> dict[str, Any]:
        """The whole answer."""
        message: dict[str, Any] = {"role": "assistant", "content": self.text}
        if self.thought:
            message["reasoning_content"] = self.thought
        if self.calls:
            message["tool_calls"] = [self.calls[number] for number in sorted(self.calls)]
            message["content"] = self.text or None
        return {
            "id": self.id, "object": self.kind, "created": self.created,
            "model": self.model, "usage": self._usage(), "lakelet": self.facts,
            "choices": [{"index": 0, "message": message, "finish_reason": self.finish}],
        }  # fmt: skip

    def _call(self, event: Tool) -> dict[str, Any]:
        known = self.calls.setdefault(
            event.index, {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
        )
        known["id"] = known["id"] or event.id
        known["function"]["name"] += event.name
        known["function"]["arguments"] += event.arguments
        told: dict[str, Any] = {"index": event.index, "function": {"arguments": event.arguments}}
        if event.id:
            told |= {"id": event.id, "type": "function"}
        if event.name:
            told["function"]["name"] = event.name
        return told

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        found: dict[str, Any] = {
            "id": self.id, "object": f"{self.kind}.chunk", "created": self.created,
            "model": self.model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }  # fmt: skip
        if finish is not None:
            found["lakelet"] = self.facts
        return found

    def _usage(self) -> dict[str, Any]:
        prompt, generated = self.usage.prompt or 0, self.usage.generated or 0
        return {
            "prompt_tokens": prompt, "completion_tokens": generated,
            "total_tokens": prompt + generated,
            "prompt_tokens_details": {"cached_tokens": self.usage.cached or 0},
        }  # fmt: skip


def error_body(error: LakeletError) -> tuple[int, dict[str, Any]]:
    """Status and body of an error, as OpenAI's clients read them."""
    said = f"{error.message} {error.hint}" if error.hint else error.message
    told: dict[str, Any] = {"message": said, "type": "invalid_request_error", "param": None,
                            "code": None}  # fmt: skip
    status = 400
    if isinstance(error, OverflowingError):
        told |= {"code": "context_length_exceeded", "param": "messages",
                 "n_prompt_tokens": error.prompt, "n_ctx": error.window}  # fmt: skip
    elif isinstance(error, ModelNotFoundError | ModelChoiceError):
        status = 404
        told |= {"code": "model_not_found", "param": "model"}
    elif isinstance(error, BusyError):
        status = 429
        told |= {"type": "rate_limit_error", "code": "busy"}
    elif isinstance(error, EngineError):
        status = 503
        told |= {"type": "server_error", "code": "engine"}
    return status, {"error": told}


def as_line(told: Any) -> bytes:
    """A piece of a stream of events (server-sent events)."""
    return b"data: " + json.dumps(told, ensure_ascii=False).encode() + b"\n\n"
