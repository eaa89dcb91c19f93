"""Serving the web interface from one process on this machine."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio.to_thread
import uvicorn

from lakelet.web.app import create_app
from lakelet.web.connections import Connection
from lakelet.web.guard import PORT
from lakelet.web.scheduling import scheduling
from lakelet.workspace.loopback import allowed_hosts, listen_on_loopback

__all__ = ("end_workers", "serve")

_ENDING = 10.0
_THREADS = 8
"""Pages that are made at once; each may hold a table's rows for a moment."""


def serve(root: Path, *, port: int = PORT, ready: Callable[[str], None]) -> None:
    """Serve a workspace until it is interrupted.

    Args:
        root: the workspace's folder.
        port: where to listen on 127.0.0.1; 0 for any that is free.
        ready: told the address once it can be asked.

    Raises:
        CommandError: the port is taken.
    """
    listening = listen_on_loopback(port)
    port = listening.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"
    app = create_app(root, allowed_hosts(port), ending=lambda: server.should_exit)

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
            ready(address)

    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, lifespan="off",
        timeout_keep_alive=30, timeout_graceful_shutdown=3, http=Connection, ws="none",
        loop="asyncio", h11_max_incomplete_event_size=65536,
    )  # fmt: skip
    server = Server(config)
    with scheduling(root), _ended_by_sigterm():
        try:
            server.run([listening])
        finally:
            app.runs.close()
    end_workers()


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the body as an error does, so that what was begun is ended with it.

    uvicorn ends well when it is told to, and then raises the signal again: without a handler of our
    own that would end Python at once, and leave workers and the scheduler behind.
    """

    def end(_number: int, _frame: object) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def end_workers() -> None:
    """Wait for the threads that made pages: one that ends after Python does takes it down."""
    for thread in threading.enumerate():
        if thread.name.startswith("AnyIO worker"):
            thread.join(_ENDING)
