"""Answers in the shapes of OpenAI's API: a conversation's, and a text's.

Source: OpenAI's API reference, "Chat completions" (the object, the chunk), "Completions" (legacy).
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from lakelet.errors import LakeletError
from lakelet.inference.backend import Begun, End, Event, Text, Thought, Tool
from lakelet.inference.gateway.openai_api import error_body
from lakelet.inference.gateway.replies import Reply

__all__ = ("ChatReply", "TextReply")

_FINISH = {"stop": "stop", "max_tokens": "length", "window": "length", "tool": "tool_calls"}


class ChatReply(Reply):
    """An answer to a conversation."""

    kind = "chat.completion"

    def __init__(self, model: str, begun: Begun) -> None:
        super().__init__(model, begun)
        self.id = f"chatcmpl-{uuid.uuid4().hex}"
        self._known: set[int] = set()

    def begin(self) -> dict[str, Any]:
        """The first chunk."""
        return self._chunk({"role": "assistant", "content": ""})

    def told(self, event: Event) -> dict[str, Any] | None:
        """The chunk that tells an event, where one does."""
        if isinstance(event, Text):
            return self._chunk({"content": event.text})
        if isinstance(event, Thought):
            return self._chunk({"reasoning_content": event.text})
        if isinstance(event, Tool):
            return self._chunk({"tool_calls": [self._fragment(event)]})
        if isinstance(event, End):
            return self._chunk({}, self.finish)
        return None

    @property
    def finish(self) -> str:
        """Why it ended, in the API's own words."""
        return _FINISH.get(self.reason, "stop")

    def closing(self, *, usage: bool) -> bytes:
        """What was counted, where it was asked for, and the end."""
        counted = {**self._chunk({}), "choices": [], "usage": self._usage()}
        return (self.line(counted) if usage else b"") + b"data: [DONE]\n\n"

    def whole(self) -> dict[str, Any]:
        """The whole answer."""
        message: dict[str, Any] = {"role": "assistant", "content": self.text}
        if self.thought:
            message["reasoning_content"] = self.thought
        if self.calls:
            message["content"] = self.text or None
            message["tool_calls"] = [
                {"id": call["id"], "type": "function",
                 "function": {"name": call["name"], "arguments": call["arguments"]}}
                for _, call in sorted(self.calls.items())
            ]  # fmt: skip
        choice = {"index": 0, "message": message, "finish_reason": self.finish}
        return {**self._about(self.kind), "choices": [choice], "usage": self._usage(),
                "lakelet": self.facts}  # fmt: skip

    @staticmethod
    def line(told: Any) -> bytes:
        """A piece of a stream of events (server-sent events)."""
        return b"data: " + json.dumps(told, ensure_ascii=False).encode() + b"\n\n"

    @staticmethod
    def error(error: LakeletError) -> tuple[int, dict[str, Any]]:
        """Status and body of an error."""
        return error_body(error)

    def _fragment(self, event: Tool) -> dict[str, Any]:
        told: dict[str, Any] = {"index": event.index, "function": {"arguments": event.arguments}}
        if event.id:
            told |= {"id": event.id, "type": "function"}
        if event.name:
            told["function"]["name"] = event.name
        return told

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        found = {**self._about(f"{self.kind}.chunk"), "choices": [choice]}
        return found if finish is None else {**found, "lakelet": self.facts}

    def _about(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": int(self.created), "model": self.model}

    def _usage(self) -> dict[str, Any]:
        prompt, generated = self.usage.prompt or 0, self.usage.generated or 0
        return {
            "prompt_tokens": prompt, "completion_tokens": generated,
            "total_tokens": prompt + generated,
            "prompt_tokens_details": {"cached_tokens": self.usage.cached or 0},
        }  # fmt: skip


class TextReply(ChatReply):
    """What a text goes on with."""

    kind = "text_completion"

    def whole(self) -> dict[str, Any]:
        """The whole of it."""
        return {**self._told(self.text, self.finish), "usage": self._usage(),
                "lakelet": self.facts}  # fmt: skip

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        found = self._told(delta.get("content") or "", finish)
        return found if finish is None else {**found, "lakelet": self.facts}

    def _told(self, text: str, finish: str | None) -> dict[str, Any]:
        choice = {"index": 0, "text": text, "finish_reason": finish, "logprobs": None}
        return {**self._about(self.kind), "choices": [choice]}
