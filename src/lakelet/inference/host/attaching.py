"""Finding the engine host, starting it where there is none, and asking it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from lakelet import errors
from lakelet.errors import EngineError, LakeletError
from lakelet.inference.backend import Loaded, Waiting
from lakelet.inference.host.place import KEEP_SECONDS, Address, HostPlace
from lakelet.models import Model, ModelStore
from lakelet.workspace.locks import is_held
from lakelet.workspace.steps import declare, step

__all__ = ("HostClient", "Turn")

_STARTED = declare("inference.host.log", "the log of the engine host is begun")
_SECONDS = 30.0


class HostClient:
    """The engine host of a store, as who asks sees it.

    Args:
        store: the store of models.
        keep: how long a model stays loaded that nobody uses, for a host that is started.
    """

    def __init__(self, store: ModelStore, keep: float = KEEP_SECONDS) -> None:
        self.place = HostPlace(store.root)
        self.root = store.root
        self.keep = keep

    def loaded(self) -> list[dict[str, Any]]:
        """What is loaded; nothing where no host runs."""
        address = self._running()
        if address is None:
            return []
        found = self._ask(address, "GET", "/ps")
        assert isinstance(found, list)
        return found

    def unload(self, name: str | None = None) -> list[str]:
        """Let go of a model, or of all that nobody uses; their names.

        Raises:
            EngineError: it is at work.
        """
        address = self._running()
        if address is None:
            return []
        found = self._ask(address, "POST", "/unload", {"name": name})
        assert isinstance(found, list)
        return found

    def hung(self, identity: str, said: str) -> None:
        """Have the engine of a model that hangs killed, and the model marked."""
        if (address := self._running()) is not None:
            self._ask(address, "POST", "/hung", {"identity": identity, "said": said})

    def turn(
        self, model: Model, *, window: int | None = None, slots: int = 1, raw: bool = False,
        client: str = "", keep: float | None = None, server: str = "",
    ) -> Turn:  # fmt: skip
        """A turn with a model; a host is started where none runs.

        Args:
            model: the model.
            window: tokens of the conversation; the most that memory allows without it.
            slots: how many conversations at once.
            raw: whether no template is needed.
            client: who asks; this process without it.
            keep: seconds for which it stays loaded afterwards; None for as long as others do.
            server: a ``llama-server`` of the user's own, in the engine's place.
        """
        asked = {"model": model.as_record(), "window": window, "slots": slots, "raw": raw,
                 "client": client or f"process {os.getpid()}", "keep": keep,
                 "server": server}  # fmt: skip
        return Turn(self._start, model.name, asked)

    def _running(self) -> Address | None:
        return self.place.read() if is_held(self.place.lock) else None

    def _start(self) -> Address:
        """Where the host is; it is started where there is none.

        Raises:
            EngineError: it does not start.
        """
        self.place.make()
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            if (address := self._running()) is not None:
                return address
            if not is_held(self.place.lock):
                self._begin()
            time.sleep(0.05)
        raise EngineError(
            f"the engine host did not start within {_SECONDS:.0f} seconds.",
            hint=f"what it wrote is in {self.place.log}.",
        )

    def _begin(self) -> None:
        """Start a host; who does so leaves it behind, and ends when it can be asked."""
        command = [sys.executable, "-m", "lakelet.inference.host.serving"]
        with step(_STARTED), self.place.log.open("ab") as log, suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [*command, str(self.root), str(self.keep)], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, check=False, timeout=_SECONDS,
            )  # fmt: skip

    def _ask(self, address: Address, method: str, path: str, body: Any = None) -> Any:
        connected, _ = _connected(address)
        try:
            answer = _sent(connected, method, path, body)
            told = json.loads(answer.read())
        finally:
            connected[0].close()
        if answer.status != 200:
            raise _raised(told)
        return told


class Turn:
    """A turn with a model: waited for, then held until it is closed."""

    def __init__(self, start: Any, name: str, asked: dict[str, Any]) -> None:
        self._start = start
        self._name = name
        self._asked = asked
        self._answer: HTTPResponse | None = None
        self._socket: socket.socket | None = None
        self.address = ""
        self.key = ""

    def wait(self) -> Iterator[Waiting | Loaded]:
        """What it takes; the last says that the model is ready.

        Raises:
            LakeletError: as `Engines.turn` raises it.
        """
        connection, self._socket = _connected(self._start())
        self._answer = _sent(connection, "POST", "/turn", self._asked)
        for line in self._lines():
            told = json.loads(line)
            if "error" in told:
                raise _raised(told)
            if "waiting" in told:
                yield Waiting(told["waiting"])
                continue
            turn = told["turn"]
            self.address, self.key = turn["address"], turn["key"]
            yield Loaded(self._name, turn["window"], turn["slots"])
            return
        raise EngineError("the engine host ended before the model was ready.")

    def _lines(self) -> Iterator[bytes]:
        assert self._answer is not None
        try:
            # Not `yield from`: that would close the answer, and with it the turn, with this.
            for line in self._answer:  # noqa: UP028
                yield line
        except (OSError, HTTPException) as error:
            raise _silent(error) from None

    def abort(self) -> None:
        """End what another thread waits for here."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the turn back."""
        if self._answer is not None:
            self._answer.close()  # the last who holds the connection: the other side sees its end
            self._answer = None


def _connected(address: Address) -> tuple[tuple[HTTPConnection, Address], socket.socket]:
    connection = HTTPConnection(urlsplit(address.url).netloc, timeout=600)
    try:
        connection.connect()
    except OSError as error:
        raise _silent(error) from None
    return (connection, address), connection.sock


def _sent(
    connected: tuple[HTTPConnection, Address], method: str, path: str, body: Any
) -> HTTPResponse:
    connection, address = connected
    headers = {"authorization": f"Bearer {address.key}", "content-type": "application/json"}
    text = None if body is None else json.dumps(body)
    try:
        connection.request(method, path, text, headers)
        return connection.getresponse()
    except (OSError, HTTPException) as error:
        connection.close()
        raise _silent(error) from None


def _silent(error: Exception) -> EngineError:
    return EngineError(
        f"the engine host does not answer ({error}); nothing was asked of a model.",
        hint="try again: it is started anew.",
    )


def _raised(told: Any) -> LakeletError:
    """The host's error, as it was raised there."""
    error = told.get("error", {}) if isinstance(told, dict) else {}
    kind = getattr(errors, str(error.get("kind")), EngineError)
    if not (isinstance(kind, type) and issubclass(kind, LakeletError)):
        kind = EngineError
    return kind(str(error.get("message", told)), hint=error.get("hint"))
