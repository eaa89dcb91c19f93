"""An engine's process: started with a limit on time, asked over loopback, ended with its owner."""

from __future__ import annotations

import json
import secrets
import selectors
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lakelet.errors import EngineError, LakeletError, StalledError
from lakelet.inference.asking import Asking
from lakelet.inference.engine.flags import refuse_unfit_machine
from lakelet.workspace.steps import declare, step

__all__ = ("EngineProcess", "LoadRequest")

_LOG = declare("inference.log", "the log of an engine is begun")
LOAD_SECONDS = 300.0
"""How long a model may take to load: tens of gigabytes from a slow disk."""


@dataclass(frozen=True)
class LoadRequest:
    """What an engine is asked to load.

    Attributes:
        path: the weights.
        window: tokens of one conversation.
        slots: how many conversations at once.
        threads: that it may use.
        template: a chat template in the place of the file's own; '' for that.
        pools: whether the file says how its embeddings are pooled.
        at_once: tokens that it reads in one go.
        projector: a file by which it sees pictures or hears sound; '' for none.
        adapters: files of small weights that are added to its own.
        server: a ``llama-server`` of the user's own with its arguments; '' for the engine's own.
    """

    path: str
    window: int
    slots: int
    threads: int
    template: str = ""
    pools: bool = False
    at_once: int = 512
    projector: str = ""
    adapters: Sequence[str] = ()
    server: str = ""


class EngineProcess:
    """A model in a process of its own.

    Args:
        request: what to load.
        log: where what llama.cpp says is written.
        seconds: how long it may take to load.

    Raises:
        EngineError: it did not load, with what the engine said last.
    """

    def __init__(self, request: LoadRequest, log: Path, seconds: float = LOAD_SECONDS) -> None:
        if not request.server:
            refuse_unfit_machine()
        self.request = request
        self.log = log
        self.key = secrets.token_urlsafe(24)
        module = "own_server" if request.server else "child"
        with step(_LOG), log.open("wb") as written:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"lakelet.inference.engine.{module}"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=written, text=True,
                start_new_session=True,  # Ctrl-C is for whoever asks, not for the model
            )  # fmt: skip
        try:
            self.address = self._ready(seconds)
        except BaseException:
            self.end()
            raise

    def _ready(self, seconds: float) -> str:
        assert self.process.stdin is not None and self.process.stdout is not None
        asked = {**self.request.__dict__, "key": self.key}
        try:
            self.process.stdin.write(json.dumps(asked) + "\n")
            self.process.stdin.flush()
        except OSError:
            raise self._failed("ended at once") from None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(seconds):
                raise self._failed(f"was not ready after {seconds:.0f} seconds", StalledError)
        line = self.process.stdout.readline()
        if not line:
            self.process.wait(10)
            raise self._failed(f"ended with {self.process.returncode}")
        told = json.loads(line)
        if "error" in told:
            raise self._failed(f"said: {told['error']}")
        return str(told["address"])

    @property
    def window(self) -> int:
        """Tokens of one conversation as the engine has it, or 0 where it does not say.

        They may be fewer than were asked for: it gives no more than a model was trained with.
        """
        try:
            told = Asking(self.address, self.key, "the engine", 10.0).ask("/props")
            return int(told["default_generation_settings"]["n_ctx"])
        except (LakeletError, KeyError, TypeError, ValueError):
            return 0

    def _failed(self, what: str, kind: type[EngineError] = EngineError) -> EngineError:
        said = self.said
        return kind(
            f"the engine {what} when it loaded {self.request.path}; no model was loaded."
            + (f" It wrote: {said}" if said else ""),
            hint=f"all that it wrote is in {self.log}.",
        )

    @property
    def said(self) -> str:
        """The last line the engine wrote that says what is wrong, '' where none does."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - 8192))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return ""
        wrong = [line for line in lines if "error" in line.lower() or "failed" in line.lower()]
        return wrong[0].strip()[:300] if wrong else ""

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def kill(self) -> None:
        """End it at once: it does not listen any more."""
        self.process.kill()
        self.end()

    def end(self) -> None:
        """End it; what it holds in memory is free afterwards."""
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()
        until = time.monotonic() + 5  # a server of the user's own has two of these
        while self.alive and time.monotonic() < until:
            time.sleep(0.01)
        if self.alive:
            self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
