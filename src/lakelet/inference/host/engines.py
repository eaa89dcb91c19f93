"""The models that a host has loaded: room made for one, turns given in order, idle ones let go."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from lakelet.errors import BusyError, EngineError, LakeletError, StalledError, TemplateError
from lakelet.inference.engine.process import EngineProcess, LoadRequest
from lakelet.inference.host.fairness import in_turn
from lakelet.inference.host.place import HostPlace
from lakelet.inference.memory import (
    available_memory,
    default_window,
    estimated_memory,
    read_at_once,
)
from lakelet.inference.templates import check_template, refuse_silent
from lakelet.models import Card, Model
from lakelet.models.families import families_of
from lakelet.workspace.quantities import format_bytes
from lakelet.workspace.resources import machine_memory

__all__ = ("Engine", "Engines", "Wanted")

_NONE = "{{ messages[-1].content }}"
"""A template that nobody uses, for who goes on with a text."""
_GOING = 0.5
"""Seconds within which it is seen that somebody has gone."""


@dataclass(frozen=True)
class Wanted:
    """What somebody wants a turn with.

    Attributes:
        model: the model.
        window: tokens of the conversation; None for as many as memory allows.
        slots: how many conversations at once.
        raw: whether no template is needed.
        client: who wants it; turns go round among clients.
        keep: seconds for which it stays loaded afterwards; None for as long as others do.
        server: a ``llama-server`` of the user's own, in the engine's place; '' for the engine.
    """

    model: Model
    window: int | None = None
    slots: int = 1
    raw: bool = False
    client: str = ""
    keep: float | None = None
    server: str = ""

    @property
    def key(self) -> str:
        """By what it is known among what is loaded.

        For raw texts a model whose template is missing or broken is loaded without it.
        """
        return " ".join([self.model.identity, *["raw"] * self.raw, self.server]).strip()


class _Ticket:
    """Somebody's place among those who wait.

    Attributes:
        client: who it is.
    """

    def __init__(self, client: str) -> None:
        self.client = client


@dataclass
class Engine:
    """A loaded model.

    Attributes:
        model: the model.
        process: its engine.
        window: tokens of one conversation.
        slots: how many conversations at once.
        estimate: bytes that it was thought to take.
        turns: conversations at work.
        queue: who waits, in the order in which they came.
        served: when each client had a turn last, counted in turns.
        used: when it was last.
        keep: seconds for which it stays loaded unused; None for as long as others do.
        asked: whether its window was asked for, and is not the largest there is room for.
        names: by which it was asked; one file can have several.
    """

    model: Model
    process: EngineProcess
    window: int
    slots: int
    estimate: int
    turns: int = 0
    queue: list[_Ticket] = field(default_factory=list)
    served: dict[str, int] = field(default_factory=dict)
    used: float = field(default_factory=time.monotonic)
    keep: float | None = None
    asked: bool = False
    names: set[str] = field(default_factory=set)

    @property
    def idle(self) -> bool:
        """Whether nobody uses it or waits for it."""
        return not self.turns and not self.queue

    def before(self, ticket: _Ticket) -> int:
        """How many of those who wait are served before somebody."""
        order = in_turn([one.client for one in self.queue], self.served)
        return order.index(self.queue.index(ticket))

    def serve(self, ticket: _Ticket) -> None:
        """Give somebody the turn."""
        self.queue.remove(ticket)
        self.turns += 1
        waiting = {one.client for one in self.queue}
        count = max(self.served.values(), default=0) + 1
        # Who does not wait has no place to keep, but for this one, whose next request may come.
        self.served = {who: when for who, when in self.served.items() if who in waiting}
        self.served[ticket.client] = count

    def told(self, keep: float) -> dict[str, Any]:
        """What `lakelet models ps` says of it.

        Args:
            keep: seconds for which models stay loaded unused, where nobody said otherwise.
        """
        return {
            "name": self.model.name, "names": sorted(self.names), "digest": self.model.digest,
            "window": self.window, "slots": self.slots, "context": self.window * self.slots,
            "memory": self.estimate,
            "turns": self.turns, "waiting": len(self.queue),
            "idle_seconds": time.monotonic() - self.used if self.idle else 0.0,
            "keep_seconds": keep if self.keep is None else self.keep,
            "process": self.process.process.pid,
        }  # fmt: skip


class Engines:
    """All that is loaded.

    Args:
        place: where logs go.
        threads: that an engine may use; 0 for half of the processors.
        free: tells how many bytes are free.
        longest: how many may wait for a model.
    """

    def __init__(
        self, place: HostPlace, threads: int = 0, free: Callable[[], int] = available_memory,
        longest: int = 64,
    ) -> None:  # fmt: skip
        self.place = place
        self.longest = longest
        # The engine's threads wait for one another by spinning: more of them than cores that are
        # free, and each token takes many times as long. Half are most machines' real cores.
        self.threads = threads or max(1, (os.cpu_count() or 1) // 2)
        self.free = free
        self.changed = threading.Condition()
        self.loaded: dict[str, Engine] = {}
        self.loading: dict[str, int] = {}
        self.whole = machine_memory()

    @contextmanager
    def turn(self, wanted: Wanted, tell: Callable[[int], None]) -> Iterator[Engine]:
        """A turn with a model, loaded if it must be; others wait meanwhile, and go by turns.

        Args:
            wanted: the model, and the window.
            tell: told how many are served before, 0 while it is loaded, and asked to raise where
                who waits is gone.

        Raises:
            BusyError: too many wait for it already.
            EngineError: it does not load, or does not fit beside what is at work.
            TemplateError: its template is broken.
        """
        card = wanted.model.card
        refuse_silent(wanted.model, raw=wanted.raw)
        most = card.context or card.trained_context
        if most and (wanted.window or 0) > most:
            raise _beyond(wanted, most)  # before what is loaded makes room for it
        ticket = _Ticket(wanted.client)
        with ExitStack() as held:
            while True:
                engine = self._with_template(wanted, tell) or self._ready(wanted, tell)
                held.enter_context(self.changed)
                if any(one is engine for one in self.loaded.values()):
                    break
                held.pop_all().close()  # it was let go of between the two: once more
            if len(engine.queue) >= self.longest:
                raise BusyError(
                    f"{len(engine.queue)} wait for {wanted.model.name} already; nothing was asked.",
                    hint="try again in a moment.",
                )
            engine.queue.append(ticket)
            try:
                while engine.turns >= engine.slots or engine.before(ticket):
                    if not engine.process.alive:
                        raise EngineError(f"the engine of {wanted.model.name} has ended.")
                    tell(engine.before(ticket) + engine.turns)
                    self.changed.wait(1.0)
            except BaseException:
                engine.queue.remove(ticket)
                self.changed.notify_all()
                raise
            engine.serve(ticket)
            engine.keep = wanted.keep
            engine.names.add(wanted.model.name)
            self.changed.notify_all()
        try:
            yield engine
        finally:
            with self.changed:
                engine.turns -= 1
                engine.used = time.monotonic()
                engine.keep = wanted.keep
                self.changed.notify_all()

    def _with_template(self, wanted: Wanted, tell: Callable[[int], None]) -> Engine | None:
        """The engine of conversations for a text, so that a model is not loaded for each.

        None where there is a conversation to hold, or where its template is missing or broken.
        """
        shared = replace(wanted, raw=False)
        if wanted.raw and shared.key in self.loaded:
            return self._ready(shared, tell)
        if wanted.raw and wanted.model.card.template is not None and wanted.key not in self.loaded:
            with suppress(EngineError, TemplateError):  # a text needs no template, and is tried so
                return self._ready(shared, tell)
        return None

    def _ready(self, wanted: Wanted, tell: Callable[[int], None]) -> Engine:
        key = wanted.key
        with self.changed:
            while key in self.loading:
                tell(0)
                self.changed.wait(1.0)
            engine = self.loaded.get(key)
            if engine is not None and not engine.process.alive:
                self._end(key)
                engine = None
            if engine is not None and engine.idle and self._too_small(engine, wanted):
                self._end(key)
                engine = None
            if engine is not None and (wanted.window or 0) > engine.window:
                if not engine.idle:
                    raise EngineError(
                        f"{wanted.model.name} is at work with a window of {engine.window:,} tokens "
                        f"for others; {wanted.window:,} were asked for.",
                        hint="try again when they are done, or ask for no more than that.",
                    )
                self._end(key)
                engine = None
            if engine is not None:
                return engine
            self.loading[key] = 0
        try:
            tell(0)
            engine = self._load(wanted)
            with self.changed:
                self.loaded[key] = engine
            return engine
        finally:
            with self.changed:
                self.loading.pop(key, None)
                self.changed.notify_all()

    def _too_small(self, engine: Engine, wanted: Wanted) -> bool:
        """Whether somebody else's small window would stand in the way of who asks for none."""
        if wanted.window is not None or not engine.asked:
            return False
        free = self._left(without_idle=True)
        return default_window(wanted.model.card, free, wanted.slots) > engine.window

    def _load(self, wanted: Wanted) -> Engine:
        card = wanted.model.card
        if (said := self.place.marked(wanted.model)) and not wanted.raw:
            raise EngineError(
                f"{wanted.model.name} {said}; it is not loaded again.",
                hint=f"`lakelet models template {wanted.model.name} FILE|FAMILY` gives it another "
                f"template; `lakelet models verify {wanted.model.name}` lets it be tried again.",
            )
        if card.template is not None and not wanted.raw:
            fitting = partial(families_of, wanted.model.weights[0].path)
            check_template(card.template, whose=wanted.model.name, instead=fitting)
        window = self._window(wanted, card)
        need = estimated_memory(card, window, wanted.slots)
        if not wanted.server:  # where a server of the user's own keeps a model is not known here
            self._make_room(wanted, need)
        request = LoadRequest(
            str(wanted.model.path), window, wanted.slots, self.threads, pools=bool(card.pooling),
            at_once=read_at_once(card, window),
            template=_template_of(wanted),
            projector=next(iter(wanted.model.paths_of("projector")), ""),
            adapters=wanted.model.paths_of("adapter"), server=wanted.server,
        )  # fmt: skip
        try:
            process = EngineProcess(request, self.place.log_of(wanted.model.name))
        except StalledError as error:
            self.place.mark(wanted.model, f"hung its engine when it was loaded ({error.message})")
            raise
        real = process.window or window
        if real < window and wanted.window is not None:
            process.end()
            raise _beyond(wanted, real)
        return Engine(
            wanted.model, process, min(window, real), wanted.slots, need,
            asked=wanted.window is not None, names={wanted.model.name},
        )  # fmt: skip

    def _window(self, wanted: Wanted, card: Card) -> int:
        if wanted.window is not None:
            return wanted.window
        free = 1 << 62 if wanted.server else self._left(without_idle=True)
        window = default_window(card, free, wanted.slots)
        if not window:
            raise self._too_large(wanted.model.name, estimated_memory(card, 1), free)
        return window

    def _left(self, *, without_idle: bool = False) -> int:
        """Bytes that a model may take.

        Weights are mapped, and the kernel calls what is mapped free: so it is held against what is
        loaded, too. What is being loaded has taken nothing yet, and will. Where a server of the
        user's own keeps a model is not known.

        Args:
            without_idle: as if the models that nobody uses were let go.
        """
        with self.changed:
            here = [one for one in self.loaded.values() if not one.process.request.server]
            gone = [one for one in here if one.idle and without_idle]
            taken = sum(one.estimate for one in here) + sum(self.loading.values())
            own = sum(max(0, one.estimate - one.model.bytes) for one in gone)
            free = self.free() - sum(self.loading.values()) + own
            return min(free, self.whole - taken + sum(one.estimate for one in gone))

    def _make_room(self, wanted: Wanted, need: int) -> None:
        """Let go of idle models, the least recently used first, until another one fits."""
        with self.changed:
            while need > self._left():
                idle = [key for key, one in self.loaded.items() if one.idle]
                if not idle:
                    raise self._too_large(wanted.model.name, need, self._left())
                self._end(min(idle, key=lambda key: self.loaded[key].used))
            self.loading[wanted.key] = need

    def _too_large(self, name: str, need: int, free: int) -> LakeletError:
        busy = [one.model.name for one in self.loaded.values() if not one.idle]
        beside = f" beside {', '.join(busy)}, which is at work" if busy else ""
        return EngineError(
            f"{name} would take about {format_bytes(need)} (an estimate), and "
            f"{format_bytes(free)} are free{beside}; it was not loaded.",
            hint="a smaller --context takes less, as does a file of fewer bits per weight.",
        )

    def _end(self, key: str) -> None:
        engine = self.loaded.pop(key)
        engine.process.end()

    def unload(self, name: str | None) -> list[str]:
        """Let go of a model, or of all, that nobody uses; their names.

        Raises:
            EngineError: it is at work.
        """
        with self.changed:
            found = {k: e for k, e in self.loaded.items() if name is None or name in e.names}
            # Whoever has just gone is known to be a moment later.
            self.changed.wait_for(lambda: all(one.idle for one in found.values()), _GOING)
            found = {key: one for key, one in found.items() if self.loaded.get(key) is one}
            busy = [one.model.name for one in found.values() if not one.idle]
            if busy and name is not None:
                raise EngineError(f"{name} is at work; it was not unloaded.")
            gone = sorted({who for one in found.values() if one.idle for who in one.names})
            for key in [key for key, one in found.items() if one.idle]:
                self._end(key)
            return gone

    def hung(self, identity: str, said: str) -> None:
        """Kill the engine of a model that hangs, and remember it."""
        with self.changed:
            for key in [key for key in self.loaded if key.partition(" ")[0] == identity]:
                engine = self.loaded.pop(key)
                self.place.mark(engine.model, said)
                engine.process.kill()
                self.changed.notify_all()

    def let_go(self, keep: float) -> None:
        """Let go of what nobody used for some seconds, and of what has died."""
        with self.changed:
            now = time.monotonic()
            for key, one in list(self.loaded.items()):
                most = keep if one.keep is None else one.keep
                if not one.process.alive or (one.idle and now - one.used > most):
                    self._end(key)

    def told(self, keep: float) -> list[dict[str, Any]]:
        """What is loaded.

        Args:
            keep: seconds for which models stay loaded unused, where nobody said otherwise.
        """
        with self.changed:
            return [one.told(keep) for one in self.loaded.values()]

    def close(self) -> None:
        """Let go of everything."""
        with self.changed:
            for key in list(self.loaded):
                self._end(key)


def _beyond(wanted: Wanted, most: int) -> EngineError:
    return EngineError(
        f"{wanted.model.name} takes {most:,} tokens at most, and a window of {wanted.window:,} was "
        "asked for; it was not loaded.",
        hint=f"--context {most} is as large as it goes.",
    )


def _template_of(wanted: Wanted) -> str:
    """What an engine is given in the place of the file's own template; '' for that."""
    if wanted.raw:
        return _NONE
    return wanted.model.template.text if wanted.model.template else ""
