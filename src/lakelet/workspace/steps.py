"""Named steps: the one seam through which Lakelet changes anything on disk or in a bucket.

Whatever writes, renames, deletes or commits happens inside ``with step(NAME)``, where ``NAME`` was
declared at import. The names are the crash tests' list: a test kills a process before and after
each of them, and makes the N-th of them fail. ``tools/house_rules.py`` fails the build when code
changes something outside a step.

The environment variable ``LAKELET_FAULT`` turns a fault on, for tests only:
``kill:before:NAME`` and ``kill:after:NAME`` (each with an optional ``:COUNT``, the how-manieth
time), ``fail:COUNT:full`` and ``fail:COUNT:unreachable``, ``trace:FILE``.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lakelet.errors import LakeletError, StorageError

__all__ = (
    "Step",
    "declare",
    "declared",
    "make_folder",
    "remove_tree",
    "rename_folder",
    "step",
    "write_file",
)


@dataclass(frozen=True, slots=True)
class Step:
    """A place at which the state on disk changes.

    Attributes:
        name: ``area.what``, unique.
        meaning: what is true after it that was not before.
    """

    name: str
    meaning: str


_declared: dict[str, Step] = {}


def declare(name: str, meaning: str) -> Step:
    """Declare a step at import time; its name joins the crash tests' list."""
    if name in _declared:
        raise ValueError(f"the step {name} is declared twice")
    found = _declared[name] = Step(name, meaning)
    return found


def declared() -> dict[str, Step]:
    """All steps declared by the modules imported so far, by name."""
    return dict(_declared)


class _Fault:
    """What ``LAKELET_FAULT`` asks for, with its own count of the steps seen."""

    def __init__(self, text: str) -> None:
        kind, _, rest = text.partition(":")
        self.kind = kind
        self.rest = rest.split(":")
        self.seen = 0

    def reached(self, moment: str, name: str) -> None:
        if self.kind == "trace":
            with Path(self.rest[0]).open("a", encoding="utf-8") as trace:
                trace.write(f"{moment} {name}\n")
        elif self.kind == "kill" and self.rest[:2] == [moment, name]:
            self.seen += 1
            if self.seen == int(self.rest[2] if len(self.rest) > 2 else 1):
                os.kill(os.getpid(), signal.SIGKILL)
        elif self.kind == "fail" and moment == "before":
            self.seen += 1
            if self.seen == int(self.rest[0]):
                raise _failure(self.rest[1])


def _failure(kind: str) -> OSError:
    if kind == "full":
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return ConnectionError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))


_fault = _Fault(os.environ["LAKELET_FAULT"]) if "LAKELET_FAULT" in os.environ else None


@contextmanager
def step(which: Step) -> Iterator[None]:
    """The body changes something, and is known by the name of ``which``.

    Raises:
        StorageError: the disk or bucket said no; the change was not made.
    """
    try:
        if _fault is not None:
            _fault.reached("before", which.name)
        yield
    except LakeletError:
        raise
    except OSError as error:
        raise _refused(which, error) from error
    if _fault is not None:
        _fault.reached("after", which.name)


def _refused(which: Step, error: OSError) -> StorageError:
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(
            f"no space left{where}; it did not come about that {which.meaning}. "
            "What was committed before stays.",
            hint="free some space, then run the same command again.",
        )
    return StorageError(
        f"{error.strerror or error}{where}; it did not come about that {which.meaning}. "
        "What was committed before stays.",
        hint="when the cause is gone, run the same command again.",
    )


def write_file(which: Step, path: Path, data: bytes) -> None:
    """Write a whole file so that it is there completely or not at all.

    The bytes go to a neighbour that is renamed over ``path``; both file and folder are flushed.
    """
    with step(which):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def make_folder(which: Step, path: Path) -> None:
    """Create a folder and its parents; one that is there already is left as it is."""
    with step(which):
        path.mkdir(parents=True, exist_ok=True)


def rename_folder(which: Step, old: Path, new: Path) -> None:
    """Give a folder another name on the same disk, in one step.

    An empty folder of the new name is taken over; one with something in it is an error.
    """
    with step(which):
        new.parent.mkdir(parents=True, exist_ok=True)
        old.rename(new)


def remove_tree(which: Step, path: Path) -> None:
    """Remove a file, or a folder with all that is in it; what is not there is no error."""
    with step(which):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
