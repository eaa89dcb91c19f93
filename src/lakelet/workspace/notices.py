"""Notices: how lower layers speak upwards, to whoever listens while it happens.

A layer that reads a table or a file says so with `tell`; runs listen. Where nobody does, which is
nearly always, a notice costs a look into an empty dictionary. Listeners belong to a workspace's
folder, not to one object, so that a second ``lakelet.open`` of it is heard too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lakelet.workspace.folder import WorkspaceFolder

__all__ = ("FilesRead", "ModelUsed", "Notice", "TableRead", "heard", "listening", "tell")


@dataclass(frozen=True, slots=True)
class TableRead:
    """A table was pinned to be read.

    Attributes:
        name: ``schema.table``, or ``delta.PATH``.
        location: its folder or URI.
        version: the version that is read.
        named: whether the reader asked for that version or moment, instead of the table as it is.
    """

    name: str
    location: str
    version: int
    named: bool


@dataclass(frozen=True, slots=True)
class FilesRead:
    """Raw files were opened to be read.

    Attributes:
        name: the file, from the workspace's folder where it lies in it; or, of many, the source.
        count: how many.
        size: bytes in all.
        digest: what tells them from what may lie there later: of paths, sizes and tags.
        members: the names of all of them.
        opened: whether it was Python that opened them, and not something that was asked to read.
    """

    name: str
    count: int
    size: int
    digest: str
    members: tuple[str, ...] = ()
    opened: bool = False

    @staticmethod
    def of(name: str, files: list[tuple[str, int, str]], *, opened: bool = False) -> FilesRead:
        """A notice of files, each with path, bytes and tag."""
        text = "\n".join(f"{path}\0{size}\0{tag}" for path, size, tag in files)
        digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:24]
        members = tuple(path for path, _, _ in files)
        size = sum(size for _, size, _ in files)
        return FilesRead(name, len(files), size, digest, members, opened)


@dataclass(frozen=True, slots=True)
class ModelUsed:
    """A language model was asked.

    Attributes:
        name: its name in the store.
        digest: of its weights (SHA-256).
        engine: what ran it, with its version.
        settings: how: sampling, window, what its template was told; each with its value.
    """

    name: str
    digest: str
    engine: str
    settings: tuple[tuple[str, str | float | int | bool], ...]


Notice = TableRead | FilesRead | ModelUsed
_listeners: dict[Path, list[Callable[[Notice], None]]] = {}


def heard(folder: WorkspaceFolder) -> bool:
    """Whether somebody listens, for notices that cost something to make."""
    return folder.root in _listeners


def tell(folder: WorkspaceFolder, notice: Notice) -> None:
    """Tell all who listen to a workspace."""
    for listener in tuple(_listeners.get(folder.root, ())):
        listener(notice)


@contextmanager
def listening(folder: WorkspaceFolder, listener: Callable[[Notice], None]) -> Iterator[None]:
    """Listen to a workspace, in every thread of the process, while the body runs."""
    _listeners.setdefault(folder.root, []).append(listener)
    try:
        yield
    finally:
        rest = [one for one in _listeners[folder.root] if one is not listener]
        if rest:
            _listeners[folder.root] = rest
        else:
            del _listeners[folder.root]
