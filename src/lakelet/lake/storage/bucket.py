"""Files in S3-compatible buckets, through obstore."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO

from lakelet.errors import LakeletError, MissingExtraError, StorageError, UnreachableError
from lakelet.lake.storage.access import BucketAccess, split_uri
from lakelet.lake.storage.base import FileEntry
from lakelet.lake.storage.reasons import is_passing, short_reason
from lakelet.workspace.steps import Step, step

if TYPE_CHECKING:
    from obstore.store import S3Store

__all__ = ("BucketStorage", "bucket_errors")

_LISTED_AT_ONCE = 1000
_CHECK = (
    "check the bucket's name, and its endpoint and keys: [storage.BUCKET] in lakelet.toml, "
    "or the AWS_… variables."
)


class BucketStorage:
    """One bucket. Paths are ``s3://bucket/key``, the key as it is, nothing escaped."""

    def __init__(self, access: BucketAccess, *, scheme: str = "s3") -> None:
        self.access = access
        self.options: dict[str, str] = access.options
        self.root = f"{scheme}://{access.bucket}/"

    @property
    def store(self) -> S3Store:
        """The client, one for each process and way of access.

        Raises:
            MissingExtraError: the extra ``s3`` is not installed.
        """
        return _client(self.access.bucket, tuple(self.access.config.items()),
                       self.access.allow_http, os.getpid())  # fmt: skip

    def key(self, path: str) -> str:
        """The key of a path."""
        return split_uri(path)[1]

    def files(self, path: str) -> Iterator[FileEntry]:
        """All objects below a folder in the order of their keys; hidden ones are passed over.

        The listing comes a thousand objects at a time and is not waited for as a whole.
        """
        obstore = _obstore(path)
        prefix = self.key(path)
        cut = len(prefix) + 1 if prefix else 0
        none = True
        with bucket_errors(path, "listed"):
            for chunk in obstore.list(self.store, prefix or None, chunk_size=_LISTED_AT_ONCE):
                for meta in chunk:
                    none = False
                    key = meta["path"]
                    hidden = any(part[:1] in ("", ".", "_") for part in key[cut:].split("/"))
                    if hidden or (not meta["size"] and self._is_marker(key)):
                        continue
                    yield self._entry(meta)
        if none and not path.endswith("/") and (single := self.entry(path)) is not None:
            yield single

    def _is_marker(self, key: str) -> bool:
        """Whether an empty object only marks a folder: its key ends in a slash, unlike ``key``."""
        return self.entry(self.root + key) is None

    def folders(self, path: str) -> list[str]:
        """The names of the folders right in a folder."""
        obstore = _obstore(path)
        with bucket_errors(path, "listed"):
            found = obstore.list_with_delimiter(self.store, self.key(path) or None)
            return sorted(prefix.rsplit("/", 1)[-1] for prefix in found["common_prefixes"])

    def entry(self, path: str) -> FileEntry | None:
        """The object as a listing would show it, or None."""
        obstore = _obstore(path)
        key = self.key(path)
        if not key:
            return None
        with bucket_errors(path, "looked at"):
            try:
                return self._entry(obstore.head(self.store, key))
            except FileNotFoundError:
                return None

    def _entry(self, meta: Any) -> FileEntry:
        modified = round(meta["last_modified"].timestamp() * 1_000_000)
        return FileEntry(
            self.root + meta["path"], meta["size"], modified, meta["e_tag"] or str(modified)
        )

    def open(self, path: str) -> BinaryIO:
        """The object's bytes, fetched a few megabytes at a time; seekable."""
        from lakelet.lake.storage.object_reader import open_object

        return open_object(self.store, self.key(path), path)

    def claim_writing(self, path: str) -> None:
        """Try, once a process, whether the bucket honours conditional writes; else lock it."""
        from lakelet.lake.storage.writers import claim_writing

        claim_writing(self, path)

    def write(self, which: Step, path: str, data: bytes) -> None:
        """Write a small object whole or not at all."""
        obstore = _obstore(path)
        with step(which), bucket_errors(path, "written"):
            obstore.put(self.store, self.key(path), data)

    def write_new(self, which: Step, path: str, data: bytes) -> bool:
        """Write an object only if there is none; False where the store says there is one."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with step(which), bucket_errors(path, "written"):
            try:
                obstore.put(self.store, self.key(path), data, mode="create")
            except AlreadyExistsError:
                return False
            return True

    def remove(self, which: Step, path: str) -> None:
        """Remove an object, or every object below a folder, hidden ones too."""
        obstore = _obstore(path)
        key = self.key(path)
        with step(which), bucket_errors(path, "removed"):
            for chunk in obstore.list(self.store, key, chunk_size=_LISTED_AT_ONCE):
                obstore.delete(self.store, [meta["path"] for meta in chunk])
            obstore.delete(self.store, key)


def _obstore(path: str) -> Any:
    try:
        import fsspec  # noqa: F401 - the extra is there whole, or a query fails later
        import obstore
    except ImportError as error:
        raise MissingExtraError.needs("s3", path) from error
    return obstore


@lru_cache(maxsize=64)
def _client(
    bucket: str, config: tuple[tuple[str, str], ...], allow_http: bool, process: int
) -> S3Store:
    """A client; after a fork the child needs its own, hence ``process``."""
    _obstore(f"s3://{bucket}")
    from obstore.store import S3Store

    with bucket_errors(f"s3://{bucket}", "reached"):
        return S3Store(
            bucket,
            config=dict(config),  # type: ignore[arg-type]
            client_options={"allow_http": allow_http, "timeout": "60s", "connect_timeout": "10s"},
            retry_config={"max_retries": 5, "retry_timeout": timedelta(seconds=60)},
        )


@contextmanager
def bucket_errors(path: str, done: str) -> Iterator[None]:
    """Raise obstore's failures in the body as Lakelet's own, naming ``path`` and the cause.

    Args:
        path: what it is about.
        done: the participle of what could not be done to it.
    """
    try:
        yield
    except LakeletError:
        raise
    except FileNotFoundError:
        raise StorageError(f"{path} is not there.") from None
    except Exception as error:
        raise _explained(path, done, error) from None


def _explained(path: str, done: str, error: Exception) -> LakeletError:
    from obstore.exceptions import BaseError, InvalidPathError

    if not isinstance(error, BaseError | OSError | ValueError):
        raise error
    if isinstance(error, InvalidPathError):
        return StorageError(
            f"{path} cannot be {done}: {short_reason(error)}.",
            hint="rename the object: no empty part between slashes, no . or .. as a part, "
            "no control character.",
        )
    message = f"{path} cannot be {done}: {short_reason(error)}."
    if is_passing(error):
        return UnreachableError(message, hint=_CHECK)
    return StorageError(message, hint=_CHECK)
