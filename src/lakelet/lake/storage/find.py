"""The storage behind a path."""

from __future__ import annotations

import re

from lakelet.errors import StorageError
from lakelet.lake.storage.base import Storage
from lakelet.lake.storage.local import LocalStorage
from lakelet.workspace import WorkspaceFolder

__all__ = ("is_remote", "join", "storage_for")

_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+)://")


def scheme(path: str) -> str:
    """The scheme of a URI in lower case, or '' for a path on a local disk."""
    match = _SCHEME.match(path)
    return match[1].lower() if match else ""


def is_remote(path: str) -> bool:
    """Whether a path names a bucket or a web server rather than a local disk."""
    return scheme(path) not in ("", "file")


def join(folder: str, *parts: str) -> str:
    """A path below a folder, for local paths and URIs alike."""
    return "/".join([folder.rstrip("/"), *parts])


def storage_for(workspace: WorkspaceFolder, path: str) -> Storage:
    """The storage that holds ``path``.

    Raises:
        StorageError: a scheme that is not supported.
        MissingExtraError: a bucket or URL without the extra ``s3``.
    """
    kind = scheme(path)
    if kind in ("", "file"):
        return LocalStorage()
    raise StorageError(
        f"{path}: {kind}:// is no storage Lakelet knows.",
        hint="use a local path, s3://bucket/… or https://….",
    )
