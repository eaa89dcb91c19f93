"""Ctrl-C while DuckDB is at work.

Python runs a signal's handler between two of its own instructions, of which there are none while a
query runs. The number of the signal, though, reaches a file descriptor at once; a thread that
reads from it tells the connections at work to stop, and the main thread comes back to Python.

Source: Python's ``signal`` module, "Execution of Python signal handlers" and ``set_wakeup_fd``.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol
from weakref import WeakSet

__all__ = ("asking_first", "interrupt_queries", "on_ctrl_c", "stoppable")


class _Stoppable(Protocol):
    def interrupt(self) -> None: ...


# A query that begins between the signal and its handler is told to stop as well.
_TIMES, _PAUSE = 5, 0.05
_lock = threading.Lock()
_connections: WeakSet[_Stoppable] = WeakSet()
_asking = 0


def stoppable(connection: _Stoppable) -> None:
    """Let `interrupt_queries` stop what a connection or cursor runs, as long as it is there."""
    with _lock:
        _connections.add(connection)


def interrupt_queries() -> None:
    """Stop the queries that run in this process, those of other threads too."""
    with _lock:
        connections = list(_connections)
    for connection in connections:
        # One that was closed meanwhile runs nothing; what a driver calls that is its own affair.
        with suppress(Exception):
            connection.interrupt()


@contextmanager
def on_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C stop queries while the body runs, in the main thread of a command.

    Yields:
        Whether queries were told to stop: what fails from then on fails for that reason.
    """
    global _asking
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    stopped = threading.Event()

    def listen() -> None:
        global _asking
        while number := os.read(reading, 1):
            if number[0] != signal.SIGINT:
                continue
            if _asking:
                _asking -= 1
                continue
            stopped.set()
            for _ in range(_TIMES):
                interrupt_queries()
                time.sleep(_PAUSE)
        os.close(reading)

    def handle(_signal: int, _frame: object) -> None:
        # DuckDB may ask for signals itself, and say in its own way that it was interrupted.
        stopped.set()
        raise KeyboardInterrupt

    threading.Thread(target=listen, name="lakelet-ctrl-c", daemon=True).start()
    told = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:  # else a shell lets the process ignore it
        signal.signal(signal.SIGINT, handle)
    try:
        yield stopped.is_set
    finally:
        signal.signal(signal.SIGINT, handler)
        signal.set_wakeup_fd(told)
        os.close(writing)


@contextmanager
def asking_first() -> Iterator[None]:
    """Let the next Ctrl-C only ask, whoever handles it; the one after it stops queries."""
    global _asking
    _asking = 1
    try:
        yield
    finally:
        _asking = 0
