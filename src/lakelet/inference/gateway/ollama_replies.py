"""Answers in the shapes of Ollama's API: an object of JSON a line, the last with what was counted.

Source: Ollama's API reference (docs/api.md of its repository).
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any, ClassVar

from lakelet.errors import LakeletError
from lakelet.inference.backend import End, Event, Text, Thought
from lakelet.inference.gateway.ollama_api import ollama_error
from lakelet.inference.gateway.replies import Reply

__all__ = ("OllamaChatReply", "OllamaTextReply", "stamp")

_FINISH = {"max_tokens": "length", "window": "length"}
_NANO = 1_000_000_000


def stamp(seconds: float | None = None) -> str:
    """A moment as this API writes it; now without one."""
    return datetime.fromtimestamp(time.time() if seconds is None else seconds, UTC).isoformat()


class OllamaChatReply(Reply):
    """An answer to a conversation."""

    media: ClassVar[str] = "application/x-ndjson"

    def told(self, event: Event) -> dict[str, Any] | None:
        """The line that tells an event; calls of tools are told whole, before the end."""
        if isinstance(event, Text):
            return self._line(self._piece(event.text, ""))
        if isinstance(event, Thought):
            return self._line(self._piece("", event.text))
        if isinstance(event, End) and self.calls:
            return self._line({"message": {"role": "assistant", "content": "", **self._calls()}})
        return None

    def closing(self, *, usage: bool) -> bytes:
        """The last line: why it ended, and what was counted."""
        return self.line(self._line({**self._piece("", ""), **self._ended()}, done=True))

    def whole(self) -> dict[str, Any]:
        """The whole answer."""
        told = self._piece(self.text, self.thought)
        if self.calls:
            told["message"] |= self._calls()
        return self._line({**told, **self._ended()}, done=True)

    @staticmethod
    def line(told: Any) -> bytes:
        """A line of the stream."""
        return json.dumps(told, ensure_ascii=False).encode() + b"\n"

    @staticmethod
    def error(error: LakeletError) -> tuple[int, dict[str, Any]]:
        """Status and body of an error."""
        return ollama_error(error)

    def _piece(self, text: str, thought: str) -> dict[str, Any]:
        message = {"role": "assistant", "content": text}
        if thought:
            message["thinking"] = thought
        return {"message": message}

    def _calls(self) -> dict[str, Any]:
        """The calls of tools whose arguments can be read; the others are told in ``lakelet``."""
        faults = self.facts.get("call_faults", {})
        return {"tool_calls": [
            {"function": {"name": call["name"], "arguments": json.loads(call["arguments"] or "{}")}}
            for number, call in sorted(self.calls.items()) if str(number) not in faults
        ]}  # fmt: skip

    def _line(self, told: dict[str, Any], *, done: bool = False) -> dict[str, Any]:
        return {"model": self.model, "created_at": stamp(), **told, "done": done}

    def _ended(self) -> dict[str, Any]:
        begun = self.times["begun"]
        first, ended = self.times.get("first", begun), self.times.get("ended", time.monotonic())
        total = time.time() - self.created
        return {
            "done_reason": _FINISH.get(self.reason, "stop"), "total_duration": int(total * _NANO),
            "load_duration": 0, "prompt_eval_count": self.usage.prompt or 0,
            "prompt_eval_duration": int((first - begun) * _NANO),
            "eval_count": self.usage.generated or 0,
            "eval_duration": int((ended - first) * _NANO), "lakelet": self.facts,
        }  # fmt: skip


class OllamaTextReply(OllamaChatReply):
    """An answer to a text, or what it goes on with."""

    def told(self, event: Event) -> dict[str, Any] | None:
        """The line that tells an event."""
        return None if isinstance(event, End) else super().told(event)

    def _piece(self, text: str, thought: str) -> dict[str, Any]:
        return {"response": text, **({"thinking": thought} if thought else {})}

    def whole(self) -> dict[str, Any]:
        """The whole answer."""
        told = self._piece(self.text, self.thought)
        return self._line({**told, **self._ended()}, done=True)
