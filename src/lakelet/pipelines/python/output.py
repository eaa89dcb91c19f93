"""What a child prints, told in pieces as it comes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import IO

__all__ = ("Output",)

_PIECE = 16 << 10
_MOST = 1 << 20
_TOGETHER = 0.2


class Output:
    """A thread that reads what is printed; so that no print ever blocks.

    Lines that come together are told together, and no more than 1 MiB of them: what is told is
    kept for good.
    """

    def __init__(self, stream: IO[bytes], said: Callable[[str], None]) -> None:
        self._stream = stream
        self._said = said
        self._told = 0
        self._left_out = 0
        self._thread = threading.Thread(target=self._read, name="lakelet-output", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until all is told."""
        self._thread.join()

    def _read(self) -> None:
        held = b""
        last = time.monotonic()
        while piece := os.read(self._stream.fileno(), _PIECE):
            held += piece
            whole, newline, rest = held.rpartition(b"\n")
            if len(held) > _PIECE and not newline:
                whole, rest = held, b""
            if whole and (time.monotonic() - last > _TOGETHER or len(held) > _PIECE):
                self._tell(whole)
                held, last = rest, time.monotonic()
        self._tell(held)
        if self._left_out:
            self._said(f"… and {self._left_out} bytes more, which are not kept.")

    def _tell(self, text: bytes) -> None:
        shown = text.decode("utf-8", "replace").rstrip("\n")
        if not shown.strip():
            return
        if self._told + len(text) > _MOST:
            self._left_out += len(text)
            return
        self._told += len(text)
        self._said(shown)
