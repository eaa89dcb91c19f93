"""An answer on its way to a client: what has come of it. Each API's own says how it is told."""

from __future__ import annotations

import json
import time
from typing import Any, ClassVar

from lakelet.errors import LakeletError
from lakelet.inference.backend import Begun, End, Event, Text, Thought, Tool, Usage
from lakelet.inference.gateway.schemas import fault_of

__all__ = ("Reply",)


class Reply:
    """An answer, as it comes. Each API's own reply says how it is told.

    Args:
        model: which one answers.
        begun: what was sent.

    Attributes:
        facts: what Lakelet tells besides what the API knows.
        text: the answer so far.
        thought: what was thought so far.
        calls: of tools, by their number: ``id``, ``name`` and ``arguments``, a text.
        usage: what was counted.
        reason: why it ended.
        wrong: what is wrong with it though it came.
        looped: whether it repeats itself without end.
        single: whether no more than one tool is to be called.
        format: the ``response_format`` that it has to follow; None for none.
        times: seconds since the request came: ``begun``, ``first`` and ``ended``.
    """

    media: ClassVar[str] = "text/event-stream"

    def __init__(self, model: str, begun: Begun) -> None:
        self.model = model
        self.facts: dict[str, Any] = {
            "count": begun.count.grade, "prompt_tokens": begun.count.high, "window": begun.window,
            "max_tokens": begun.most, "max_tokens_lowered": begun.room.lowered,
        }  # fmt: skip
        self.created = time.time()
        self.text = ""
        self.thought = ""
        self.calls: dict[int, dict[str, str]] = {}
        self.usage = Usage(None, None)
        self.reason = "stop"
        self.looped = False
        self.format: Any = None
        self.single = False
        self.wrong: list[str] = []
        self.times: dict[str, float] = {"begun": time.monotonic()}

    def take(self, event: Event) -> Any:
        """Take an event in; what is told of it, None for nothing."""
        self.times.setdefault("first", time.monotonic())
        if isinstance(event, Text):
            self.text += event.text
        elif isinstance(event, Thought):
            self.thought += event.text
        elif isinstance(event, Tool):
            call = self.calls.setdefault(event.index, {"id": "", "name": "", "arguments": ""})
            call["id"] = call["id"] or event.id
            call["name"] += event.name
            call["arguments"] += event.arguments
        elif isinstance(event, Usage):
            self.usage = event
        elif isinstance(event, End):
            self._end(event)
        return self.told(event)

    def _end(self, event: End) -> None:
        self.times["ended"] = time.monotonic()
        self.reason = event.reason
        self.facts["ended"] = event.reason
        self.facts["repeats_itself"] = self.looped
        if self.wrong:
            self.facts["wrong"] = self.wrong
        if self.format is not None and not self.calls:
            self.facts["format_fault"] = fault_of(self.text, self.format)
        if self.calls:
            self.facts["call_faults"] = {
                str(number): fault for number, call in sorted(self.calls.items())
                if (fault := _fault(call["arguments"])) is not None
            }  # fmt: skip
            if self.single and len(self.calls) > 1:
                self.facts["warnings"] = [
                    *self.facts.get("warnings", ()),
                    f"{len(self.calls)} calls came, and parallel_tool_calls is false.",
                ]

    def begin(self) -> Any:
        """What is told before anything has come; None for nothing."""
        return None

    def told(self, event: Event) -> Any:
        """How an event is told; None where it is not."""
        raise NotImplementedError

    def closing(self, *, usage: bool) -> bytes:
        """What ends a stream that ends well.

        Args:
            usage: whether the client asked for what was counted.
        """
        raise NotImplementedError

    def whole(self) -> dict[str, Any]:
        """The whole answer."""
        raise NotImplementedError

    @staticmethod
    def line(told: Any) -> bytes:
        """A piece of a stream."""
        raise NotImplementedError

    @staticmethod
    def error(error: LakeletError) -> tuple[int, dict[str, Any]]:
        """Status and body of an error."""
        raise NotImplementedError


def _fault(arguments: str) -> str | None:
    """What is wrong with the arguments of a call; None for nothing."""
    try:
        found = json.loads(arguments or "{}")
    except (ValueError, RecursionError) as error:
        return f"they are no JSON: {error}"
    return None if isinstance(found, dict) else "they are no object"
