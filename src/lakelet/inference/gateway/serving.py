"""Serving the gateway by itself: `lakelet gateway`."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress

from lakelet.errors import MissingExtraError
from lakelet.inference.gateway.app import create_gateway
from lakelet.inference.gateway.offered import Offered
from lakelet.workspace.loopback import allowed_hosts, listen_on_loopback

__all__ = ("PORT", "serve_gateway")

PORT = 8321
"""Where the gateway is found unless told otherwise."""


def serve_gateway(offered: Offered, *, port: int = PORT, ready: Callable[[str], None]) -> None:
    """Serve models until it is interrupted.

    Args:
        offered: the models, and what runs them.
        port: where to listen on 127.0.0.1; 0 for any that is free.
        ready: told the address once it can be asked.

    Raises:
        CommandError: the port is taken.
        MissingExtraError: a server's packages are not installed.
    """
    try:
        import uvicorn
    except ImportError:
        raise MissingExtraError.needs("models", "the gateway") from None
    listening = listen_on_loopback(port)
    port = listening.getsockname()[1]
    app = create_gateway(offered, allowed_hosts(port))

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready(f"http://127.0.0.1:{port}/v1")

    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, lifespan="off",
        timeout_keep_alive=30, timeout_graceful_shutdown=3, ws="none", loop="asyncio",
    )  # fmt: skip
    with suppress(KeyboardInterrupt):  # which is how a person ends it
        Server(config).run([listening])
