"""Decoding deletion vectors: which row positions of a file a bitmap deletes.

Source: Delta Transaction Log Protocol, "Deletion Vector Format"; and the RoaringBitmap format
specification for the 32-bit bitmaps inside.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

__all__ = ("DamagedVectorError", "decode_positions", "decode_z85", "stored_vector")

_MAGIC = 1681511377
_WITHOUT_RUNS = 12346
_WITH_RUNS = 12347
_LARGEST_ARRAY = 4096
_BITSET_BYTES = 8192
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_DIGITS = {character: value for value, character in enumerate(_ALPHABET)}


class DamagedVectorError(ValueError):
    """The bytes of a deletion vector are not what its descriptor or checksum says."""


def decode_z85(text: str) -> bytes:
    """The bytes behind Z85 text (ZeroMQ RFC 32): five characters for four bytes.

    Raises:
        DamagedVectorError: the text is not Z85.
    """
    if len(text) % 5:
        raise DamagedVectorError("the text of a vector is cut short")
    data = bytearray()
    try:
        for start in range(0, len(text), 5):
            number = 0
            for character in text[start : start + 5]:
                number = number * 85 + _DIGITS[character]
            data += number.to_bytes(4, "big")
    except (KeyError, OverflowError) as error:
        raise DamagedVectorError("the text of a vector is not Z85") from error
    return bytes(data)


def stored_vector(content: bytes, offset: int, size: int) -> bytes:
    """One vector out of a vector file: length, bytes and checksum, at ``offset`` (bytes).

    Raises:
        DamagedVectorError: length or checksum do not agree.
    """
    frame = content[offset : offset + 4 + size + 4]
    if content[:1] != b"\x01" or len(frame) < size + 8:
        raise DamagedVectorError("a vector file is cut short or of an unknown version")
    (length,) = struct.unpack_from(">I", frame)
    (checksum,) = struct.unpack_from(">I", frame, 4 + size)
    data = frame[4 : 4 + size]
    if length != size or zlib.crc32(data) != checksum:
        raise DamagedVectorError("a vector does not match its checksum")
    return data


def decode_positions(data: bytes, cardinality: int) -> list[int]:
    """The row positions, from 0, that a serialized 64-bit bitmap array holds.

    Raises:
        DamagedVectorError: the bytes are not such a bitmap or hold another number of rows.
    """
    try:
        positions = list(_positions(data))
    except (struct.error, IndexError) as error:
        raise DamagedVectorError("a vector's bitmap is cut short") from error
    if len(positions) != cardinality:
        raise DamagedVectorError(
            f"a vector deletes {len(positions)} rows where {cardinality} are announced"
        )
    return positions


def _positions(data: bytes) -> Iterator[int]:
    magic, count = struct.unpack_from("<IQ", data)
    if magic != _MAGIC:
        raise DamagedVectorError("a vector's bitmap has an unknown format")
    at = 12
    for _ in range(count):
        (high,) = struct.unpack_from("<I", data, at)
        at += 4
        values: list[int] = []
        at = _read_bitmap(data, at, values)
        yield from (high << 32 | value for value in values)


def _read_bitmap(data: bytes, start: int, values: list[int]) -> int:
    """Append a 32-bit bitmap's values; gives where the next one starts."""
    cookie = int(struct.unpack_from("<I", data, start)[0])
    if cookie & 0xFFFF == _WITH_RUNS:
        count = (cookie >> 16) + 1
        flag_bytes = (count + 7) // 8
        flags = data[start + 4 : start + 4 + flag_bytes]
        at = start + 4 + flag_bytes
        has_offsets = count >= 4
    elif cookie == _WITHOUT_RUNS:
        count = int(struct.unpack_from("<I", data, start + 4)[0])
        flags = bytes((count + 7) // 8)
        at = start + 8
        has_offsets = True
    else:
        raise DamagedVectorError("a vector's bitmap has an unknown format")
    heads = struct.unpack_from(f"<{2 * count}H", data, at)
    at += 4 * count + (4 * count if has_offsets else 0)
    for index in range(count):
        key, size = heads[2 * index] << 16, heads[2 * index + 1] + 1
        if flags[index >> 3] >> (index & 7) & 1:
            at = _read_runs(data, at, key, values)
        elif size <= _LARGEST_ARRAY:
            values.extend(key | low for low in struct.unpack_from(f"<{size}H", data, at))
            at += 2 * size
        else:
            bits = data[at : at + _BITSET_BYTES]
            values.extend(key | low for low in range(65536) if bits[low >> 3] >> (low & 7) & 1)
            at += _BITSET_BYTES
    return at


def _read_runs(data: bytes, at: int, key: int, values: list[int]) -> int:
    runs = int(struct.unpack_from("<H", data, at)[0])
    numbers = struct.unpack_from(f"<{2 * runs}H", data, at + 2)
    for first, more in zip(numbers[::2], numbers[1::2], strict=True):
        values.extend(range(key | first, (key | first) + more + 1))
    return at + 2 + 4 * runs
