"""The storage behind a path."""

from __future__ import annotations

import re

from lakelet.errors import StorageError
from lakelet.lake.storage.base import Storage
from lakelet.lake.storage.local import LocalStorage
from lakelet.workspace import WorkspaceFolder

__all__ = ("is_bucket", "is_remote", "join", "storage_for", "without_query")

_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+)://")
_BUCKETS = ("s3", "s3a")


def scheme(path: str) -> str:
    """The scheme of a URI in lower case, or '' for a path on a local disk."""
    match = _SCHEME.match(path)
    return match[1].lower() if match else ""


def is_remote(path: str) -> bool:
    """Whether a path names a bucket or a web server rather than a local disk."""
    return scheme(path) not in ("", "file")


def is_bucket(path: str) -> bool:
    """Whether a path names a place in an S3-compatible bucket."""
    return scheme(path) in _BUCKETS


def join(folder: str, *parts: str) -> str:
    """A path below a folder, for local paths and URIs alike."""
    return "/".join([folder.rstrip("/"), *parts])


def without_query(path: str) -> str:
    """A web address without what follows its path; any other path as it is."""
    return re.split(r"[?#]", path, maxsplit=1)[0] if scheme(path) in ("http", "https") else path


def storage_for(workspace: WorkspaceFolder, path: str) -> Storage:
    """The storage that holds ``path``; nothing is asked of it yet.

    Raises:
        StorageError: a scheme that is not supported, or an address that is none.
        SettingsError: a secret the bucket's settings refer to is not there.
    """
    kind = scheme(path)
    if kind in ("", "file"):
        return LocalStorage()
    if kind in _BUCKETS:
        from lakelet.lake.storage.access import access_to, split_uri
        from lakelet.lake.storage.bucket import BucketStorage

        bucket, _ = split_uri(path)
        if not bucket:
            raise StorageError(f"{path} names no bucket.", hint="write s3://bucket/folder.")
        return BucketStorage(access_to(workspace, bucket), scheme=path.partition("://")[0])
    if kind in ("http", "https"):
        from lakelet.lake.storage.web import WebStorage

        return WebStorage(path)
    raise StorageError(
        f"{path}: {kind}:// is no storage Lakelet knows.",
        hint="use a local path, s3://bucket/… or https://….",
    )
