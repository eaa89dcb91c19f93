"""One request on its way through an engine: a thread that waits and reads, and who listens to it.

The engine is asked in a thread of its own; what it says comes to the listener in order. A listener
who leaves ends the thread's wait at once, and with it the engine's work.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

from lakelet.errors import EngineError, LakeletError
from lakelet.inference.backend import Backend, Conversation, End, Event, Loaded, Sampling
from lakelet.inference.counting import Count, Room, bounded, ended_by, room_for
from lakelet.inference.policy import with_policy
from lakelet.models import Model

__all__ = ("Begun", "Relay")


@dataclass(frozen=True)
class Begun:
    """A request that fits, and is sent.

    Attributes:
        count: of the prompt.
        room: what is left for the answer.
        window: tokens of prompt and answer together.
    """

    count: Count
    room: Room
    window: int


class Relay:
    """A request on its way.

    Args:
        backend: the engine, for this request alone.
        model: the model.
        conversation: what to go on with; old thoughts as a client sent them.
        sampling: how.
        window: tokens of the conversation; the most that memory allows without it.
    """

    def __init__(
        self, backend: Backend, model: Model, conversation: Conversation, sampling: Sampling,
        window: int | None = None,
    ) -> None:  # fmt: skip
        self.backend = backend
        self.model = model
        thinking = model.card.thinking
        messages = with_policy(conversation.messages, thinking)
        self.conversation = replace(conversation, messages=messages)
        self.sampling = sampling
        self.window = window
        self.left = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._told: asyncio.Queue[Any] = asyncio.Queue()
        self._thread = threading.Thread(target=self._run, name="lakelet relay", daemon=True)

    async def begin(self) -> Begun:
        """Send the request; it is loaded, counted, and found to fit by then.

        Raises:
            LakeletError: it does not fit, the model does not load; nothing was sent.
        """
        self._thread.start()
        told = await self._told.get()
        if isinstance(told, LakeletError):
            raise told
        assert isinstance(told, Begun)
        return told

    async def events(self) -> AsyncIterator[Event]:
        """What the engine says, to its end.

        Raises:
            LakeletError: the engine broke off.
        """
        while (told := await self._told.get()) is not None:
            if isinstance(told, LakeletError):
                raise told
            yield told

    def leave(self) -> None:
        """Listen no more: what is waited for, or being said, ends."""
        self.left.set()
        self.backend.abort()

    def _run(self) -> None:
        try:
            window = loaded = 0
            for event in self.backend.load(self.model.name, context=self.window):
                if self.left.is_set():
                    return
                if isinstance(event, Loaded):
                    loaded = event.window
                    window = min(loaded, self.window or loaded)
            begun = self._fitting(window)
            room = begun.room
            self._tell(begun)
            # Without a number the engine goes on to its window's end, which may be farther than
            # what bytes alone are sure of.
            own = begun.count.grade == "bounded" and window == loaded
            most = self.sampling.max_tokens if own else room.tokens
            asked = replace(self.sampling, max_tokens=most)
            for one in self.backend.chat(self.conversation, asked):
                if self.left.is_set():
                    return
                if isinstance(one, End):
                    one = End(ended_by(one.reason, room, self.sampling.max_tokens))
                self._tell(one)
            self._tell(None)
        except LakeletError as error:
            self._tell(error)
        except Exception as error:
            self._tell(EngineError(f"the answer broke off ({type(error).__name__}: {error})."))
        finally:
            self.backend.close()

    def _fitting(self, window: int) -> Begun:
        """The prompt's count and the room it leaves; no count is asked for where bytes suffice."""
        most = self.sampling.max_tokens
        sure = bounded(self.backend.render(self.conversation), window, most)
        if sure is not None:
            return Begun(*sure, window)
        count = self.backend.count(self.conversation)
        return Begun(count, room_for(count, window, most), window)

    def _tell(self, what: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._told.put_nowait, what)
