"""Locks between processes on one machine, freed by the kernel when a process dies.

Appends share a table's lock, everything else excludes. A second lock, the gate, is held only while
waiting, so that a writer who needs the table alone is not overtaken for ever by those who share.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lakelet.errors import LockedError
from lakelet.workspace.steps import declare, make_folder

__all__ = ("hold", "is_held", "try_hold")

_LOCK_FOLDER = declare("lock.folder", "the folder of a lock file is there")
_PAUSE = (0.002, 0.005, 0.01, 0.02, 0.05)


def _open(path: Path) -> int:
    if not path.parent.is_dir():
        make_folder(_LOCK_FOLDER, path.parent)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)


def _acquire(descriptor: int, kind: int, deadline: float) -> bool:
    attempt = 0
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE[min(attempt, len(_PAUSE) - 1)])
            attempt += 1


@contextmanager
def hold(
    path: Path, *, shared: bool = False, timeout: float = 600.0, what: str = ""
) -> Iterator[None]:
    """Hold the lock file at ``path`` for the body.

    Args:
        path: the lock file; made when missing, never removed (removing it would split the lock).
        shared: together with other holders that share, instead of alone.
        timeout: seconds to wait.
        what: what the lock guards, for the message.

    Raises:
        LockedError: another process held it for the whole of ``timeout``.
    """
    deadline = time.monotonic() + timeout
    gate, lock = _open(path.with_name(path.name + ".gate")), _open(path)
    try:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        if not (_acquire(gate, fcntl.LOCK_EX, deadline) and _acquire(lock, kind, deadline)):
            raise LockedError(
                f"{what or path} has been in use by another process for {timeout:.0f} seconds; "
                "nothing was changed.",
                hint="wait for the other load or statement to end, then try again.",
            )
        fcntl.flock(gate, fcntl.LOCK_UN)
        yield
    finally:
        os.close(lock)
        os.close(gate)


def is_held(path: Path) -> bool:
    """Whether some process holds the lock right now; nothing is made or changed."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _acquire(lock, fcntl.LOCK_EX, 0.0)
    finally:
        os.close(lock)


@contextmanager
def try_hold(path: Path) -> Iterator[bool]:
    """Hold the lock alone if nobody else has it; the body is told whether it does."""
    lock = _open(path)
    try:
        yield _acquire(lock, fcntl.LOCK_EX, 0.0)
    finally:
        os.close(lock)
