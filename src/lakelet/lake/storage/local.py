"""Files on this machine's disks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from lakelet.errors import StorageError
from lakelet.lake.storage.base import FileEntry
from lakelet.workspace.steps import Step, remove_tree, write_file

__all__ = ("LocalStorage",)


def _entry(path: str, status: os.stat_result) -> FileEntry:
    modified = status.st_mtime_ns // 1000
    return FileEntry(path, status.st_size, modified, str(status.st_mtime_ns))


class LocalStorage:
    """The local file system."""

    def __init__(self) -> None:
        self.options: dict[str, str] = {}

    def files(self, path: str) -> Iterator[FileEntry]:
        """All files below a folder in the order of their paths; hidden ones are passed over."""
        single = self.entry(path)
        if single is not None and not Path(path).is_dir():
            yield single
            return
        try:
            found = sorted(os.scandir(path), key=lambda item: item.name)
        except OSError as error:
            raise StorageError(f"{path} cannot be listed: {error.strerror}.") from None
        for item in found:
            if item.name.startswith((".", "_")):
                continue
            if item.is_dir():
                yield from self.files(item.path)
            elif item.is_file():
                try:
                    status = item.stat()
                except FileNotFoundError:  # a writer's temporary file, which has its name by now
                    continue
                yield _entry(item.path, status)

    def folders(self, path: str) -> list[str]:
        """The names of the folders right in a folder."""
        try:
            return sorted(item.name for item in os.scandir(path) if item.is_dir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StorageError(f"{path} cannot be listed: {error.strerror}.") from None

    def entry(self, path: str) -> FileEntry | None:
        """The file, or None."""
        try:
            return _entry(path, Path(path).stat())
        except (FileNotFoundError, NotADirectoryError):
            return None

    def open(self, path: str) -> BinaryIO:
        """The file's bytes."""
        try:
            return Path(path).open("rb")
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}.") from None

    def claim_writing(self, path: str) -> None:
        """Always so: the kernel's locks and renames keep writers apart."""

    def write(self, step: Step, path: str, data: bytes) -> None:
        """Write a small file whole or not at all."""
        write_file(step, Path(path), data)

    def remove(self, step: Step, path: str) -> None:
        """Remove a file or folder."""
        remove_tree(step, Path(path))
