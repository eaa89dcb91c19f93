"""Statements that pages asked for: waiting, running in one of two processes, or done.

Two run at once, the others wait in the order in which they came, and are told how many are before
them. One that is cancelled is told to stop, and its process is killed where it does not within less
than a second. What is done is kept while there is room, the newest longest.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lakelet.errors import CommandError
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.folder import ASKED_FROM
from lakelet.workspace.processes import is_alive
from lakelet.workspace.steps import declare, remove_tree

__all__ = ("Run", "Runs")

_SWEEP = declare("runs.sweep", "results of pages that nobody looks at any more are gone")
_WORKERS = 2
_MOST_WAITING = 100
_MOST_KEPT = 200
_MOST_BYTES = 8 << 30
_STOPS_SECONDS = 0.7
"""How long a statement that is cancelled may take to stop before its process is killed."""


@dataclass
class Run:
    """A statement on its way.

    Attributes:
        id: its name.
        text: the statement.
        job: what its process is asked.
        state: ``waiting``, ``running``, ``finished``, ``failed``, ``cancelled``.
        before: how many are before it, while it waits.
        facts: what its process told so far.
        began: when it was asked for.
        number: how often something of it changed.
    """

    id: str
    text: str
    job: dict[str, Any]
    path: Path
    state: str = "waiting"
    before: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    began: float = field(default_factory=time.time)
    started: float | None = None
    number: int = 0
    pinned: int = 0

    def told(self) -> dict[str, Any]:
        """What a page is told of it."""
        seconds = self.facts.get("seconds")
        if seconds is None and self.started is not None:
            seconds = time.monotonic() - self.started
        return {
            "id": self.id, "text": self.text, "state": self.state, "before": self.before,
            "number": self.number, "seconds": seconds,
            "columns": self.facts.get("columns", []), "rows": self.facts.get("rows", 0),
            "first": self.facts.get("first", []), "warnings": self.facts.get("warnings", []),
            "plan": self.facts.get("plan"),
            "error": self.facts.get("error"), "hint": self.facts.get("hint"),
            "word": self.facts.get("word", ""), "stored": bool(self.facts.get("stored")),
        }  # fmt: skip

    @property
    def over(self) -> bool:
        """Whether it is done, in whatever way."""
        return self.state in ("finished", "failed", "cancelled")


class Runs:
    """The statements of all pages of a server."""

    def __init__(self, folder: WorkspaceFolder) -> None:
        self.folder = folder
        self.place = folder.private / "results" / str(os.getpid())
        self._lock = threading.RLock()
        self._runs: dict[str, Run] = {}
        self._waiting: list[Run] = []
        self._workers: list[_Worker] = []
        self._closed = False
        self._watchers: set[Callable[[], None]] = set()

    def begin(
        self,
        text: str,
        params: Mapping[str, Any],
        *,
        at: str = "",
        dialect: str = "",
        plan: bool = False,
    ) -> Run:
        """Run a statement, now or when it is its turn.

        Args:
            text: the statement.
            params: values of its markers by name.
            at: the moment as of which it reads.
            dialect: whose SQL it is; '' for the workspace's.
            plan: whether it is run for its plan, with rows and seconds of each step.

        Raises:
            CommandError: too many are waiting.
        """
        return self._enter(text, {"text": text, "params": dict(params), "at": at,
                                  "dialect": dialect, "plan": plan})  # fmt: skip

    def derive(
        self, run: Run, sort: Sequence[tuple[int, bool]], filters: Sequence[tuple[int, str, str]]
    ) -> Run:
        """Sort and filter the result of a statement, as a result of its own."""
        names = [column["name"] for column in run.facts["columns"]]
        asked = {"source": str(run.path), "names": names, "sort": list(sort),
                 "filters": list(filters)}  # fmt: skip
        return self._enter(run.text, {"derive": asked}, pins=run)

    def _enter(self, text: str, job: dict[str, Any], pins: Run | None = None) -> Run:
        with self._lock:
            if len(self._waiting) >= _MOST_WAITING:
                raise CommandError(
                    f"{_MOST_WAITING} statements are waiting already; this one was not taken.",
                    hint="cancel some, or wait for them.",
                )
            name = uuid.uuid4().hex
            path = self.place / f"{name}.duckdb"
            run = Run(name, text, {**job, "run": name, "result": str(path)}, path)
            if pins is not None:
                pins.pinned += 1
            self._runs[name] = run
            self._waiting.append(run)
            self._forget()
            self._next()
        return run

    def find(self, name: str) -> Run | None:
        """The statement of a name, if it is still known."""
        with self._lock:
            found = self._runs.pop(name, None)
            if found is not None:  # looked at last, forgotten last
                self._runs[name] = found
            return found

    def cancel(self, run: Run) -> None:
        """Stop a statement; one that waits is not begun."""
        with self._lock:
            if run in self._waiting:
                self._waiting.remove(run)
                self._over(run, {"state": "cancelled"})
                self._next()
                return
            worker = next((one for one in self._workers if one.run is run), None)
        if worker is not None:
            worker.stop()

    def running(self) -> list[Run]:
        """What waits or runs, in order."""
        with self._lock:
            return [run for run in self._runs.values() if not run.over]

    async def changed(self, run: Run, number: int, seconds: float) -> None:
        """Wait until something of a statement has changed since, or some time has passed."""
        loop = asyncio.get_running_loop()
        event = asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(event.set)

        with self._lock:
            self._watchers.add(wake)
        try:
            until = loop.time() + seconds
            while run.number <= number and not run.over and loop.time() < until:
                event.clear()
                if run.number > number:
                    break
                with suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), until - loop.time())
        finally:
            with self._lock:
                self._watchers.discard(wake)

    def sweep(self) -> None:
        """Remove results of servers that were killed."""
        for place in self.place.parent.glob("*"):
            if not (place.name.isdigit() and is_alive(int(place.name))):
                remove_tree(_SWEEP, place)

    def warm(self) -> None:
        """Have a process ready for the first statement."""
        with self._lock:
            if not self._workers and not self._closed:
                self.sweep()
                self._workers.append(_Worker(self))

    def close(self) -> None:
        """End all processes, and forget all results."""
        with self._lock:
            self._closed = True
            workers, self._workers = self._workers, []
        for worker in workers:
            worker.end()
        remove_tree(_SWEEP, self.place)

    def _next(self) -> None:
        """Give waiting statements to processes that have none."""
        while self._waiting and not self._closed:
            worker = next((one for one in self._workers if one.run is None), None)
            if worker is None:
                if len(self._workers) >= _WORKERS:
                    break
                worker = _Worker(self)
                self._workers.append(worker)
            run = self._waiting.pop(0)
            run.state, run.started = "running", time.monotonic()
            worker.take(run)
            self._tell(run)
        for before, run in enumerate(self._waiting):
            if run.before != before + 1:
                run.before = before + 1
                self._tell(run)

    def _tell(self, run: Run) -> None:
        run.number += 1
        for wake in list(self._watchers):
            wake()

    def _over(self, run: Run, facts: dict[str, Any]) -> None:
        run.facts |= facts
        run.state = facts["state"]
        source = run.job.get("derive", {}).get("source")
        for other in self._runs.values():
            if source == str(other.path):
                other.pinned -= 1
        self._tell(run)

    def _forget(self) -> None:
        """Forget what was looked at longest ago, where there is too much."""
        size = 0
        kept = 0
        for run in reversed(list(self._runs.values())):
            if not run.over or run.pinned:
                continue
            kept += 1
            with suppress(OSError):
                size += run.path.stat().st_size
            if kept > _MOST_KEPT or size > _MOST_BYTES:
                del self._runs[run.id]
                remove_tree(_SWEEP, run.path)

    def told(self, worker: _Worker, facts: dict[str, Any]) -> None:
        """Take in what a process tells."""
        with self._lock:
            run = worker.run
            if run is None or facts.pop("run", None) != run.id:
                return
            if facts["state"] == "running":
                run.facts |= facts
                self._tell(run)
                return
            worker.run = None
            self._over(run, facts)
            self._next()

    def lost(self, worker: _Worker) -> None:
        """Take in that a process has ended."""
        with self._lock:
            if worker in self._workers:
                self._workers.remove(worker)
            run, worker.run = worker.run, None
            if run is not None:
                if worker.stopping:
                    self._over(run, {"state": "cancelled"})
                else:
                    said = (
                        "the process that ran it was ended from outside, most likely since it took "
                        "more memory than there is; the server and other statements go on."
                    )
                    self._over(run, {"state": "failed", "error": said,
                                     "hint": "ask for less at once."})  # fmt: skip
                for path in (run.path, run.path.with_name(f"{run.path.name}.wal")):
                    remove_tree(_SWEEP, path)
            self._next()


class _Worker:
    """A process that runs statements, and the thread that listens to it."""

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        self.run: Run | None = None
        self.stopping = self.ready = False
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lakelet.web.sql.worker", str(runs.folder.root)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
            env={**os.environ, ASKED_FROM: "page"},
        )  # fmt: skip
        self._thread = threading.Thread(target=self._listen, name="statements", daemon=True)
        self._thread.start()

    def take(self, run: Run) -> None:
        """Run a statement."""
        self.run, self.stopping = run, False
        assert self.process.stdin is not None
        with suppress(OSError, ValueError):  # whoever listens finds that it has ended
            self.process.stdin.write(json.dumps(run.job).encode() + b"\n")
            self.process.stdin.flush()

    def stop(self) -> None:
        """Stop the statement that runs; with the process, where it does not by itself."""
        run, self.stopping = self.run, True
        if not self.ready:  # it runs nothing so far that could be stopped
            self.process.kill()
            return
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGINT)

        def kill() -> None:
            if self.run is run and run is not None:
                self.process.kill()

        timer = threading.Timer(_STOPS_SECONDS, kill)
        timer.daemon = True
        timer.start()

    def end(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self._thread.join(2)

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as telling:
            for line in telling:
                facts = json.loads(line)
                self.ready = True
                if "run" in facts:
                    self.runs.told(self, facts)
        self.process.wait()
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.close()
        self.runs.lost(self)
