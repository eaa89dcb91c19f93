"""What Lakelet asks of a place that holds files: a disk, a bucket, a web server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from lakelet.workspace.steps import Step

__all__ = ("FileEntry", "Storage")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file as a listing shows it.

    Attributes:
        path: absolute path or URI.
        size: bytes.
        modified: microseconds since 1970 UTC.
        etag: the content's tag where the store gives one, else the modification time as text;
            equal tags and sizes mean an unchanged file.
    """

    path: str
    size: int
    modified: int
    etag: str


class Storage(Protocol):
    """A place that holds files; paths are absolute, with the scheme where there is one.

    Every method raises StorageError when the place says no, and FileNotFoundError's family where
    a file is not there.
    """

    options: dict[str, str]
    """What delta-rs needs to reach the same place."""

    def files(self, path: str) -> Iterator[FileEntry]:
        """All files below a folder, or the file itself, in the order of their paths."""
        ...

    def folders(self, path: str) -> list[str]:
        """The names of the folders right in a folder; empty when it is not there."""
        ...

    def entry(self, path: str) -> FileEntry | None:
        """The file as a listing would show it, or None when there is none."""
        ...

    def open(self, path: str) -> BinaryIO:
        """The file's bytes, from the beginning."""
        ...

    def claim_writing(self, path: str) -> None:
        """Make sure that this process may write Delta tables below a folder.

        Raises:
            LockedError: the place takes one writing process only, and another one writes.
        """
        ...

    def write(self, step: Step, path: str, data: bytes) -> None:
        """Write a small file whole or not at all."""
        ...

    def remove(self, step: Step, path: str) -> None:
        """Remove a file, or everything below a folder; what is not there is no error."""
        ...
