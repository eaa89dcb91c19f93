"""Text out of bytes: byte-order marks, encodings, and bytes that are no text."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

from lakelet.loading.records.block import FileUnreadableError

__all__ = ("show_bytes", "text_blocks")

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# A byte that is no text becomes one of these code points (PEP 383), so that splitting into records
# goes on; the record that holds one is then refused, and only that one.
_SURROGATE = "surrogateescape"


def text_blocks(blocks: Iterable[bytes], encoding: str) -> Iterator[tuple[str, bool]]:
    """The text of a file, block by block, each with whether it holds bytes that are no text.

    Args:
        blocks: the file's bytes.
        encoding: a codec's name, or ``auto``: by byte-order mark, else UTF-8.

    Raises:
        FileUnreadableError: UTF-16 or UTF-32 text that breaks off or cannot be decoded.
    """
    iterator = iter(blocks)
    first = next(iterator, b"")
    skip = 0
    if encoding in ("auto", "utf-8", "utf-16", "utf-32"):
        found, skip = _by_mark(first)
        encoding = found if skip or encoding == "auto" else encoding
    decoder = codecs.getincrementaldecoder(encoding)(
        _SURROGATE if encoding == "utf-8" else "strict"
    )
    data: bytes | None = first[skip:]
    try:
        while data is not None:
            following = next(iterator, None)
            text = decoder.decode(data, following is None)
            yield text, encoding == "utf-8" and _has_surrogates(text)
            data = following
    except UnicodeDecodeError as error:
        raise FileUnreadableError(f"the text is not {encoding}: {error.reason}") from None


def _by_mark(first: bytes) -> tuple[str, int]:
    for mark, encoding in _MARKS:
        if first.startswith(mark):
            return encoding, len(mark)
    return "utf-8", 0


def _has_surrogates(text: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def show_bytes(text: str) -> str:
    r"""Text in which bytes that are no text are written as ``\xNN``."""
    return text.encode("utf-8", _SURROGATE).decode("utf-8", "backslashreplace")
