"""An object of a bucket as a file: a few megabytes in memory, the next ones on their way."""

from __future__ import annotations

import io
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from lakelet.errors import StorageError
from lakelet.lake.storage.bucket import bucket_errors
from lakelet.lake.storage.reasons import lacks_range

if TYPE_CHECKING:
    from obstore.store import S3Store

__all__ = ("open_object",)

_BLOCK = 8 << 20
"""Bytes fetched at once: large beside a request's price, small beside memory."""


def open_object(store: S3Store, key: str, path: str) -> BinaryIO:
    """The object's bytes from the beginning, seekable.

    The object is read in ranges, each only as long as its content is that of the first: what
    changes meanwhile fails instead of mixing old with new.

    Raises:
        StorageError: it is not there, changed while it was read, or cannot be reached.
    """
    return cast("BinaryIO", io.BufferedReader(_Object(store, key, path), 1 << 16))


class _Object(io.RawIOBase):
    def __init__(self, store: S3Store, key: str, path: str) -> None:
        self.store = store
        self.key = key
        self.path = path
        self.position = 0
        self.start, self.block, self.size, self.etag = self._first()
        self.ahead: tuple[int, Future[memoryview]] | None = None
        self.pool: ThreadPoolExecutor | None = None

    def _first(self) -> tuple[int, memoryview, int, str | None]:
        import obstore

        with bucket_errors(self.path, "read"):
            try:
                found = obstore.get(self.store, self.key, options={"range": (0, _BLOCK)})
            except Exception as error:
                if not lacks_range(error):
                    raise
                meta = obstore.head(self.store, self.key)
                if meta["size"]:
                    raise
                return 0, memoryview(b""), 0, meta["e_tag"]
            return 0, memoryview(found.bytes()), found.meta["size"], found.meta["e_tag"]

    def _fetch(self, start: int) -> memoryview:
        import obstore
        from obstore.exceptions import PreconditionError

        options: Any = {"range": (start, min(start + _BLOCK, self.size))}
        if self.etag:
            options["if_match"] = self.etag
        with bucket_errors(self.path, "read"):
            try:
                return memoryview(obstore.get(self.store, self.key, options=options).bytes())
            except PreconditionError:
                raise StorageError(f"{self.path} changed while it was read.") from None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError("a position before the beginning of the file")
        self.position = base + offset
        return self.position

    def readinto(self, buffer: Any) -> int:
        if self.position >= self.size:
            return 0
        if not self.start <= self.position < self.start + len(self.block):
            self._turn_to(self.position)
        offset = self.position - self.start
        count = min(len(buffer), len(self.block) - offset)
        memoryview(buffer).cast("B")[:count] = self.block[offset : offset + count]
        self.position += count
        return count

    def _turn_to(self, position: int) -> None:
        """Have the block that begins at ``position``, and ask for the one after it."""
        if self.ahead is not None and self.ahead[0] == position:
            self.block = self.ahead[1].result()
        else:
            self.block = self._fetch(position)
        self.start, self.ahead = position, None
        following = position + len(self.block)
        if following < self.size:
            self.pool = self.pool or ThreadPoolExecutor(1, "lakelet-object")
            self.ahead = (following, self.pool.submit(self._fetch, following))

    def close(self) -> None:
        if self.pool is not None:
            self.pool.shutdown(wait=False, cancel_futures=True)
            self.pool = None
        super().close()
