"""Servers on this machine for this machine: where they listen, and what they may be called."""

from __future__ import annotations

import socket

from lakelet.errors import CommandError

__all__ = ("allowed_hosts", "listen_on_loopback")


def allowed_hosts(port: int) -> frozenset[str]:
    """The names under which a server on this machine is asked at a port."""
    return frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))


def listen_on_loopback(port: int) -> socket.socket:
    """A socket that listens on 127.0.0.1.

    Args:
        port: where; 0 for any that is free.

    Raises:
        CommandError: the port is taken.
    """
    # With the protocol named, asyncio sends what it is given at once; otherwise an answer's body
    # would wait 40 ms for the browser to acknowledge its head.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise CommandError(
            f"the port {port} of this machine cannot be used ({error.strerror}); "
            "nothing was started.",
            hint="another `lakelet up` or gateway may be running; --port 0 takes one that is free.",
        ) from None
    listening.listen(128)
    return listening
