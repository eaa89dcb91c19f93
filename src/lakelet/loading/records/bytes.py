"""The bytes of a raw file, decompressed and checked against the file's own checksum.

gzip ends in a CRC-32 (RFC 1952), a zstd frame in an XXH64 where the writer put one (RFC 8878). Both
are compared before the last block is handed on, so that rows of a damaged file never get as far
as a commit.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import Protocol

from lakelet.loading.records.block import FileUnreadableError

__all__ = ("byte_blocks",)

_READ = 1 << 20
_ZSTD_READ = 1 << 16
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"


class Readable(Protocol):
    """Whatever hands out bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        ...


def byte_blocks(file: Readable) -> Iterator[bytes]:
    """The file's content in blocks of about a megabyte, whatever its compression.

    Compression is told by the first bytes, not by the name.

    Raises:
        FileUnreadableError: the compressed data is damaged, fails its checksum, or ends early.
    """
    head = file.read(4)
    if head[:2] == _GZIP:
        yield from _gzip(head, file)
    elif head == _ZSTD:
        yield from _zstd(head, file)
    else:
        if head:
            yield head + file.read(_READ - len(head))
        while block := file.read(_READ):
            yield block


class _Joined:
    """A file whose first bytes were already read."""

    def __init__(self, head: bytes, file: Readable) -> None:
        self.head = head
        self.file = file

    def read(self, size: int = -1) -> bytes:
        if self.head:
            found, self.head = self.head[:size], self.head[size:]
            return found
        return self.file.read(size)


def _gzip(head: bytes, file: Readable) -> Iterator[bytes]:
    try:
        with gzip.GzipFile(fileobj=_Joined(head, file), mode="rb") as unpacked:  # type: ignore[call-overload]
            while block := unpacked.read(_READ):
                yield block
    except EOFError:
        raise FileUnreadableError("the gzip data ends in the middle (truncated)") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise FileUnreadableError(f"the gzip data is damaged: {error}") from None


def _zstd(head: bytes, file: Readable) -> Iterator[bytes]:
    import zstandard

    frames = zstandard.ZstdDecompressor()
    frame = frames.decompressobj()
    # A small input bounds the output: zstd expands a byte to at most some thousands.
    data = head + file.read(_ZSTD_READ - len(head))
    try:
        while data:
            if frame.eof:
                frame = frames.decompressobj()
            if block := frame.decompress(data):
                yield block
            data = (frame.unused_data if frame.eof else b"") or file.read(_ZSTD_READ)
    except zstandard.ZstdError as error:
        raise FileUnreadableError(f"the zstd data is damaged: {error}") from None
    if not frame.eof:
        raise FileUnreadableError("the zstd data ends in the middle (truncated)")
