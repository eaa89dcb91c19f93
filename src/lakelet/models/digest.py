"""SHA-256 of files of many gigabytes, with a bar and, where wanted, a copy on the way."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from lakelet.errors import ModelFileError, StorageError
from lakelet.workspace.steps import declare, step

__all__ = ("Progress", "copy_with_digest", "digest_of", "refuse_without_room")

Progress = Callable[[int, int], None]
"""Told of bytes that were read, and of all."""
_COPY = declare("models.copy", "the bytes of a model's file are in the store, without a name")
_BLOCK = 4 << 20


def digest_of(path: Path, progress: Progress = lambda _read, _all: None) -> str:
    """The SHA-256 of a file, in hexadecimal.

    Raises:
        ModelFileError: it cannot be read.
    """
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            whole, read = os.fstat(file.fileno()).st_size, 0
            while block := file.read(_BLOCK):
                found.update(block)
                read += len(block)
                progress(read, whole)
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror or error}.") from None
    return found.hexdigest()


def copy_with_digest(source: Path, target: Path, progress: Progress) -> str:
    """Copy a file, and take its SHA-256 on the way.

    Raises:
        StorageError: the disk has no room for it, or said no.
    """
    size = source.stat().st_size
    refuse_without_room(target.parent, size, source.name)
    found, read = hashlib.sha256(), 0
    with step(_COPY), source.open("rb") as file, target.open("wb") as copy:
        while block := file.read(_BLOCK):
            found.update(block)
            copy.write(block)
            read += len(block)
            progress(read, size)
        copy.flush()
        os.fsync(copy.fileno())
    return found.hexdigest()


def refuse_without_room(folder: Path, size: int, name: str) -> None:
    """Refuse what the disk has no room for, before a byte of it is written.

    Raises:
        StorageError: with both numbers.
    """
    free = shutil.disk_usage(folder).free
    if size > free:
        raise StorageError(
            f"{name} has {size:,} bytes, and {free:,} are free in {folder}; nothing was written.",
            hint="make room, or name another place: store in [models] of lakelet.toml.",
        )
