"""An answer of a model on its way to a page: a thread that listens to it, told piece by piece.

A page that leaves ends the answer; what had come of it is kept.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from typing import Any

from lakelet.errors import LakeletError, OverflowingError
from lakelet.inference import Answer, Begun, Loaded, Text, Thought, Waiting
from lakelet.inference.metering import Meter
from lakelet.session.talking import Talking
from lakelet.web.failure import RequestError

__all__ = ("Talk",)


class Talk:
    """One thing said, and what is answered.

    Args:
        begin: begins or goes on with the conversation; called in the thread that listens.
        text: what is said.
    """

    def __init__(self, begin: Callable[[], Talking], text: str) -> None:
        self._begin = begin
        self._text = text
        self._talking: Talking | None = None
        self._left = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._told: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._thread = threading.Thread(target=self._run, name="lakelet talk", daemon=True)

    async def lines(self) -> AsyncIterator[bytes]:
        """What happens, as it happens: an object of JSON a line."""
        self._thread.start()
        try:
            while (told := await self._told.get()) is not None:
                yield json.dumps(told, ensure_ascii=False).encode() + b"\n"
        finally:
            self.stop()

    def stop(self) -> None:
        """End the answer, if it comes yet."""
        self._left.set()
        if self._talking is not None:
            self._talking.stop()

    def _run(self) -> None:
        try:
            self._talking = self._begin()
            if self._left.is_set():
                return
            self._tell(_ended(self._talking, self._talking.say(self._text, self._hear)))
        except OverflowingError as error:
            self._tell({"kind": "failed", "message": error.message, "hint": self._way_out(error),
                        "id": self._talking.id if self._talking else ""})  # fmt: skip
        except (LakeletError, RequestError) as error:
            self._tell({"kind": "failed", "message": error.message, "hint": error.hint or "",
                        "id": self._talking.id if self._talking else ""})  # fmt: skip
        except Exception as error:
            message = f"the answer broke off ({type(error).__name__}: {error})."
            self._tell({"kind": "failed", "hint": "", "id": "", "message": message})
        finally:
            self._tell(None)

    def _way_out(self, error: OverflowingError) -> str:
        """What can be done where it does not fit: only what would help."""
        ways = ["Shorten it"]
        talking = self._talking
        if talking is not None and error.window < talking.largest_window:
            ways.append("give a larger window under How")
        if talking is not None and any(one.role == "user" for one in talking.messages):
            if talking.overflow == "fail":
                ways.append("let the oldest turns be left out, under How")
            ways.append("begin a new conversation")
        return ", or ".join(ways) + "."

    def _hear(self, event: object) -> None:
        if self._left.is_set() and self._talking is not None:
            self._talking.stop()  # it was stopped before it was said
        if isinstance(event, Waiting):
            self._tell({"kind": "waiting", "place": event.place})
        elif isinstance(event, Loaded):
            self._tell({"kind": "loaded", "window": event.window})
        elif isinstance(event, Begun):
            assert self._talking is not None
            self._tell({"kind": "begun", "id": self._talking.id, "count": str(event.count)})
        elif isinstance(event, Meter):
            self._tell({"kind": "meter", **asdict(event)})
        elif isinstance(event, Thought):
            self._tell({"kind": "thought", "text": event.text})
        elif isinstance(event, Text):
            self._tell({"kind": "text", "text": event.text})

    def _tell(self, what: dict[str, Any] | None) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._told.put_nowait, what)


def _ended(talking: Talking, answer: Answer) -> dict[str, Any]:
    usage = answer.usage
    return {
        "kind": "ended", "id": talking.id, "messages": len(talking.messages),
        "reason": answer.reason, "prompt": usage.prompt, "generated": usage.generated,
        "cached": usage.cached, "per_second": usage.generated_per_second,
        "window": answer.window, "dropped": answer.dropped, "wrong": answer.wrong,
        "lowered": answer.room.lowered, "text": answer.text, "thought": answer.thought,
        "notes": answer.notes,
    }  # fmt: skip
