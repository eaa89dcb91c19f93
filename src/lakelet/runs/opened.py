"""Files below a local volume that a run's code opens by itself: by ``open``, and all that uses it.

Python tells audit hooks of every file it opens (PEP 578). What opens files without Python, such as
DuckDB's or Polars' own readers, is not seen.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lakelet.errors import LakeletError
from lakelet.lake.storage import is_remote
from lakelet.lake.volumes import volumes
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.notices import FilesRead, tell

__all__ = ("watching",)

_EACH = 20
"""More files than these become one input at the end, by the folder they have in common."""
_WRITES = os.O_WRONLY | os.O_RDWR


class _Watch:
    """What one run is told of files that are opened."""

    def __init__(self, folder: WorkspaceFolder) -> None:
        self.folder = folder
        roots = volumes(folder).values()
        self.roots = tuple(os.path.join(r, "") for r in roots if not is_remote(r))  # noqa: PTH118
        self.not_data = (f"{folder.private}/", f"{folder.root / folder.settings.lake.path}/")
        self.seen: dict[str, tuple[str, int, str]] = {}
        self.busy = threading.local()

    def opened(self, given: str) -> None:
        """Give notice of a file, unless it is none of a volume."""
        path = os.path.abspath(given)  # noqa: PTH100 - links stay as they are
        if path in self.seen or not path.startswith(self.roots) or path.startswith(self.not_data):
            return
        if getattr(self.busy, "now", False):
            return
        self.busy.now = True
        try:
            facts = Path(path).stat()
            name = path.removeprefix(f"{self.folder.root}/")
            # As a listing of the folder tags it.
            one = (name, facts.st_size, str(facts.st_mtime_ns))
            self.seen[path] = one
            if len(self.seen) <= _EACH:
                tell(self.folder, FilesRead.of(name, [one], opened=True))
        finally:
            self.busy.now = False

    def end(self) -> None:
        """Give notice of the files beyond the first few, as one."""
        rest = sorted(list(self.seen.values())[_EACH:])
        if rest:
            common = os.path.commonpath([name for name, _, _ in rest])
            tell(self.folder, FilesRead.of(common, rest, opened=True))


_watches: list[_Watch] = []
_hooked: list[bool] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or not _watches:
        return
    path, mode, flags = arguments
    if not isinstance(path, str) or (mode and set(mode) & set("wax+")) or (flags or 0) & _WRITES:
        return
    # A hook that raises would keep the file from being opened.
    with suppress(LakeletError, OSError, ValueError):
        for watch in tuple(_watches):
            watch.opened(path)


@contextmanager
def watching(folder: WorkspaceFolder) -> Iterator[None]:
    """Give notice of files below a volume that Python opens to read, while the body runs."""
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked.append(True)
    watch = _Watch(folder)
    _watches.append(watch)
    try:
        yield
    finally:
        _watches.remove(watch)
        with suppress(LakeletError):
            watch.end()
