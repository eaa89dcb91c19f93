"""A child process in which a pipeline's Python code runs, and what it sends back.

What dies there takes nothing else down: whatever happens, the parent learns of it in one message.
The child gets an order, one line of JSON, on its standard input, which stays open: where it closes,
the parent is gone and the child ends itself. It answers by lines of JSON on one pipe and sends rows
as one Arrow IPC stream through another; what it prints comes line by line.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from lakelet.errors import PipelineError, UnreachableError
from lakelet.pipelines.python.output import Output

__all__ = ("Child", "stop_children")

_LOOK = 0.05
_MODULE = "lakelet.pipelines.python.child"
_running: set[Child] = set()


def stop_children() -> None:
    """End every child of this process: what they were doing will not be used."""
    for child in list(_running):
        child.stop("was interrupted", None)


class Child:
    """A running child.

    Attributes:
        rows: the stream of its rows.
    """

    def __init__(
        self,
        folder: Path,
        order: Mapping[str, Any],
        *,
        timeout: float | None = None,
        memory: int | None = None,
        said: Callable[[str], None] = lambda _text: None,
    ) -> None:
        """Start it.

        Args:
            folder: where it works.
            order: what it is to do.
            timeout: seconds it may take.
            memory: bytes it may hold.
            said: told what it prints.
        """
        answers, answers_in = os.pipe()
        rows, rows_in = os.pipe()
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", _MODULE, str(answers_in), str(rows_in)],
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(answers_in, rows_in),
                # A group of its own, so that what it starts ends with it.
                start_new_session=True,
            )
        finally:
            os.close(answers_in)
            os.close(rows_in)
        self.rows: BinaryIO = os.fdopen(rows, "rb")
        self._answers = os.fdopen(answers, "r", encoding="utf-8")
        self._timeout, self._memory = timeout, memory
        self._began = time.monotonic()
        self._why: tuple[str, str | None] | None = None
        assert self.process.stdout is not None
        self._output = Output(self.process.stdout, said)
        self._watch = threading.Thread(target=self._watching, name="lakelet-child", daemon=True)
        _running.add(self)
        self._watch.start()
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # what it says, or its end, tells why
            self.process.stdin.write(json.dumps(order).encode() + b"\n")
            self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Its next answer.

        Raises:
            PipelineError: its code failed, or the process ended, with what is known of it.
            UnreachableError: its code could not reach something.
        """
        line = self._answers.readline()
        if not line.endswith("\n"):
            raise self._ended()
        found: dict[str, Any] = json.loads(line)
        if "failed" in found:
            kind = UnreachableError if found.get("passing") else PipelineError
            raise kind(found["failed"], hint=found.get("hint"))
        return found

    def ended(self, within: float = 1.0) -> bool:
        """Whether it is over, or will be in a moment."""
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, what: str, hint: str | None) -> None:
        """End it, and remember why."""
        self._why = self._why or (what, hint)
        self._kill()

    def close(self) -> None:
        """End it if it still runs, and wait until all it has printed is told."""
        self._kill()
        self.process.wait()
        self._watch.join()
        self._output.join()
        for file in (self.rows, self._answers, self.process.stdin, self.process.stdout):
            if file is not None:
                with suppress(OSError):
                    file.close()
        _running.discard(self)

    def _kill(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def _ended(self) -> PipelineError:
        self.process.wait()
        if self._why is not None:
            what, hint = self._why
            return PipelineError(f"its process {what}; nothing was published.", hint=hint)
        code = self.process.returncode
        how = f"with exit status {code}"
        if code < 0:
            with suppress(ValueError):
                how = f"by the signal {signal.Signals(-code).name}"
        return PipelineError(
            f"its process ended {how} before it was done; nothing was published.",
            hint="what it printed is among the update's events of the kind output.",
        )

    def _watching(self) -> None:
        """Until it ends: neither too long nor too large. Then end what it leaves behind."""
        while self.process.poll() is None:
            taken = time.monotonic() - self._began
            if self._timeout is not None and taken > self._timeout:
                self.stop(
                    f"took longer than its timeout of {self._timeout:g} s and was stopped",
                    "give the dataset a longer timeout=, or fewer rows.",
                )
            elif self._memory is not None and (held := _held(self.process.pid)) > self._memory:
                self.stop(
                    f"held {held >> 20} MiB of memory, of {self._memory >> 20} allowed, and was "
                    "stopped",
                    "let it read .batches() and yield its rows piece by piece, or raise memory "
                    "under [resources] in lakelet.toml.",
                )
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(_LOOK)
        self._kill()


def _held(process: int) -> int:
    """Bytes of memory that a process has for itself, 0 where that cannot be told."""
    try:
        with open(f"/proc/{process}/status", encoding="ascii") as file:  # noqa: PTH123 - no file
            for line in file:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) << 10
    except (OSError, ValueError):
        return _held_by_ps(process) if sys.platform == "darwin" else 0
    return 0


def _held_by_ps(process: int) -> int:
    found = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return int(found.stdout.strip() or 0) << 10
