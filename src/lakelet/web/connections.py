"""One connection to the server: what is no HTTP is refused in the one shape of errors.

Whoever never finishes to ask keeps nobody waiting, as every connection is read beside the others;
after a while it is closed all the same, so that none is held for ever.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from lakelet.web.failure import failure_response

__all__ = ("Connection",)

_ASKING_SECONDS = 30.0
"""How long somebody may take to say what they want."""


class Connection(H11Protocol):
    """HTTP/1.1, by h11."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for what is asked."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(_ASKING_SECONDS, self._give_up)

    def data_received(self, data: bytes) -> None:
        """Read on; the time begins anew with each request, not with each byte of one."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(_ASKING_SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or says too much before it says what it wants."""
        error = sys.exc_info()[1]
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        what = "this is no HTTP" if status == 400 else "the address or the headers are too long"
        answer = failure_response(
            "unfit", f"{what}; nothing was read.", "ask for a shorter address.", status=status
        )
        for name, value in ((b"connection", b"close"), (b"x-content-type-options", b"nosniff")):
            answer.raw_headers.append((name, value))
        body = bytes(answer.body)
        start = h11.Response(status_code=status, headers=answer.raw_headers)
        for event in (start, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        self.transport.close()
