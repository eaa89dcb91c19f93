"""The engine host's process: asked over loopback by who shows its key, ended when it is idle.

A turn is a connection: it is answered with lines of JSON that say how long it takes, and at last
where the engine is; the turn lasts until who asked closes the connection, or dies.
"""

from __future__ import annotations

import hmac
import json
import os
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lakelet.errors import LakeletError
from lakelet.inference.host.engines import Engines, Wanted
from lakelet.inference.host.place import Address, HostPlace
from lakelet.models import Model, ModelStore
from lakelet.workspace.locks import try_hold

__all__ = ("main",)

_LINGER = 10.0
"""Seconds without a model and without a connection after which the host ends."""
_LONGEST = 1 << 20


class _Host(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # who comes at once with many others is not turned away

    def __init__(self, place: HostPlace, store: ModelStore, keep: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.store = store
        self.engines = Engines(place)
        self.keep = keep
        self.address: Address = place.say(f"http://127.0.0.1:{self.server_address[1]}")
        self.connections = 0
        self.asked = time.monotonic()
        self.counting = threading.Lock()

    def watch(self) -> None:
        """Let go of what is idle; end when nothing is left."""
        while True:
            time.sleep(0.5)
            self.engines.let_go(self.keep)
            with self.counting:
                idle = not self.connections and time.monotonic() - self.asked > _LINGER
            if idle and not self.engines.loaded and not self.engines.loading:
                self.shutdown()
                return


class _Handler(BaseHTTPRequestHandler):
    server: _Host
    disable_nagle_algorithm = True  # lines are short, and each is waited for
    timeout = 30  # for who begins to ask and does not go on

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is there
        """Say nothing."""

    def handle(self) -> None:
        with self.server.counting:
            self.server.connections += 1
        try:
            with suppress(ConnectionError, TimeoutError):
                super().handle()
        finally:
            with self.server.counting:
                self.server.connections -= 1
                self.server.asked = time.monotonic()

    def let_in(self) -> bool:
        shown = self.headers.get("authorization", "")
        wanted = f"Bearer {self.server.address.key}"
        host = self.headers.get("host", "")
        own = self.server.address.url.removeprefix("http://")
        if hmac.compare_digest(shown.encode(), wanted.encode()) and host == own:
            return True
        self.answer(401, {"error": {"message": "the key of the engine host is another one."}})
        return False

    def answer(self, status: int, told: Any) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        if not self.let_in():
            return
        if self.path == "/ps":
            self.answer(200, self.server.engines.told(self.server.keep))
        else:
            self.answer(404, {"error": {"message": "there is nothing at this address."}})

    def do_POST(self) -> None:
        if not self.let_in():
            return
        length = self.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > _LONGEST:
            self.answer(413, {"error": {"message": "too long."}})
            return
        try:
            asked = json.loads(self.rfile.read(int(length)) or b"{}")
            if self.path == "/unload":
                self.answer(200, self.server.engines.unload(asked.get("name")))
            elif self.path == "/hung":
                self.server.engines.hung(str(asked["identity"]), str(asked["said"]))
                self.answer(200, None)
            elif self.path == "/turn":
                self.turn(asked)
            else:
                self.answer(404, {"error": {"message": "there is nothing at this address."}})
        except LakeletError as error:
            self.answer(409, _told(error))
        except (ValueError, TypeError, KeyError) as error:
            self.answer(400, {"error": {"message": f"this is not to be read: {error!r}"}})

    def turn(self, asked: dict[str, Any]) -> None:
        wanted = Wanted(
            Model.of_record(asked["model"]), asked.get("window"), asked.get("slots", 1),
            asked.get("raw", False), str(asked.get("client", "")), asked.get("keep"),
            str(asked.get("server", "")),
        )  # fmt: skip
        self.send_response(200)
        self.send_header("content-type", "application/x-ndjson")
        self.end_headers()
        self.close_connection = True

        def tell(place: int) -> None:
            self.line({"waiting": place})

        try:
            with self.server.engines.turn(wanted, tell) as engine:
                self.line({
                    "turn": {"address": engine.process.address, "key": engine.process.key,
                             "window": engine.window, "slots": engine.slots},
                })  # fmt: skip
                self.connection.settimeout(None)
                with suppress(OSError):
                    self.rfile.read(1)  # nothing comes: it returns when the other side closes
        except LakeletError as error:
            self.line(_told(error))

    def line(self, told: Any) -> None:
        self.wfile.write(json.dumps(told).encode() + b"\n")
        self.wfile.flush()


def _told(error: LakeletError) -> dict[str, Any]:
    return {"error": {"message": error.message, "hint": error.hint, "kind": type(error).__name__}}


def main() -> None:
    """Leave a host of a store behind, that runs until it is idle; where one runs, nothing is done.

    Returns when it can be asked.
    """
    root, keep = Path(sys.argv[1]), float(sys.argv[2])
    ready, told = os.pipe()
    if os.fork():
        os.close(told)
        os.read(ready, 1)  # nothing comes where the host ends at once
        os._exit(0)
    os.close(ready)
    os.setsid()
    _run(root, keep, told)


def _run(root: Path, keep: float, told: int) -> None:
    place = HostPlace(root)
    place.make()
    with try_hold(place.lock) as ours:
        if not ours:
            return
        place.forget()  # what a host that was killed said
        host = _Host(place, ModelStore(root), keep)
        os.write(told, b"1")
        os.close(told)
        threading.Thread(target=host.watch, daemon=True).start()
        try:
            host.serve_forever(poll_interval=0.2)
        finally:
            place.forget()
            host.engines.close()


if __name__ == "__main__":
    main()
