"""Single files of web servers, to be loaded; nothing else is done with them."""

from __future__ import annotations

import base64
import io
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from typing import Any, BinaryIO, cast

from lakelet.errors import StorageError, UnreachableError
from lakelet.lake.storage.base import FileEntry
from lakelet.lake.storage.url import WebAddress
from lakelet.workspace.steps import Step

__all__ = ("WebStorage",)

_TIMEOUT = 60.0
_TRIES = 4
_PAUSE = 0.25
_DENIED = (401, 403, 407)


class WebStorage:
    """The file behind one URL.

    Passwords and signatures in the URL are used for the request and appear nowhere else: the
    file's path is the URL without them.
    """

    def __init__(self, url: str) -> None:
        self.address = WebAddress.parse(url)
        self.options: dict[str, str] = {}

    def files(self, path: str) -> Iterator[FileEntry]:
        """The file itself: web servers do not list folders."""
        entry = self.entry(path)
        if entry is not None:
            yield entry

    def folders(self, path: str) -> list[str]:
        """None."""
        return []

    def entry(self, path: str) -> FileEntry | None:
        """Size, time and tag as the server's headers say, or None when it has no such file."""
        try:
            with self._ask("HEAD") as answer:
                return self._entry(answer)
        except urllib.error.HTTPError as error:
            if error.code in (404, 410):
                return None
            if error.code in _DENIED:
                raise self._refused(error) from None
        except OSError as error:
            raise self._unreachable(error) from None
        # Some servers, and all signed addresses made for GET, refuse HEAD.
        try:
            with self._ask("GET") as answer:
                return self._entry(answer)
        except OSError as error:
            raise self._unreachable(error) from None

    def _entry(self, answer: HTTPResponse) -> FileEntry:
        size = int(answer.headers.get("Content-Length") or 0)
        text = answer.headers.get("Last-Modified")
        try:
            modified = int(parsedate_to_datetime(text).timestamp()) * 1_000_000 if text else 0
        except ValueError:
            modified = 0
        etag = answer.headers.get("ETag") or (str(modified) if modified else f"size {size}")
        return FileEntry(self.address.shown, size, modified, etag)

    def open(self, path: str) -> BinaryIO:
        """The file's bytes as they come; a broken connection is taken up where it broke."""
        return cast("BinaryIO", io.BufferedReader(_Stream(self), 1 << 16))

    def claim_writing(self, path: str) -> None:
        """Never so."""
        raise self._read_only()

    def write(self, which: Step, path: str, data: bytes) -> None:
        """Not possible."""
        raise self._read_only()

    def remove(self, which: Step, path: str) -> None:
        """Not possible."""
        raise self._read_only()

    def _read_only(self) -> StorageError:
        return StorageError(
            f"{self.address.shown}: a web server is only read from; nothing was changed.",
            hint="keep tables in a folder or a bucket.",
        )

    def _ask(self, method: str, headers: dict[str, str] | None = None) -> HTTPResponse:
        # Compression on the way would hide the file's size and its own checksum.
        sent = {"Accept-Encoding": "identity", "User-Agent": "lakelet", **(headers or {})}
        request = urllib.request.Request(self.address.asked, headers=sent, method=method)
        if self.address.login:
            # Unredirected: the login is for this server, not for one it points to.
            login = base64.b64encode(self.address.login).decode()
            request.add_unredirected_header("Authorization", f"Basic {login}")
        try:
            return cast("HTTPResponse", urllib.request.urlopen(request, timeout=_TIMEOUT))
        except urllib.error.HTTPError as error:
            error.close()
            raise

    def _refused(self, error: urllib.error.HTTPError) -> StorageError:
        return StorageError(
            f"{self.address.shown} cannot be read: the server says {error.code} {error.reason}.",
            hint="write user and password before the host, or a signed address.",
        )

    def _unreachable(self, error: OSError | HTTPException) -> StorageError:
        if isinstance(error, urllib.error.HTTPError):
            if error.code in (404, 410):
                return StorageError(f"{self.address.shown} is not there.")
            if error.code in _DENIED:
                return self._refused(error)
            reason: object = f"the server says {error.code} {error.reason}"
        else:
            cause = getattr(error, "reason", error)
            errno = getattr(cause, "errno", None)
            reason = os.strerror(errno) if isinstance(errno, int) and errno > 0 else cause
        return UnreachableError(
            f"{self.address.shown} cannot be read: {reason}.", hint="try again when it is back."
        )


class _Stream(io.RawIOBase):
    """One answer's body, asked for again from where it broke off."""

    def __init__(self, storage: WebStorage) -> None:
        self.storage = storage
        self.position = 0
        self.tries = 0
        self.answer: HTTPResponse | None = None
        self.size: int | None = None
        self.tag = ""
        self._begin()

    def _begin(self) -> None:
        headers = {}
        if self.position:
            headers = {"Range": f"bytes={self.position}-", "If-Range": self.tag}
        try:
            self.answer = self.storage._ask("GET", headers)
        except (OSError, HTTPException) as error:
            raise self.storage._unreachable(error) from None
        if self.position and self.answer.status != 206:
            raise UnreachableError(
                f"{self.storage.address.shown}: the connection broke after {self.position} bytes, "
                "and the server cannot go on from there or has another file now.",
                hint="load it again.",
            )
        if not self.position:
            length = self.answer.headers.get("Content-Length")
            self.size = int(length) if length is not None else None
            found = self.answer.headers
            self.tag = found.get("ETag") or found.get("Last-Modified") or ""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            try:
                assert self.answer is not None
                count = self.answer.readinto(buffer)
                # The client library takes a body that ends early for one that ends.
                if count or self.size is None or self.position >= self.size or not len(buffer):
                    self.position += count
                    return count
                broken: OSError | HTTPException = ConnectionError("the connection broke")
            except (OSError, HTTPException) as error:
                broken = error
            self.tries += 1
            if self.tries > _TRIES or not self.tag:
                raise self.storage._unreachable(broken) from None
            time.sleep(_PAUSE * self.tries)
            self._drop()
            self._begin()

    def _drop(self) -> None:
        if self.answer is not None:
            self.answer.close()
            self.answer = None

    def close(self) -> None:
        self._drop()
        super().close()
