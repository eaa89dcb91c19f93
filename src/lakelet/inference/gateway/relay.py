"""One request on its way through an engine: a thread that waits and reads, and who listens to it.

The engine is asked in a thread of its own; what it says comes to the listener in order. A listener
who leaves ends the thread's wait at once, and with it the engine's work.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from lakelet.errors import CommandError, EngineError, LakeletError
from lakelet.inference.backend import (
    Backend,
    Begun,
    Conversation,
    End,
    Event,
    Loaded,
    Sampling,
    Text,
    Thought,
    Usage,
)
from lakelet.inference.control_tokens import control_tokens
from lakelet.inference.counting import bounded, differences, ended_by, room_for
from lakelet.inference.loops import LoopWatch
from lakelet.inference.policy import with_policy
from lakelet.inference.served import AnyModel

__all__ = ("Relay",)


class Relay:
    """A request on its way.

    Args:
        backend: the engine, for this request alone.
        model: the model.
        conversation: what to go on with; old thoughts as a client sent them.
        sampling: how.
        window: tokens of the conversation; the most that memory allows without it.
        stop_loops: whether an answer ends that repeats itself; otherwise it is only marked.

    Attributes:
        looped: whether the answer repeats itself without end.
        notes: what is said of the prompt.
        wrong: what is wrong with the answer though it came.
    """

    def __init__(
        self, backend: Backend, model: AnyModel, conversation: Conversation, sampling: Sampling,
        window: int | None = None, *, stop_loops: bool = False,
    ) -> None:  # fmt: skip
        self.backend = backend
        self.model = model
        thinking = model.card.thinking
        messages = with_policy(conversation.messages, thinking)
        self.conversation = replace(conversation, messages=messages)
        self.sampling = sampling
        self.window = window
        self.stop_loops = stop_loops
        self.looped = False
        self.notes: list[str] = []
        self.wrong: list[str] = []
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
            self._refuse_unseen_pictures()
            self._refuse_unseen_tools()
            begun = self._fitting(window)
            self.notes = control_tokens(self.backend, self.conversation)
            room = begun.room
            self._tell(begun)
            # Without a number the engine goes on to its window's end, which may be farther than
            # what bytes alone are sure of.
            own = begun.count.grade == "bounded" and window == loaded
            most = self.sampling.max_tokens if own else room.tokens
            asked = replace(self.sampling, max_tokens=most)
            watch = None if self.sampling.formed else LoopWatch()
            pieces = 0
            for one in self.backend.chat(self.conversation, asked):
                if self.left.is_set():
                    return
                pieces += isinstance(one, Text | Thought)
                if isinstance(one, Usage):
                    self.wrong = differences(begun.count, one.prompt, window)
                if isinstance(one, End):
                    one = End(ended_by(one.reason, room, self.sampling.max_tokens))
                if watch is not None and not self.looped and watch.looped(one):
                    self.looped = True
                self._tell(one)
                if self.looped and self.stop_loops:
                    # Who stops listening is not told what was counted; pieces are tokens.
                    count = self.backend.count(self.conversation)
                    exact = count.high if count.grade == "exact" else None
                    self._tell(Usage(exact, pieces))
                    self._tell(End("loop"))
                    break
            self._tell(None)
        except LakeletError as error:
            self._tell(error)
        except Exception as error:
            self._tell(EngineError(f"the answer broke off ({type(error).__name__}: {error})."))
        finally:
            self.backend.close()

    def _refuse_unseen_pictures(self) -> None:
        """Refuse pictures that nobody looks at, or that take nobody knows how much.

        Raises:
            CommandError: no projector belongs to the model, or its server does not say so.
        """
        if self.conversation.pictured and not self.backend.sees():
            raise CommandError(
                f"{self.model.name} takes no pictures here: no projector belongs to it, or its "
                "server does not say what one takes of the window; nothing was asked."
            )

    def _refuse_unseen_tools(self) -> None:
        """Refuse tools that a model never hears of: its engine would leave them out silently.

        Raises:
            CommandError: its template says nothing of them.
        """
        if not self.conversation.tools or self.sampling.more.get("tool_choice") == "none":
            return
        rendered = self._rendered(self.conversation)
        without = replace(self.conversation, tools=())
        if rendered is not None and rendered == self._rendered(without):
            raise CommandError(
                f"the template of {self.model.name} knows no tools: the model would never hear of "
                "them; nothing was asked."
            )

    def _rendered(self, conversation: Conversation) -> str | None:
        """The prompt as the model sees it; None where a server does not show it."""
        try:
            return self.backend.render(conversation)
        except EngineError:
            return None

    def _fitting(self, window: int) -> Begun:
        """The prompt's count and the room it leaves; no count is asked for where bytes suffice."""
        most = self.sampling.max_tokens
        rendered = None if self.conversation.pictured else self._rendered(self.conversation)
        sure = None if rendered is None else bounded(rendered, window, most)
        if sure is not None:
            return Begun(self.conversation, *sure, window)
        count = self.backend.count(self.conversation)
        return Begun(self.conversation, count, room_for(count, window, most), window)

    def _tell(self, what: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._told.put_nowait, what)
