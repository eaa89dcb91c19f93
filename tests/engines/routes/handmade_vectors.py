"""Deletion vectors encoded by hand (Delta protocol, "Deletion Vector Format")."""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def z85(data: bytes) -> str:
    text = ""
    for (number,) in struct.iter_unpack(">I", data):
        digits = ""
        for _ in range(5):
            number, digit = divmod(number, 85)
            digits = _Z85[digit] + digits
        text += digits
    return text


def _container_bytes(values: list[int]) -> bytes:
    if len(values) <= 4096:
        return struct.pack(f"<{len(values)}H", *values)
    bits = bytearray(8192)
    for value in values:
        bits[value >> 3] |= 1 << (value & 7)
    return bytes(bits)


def _bitmap_32(values: list[int], runs: bool) -> bytes:
    """A standard roaring bitmap: array and bitset containers, or run containers only."""
    containers: dict[int, list[int]] = {}
    for value in values:
        containers.setdefault(value >> 16, []).append(value & 0xFFFF)
    heads = b"".join(struct.pack("<HH", key, len(low) - 1) for key, low in containers.items())
    if runs:
        count = len(containers)
        data = struct.pack("<I", 12347 | (count - 1) << 16) + b"\xff" * ((count + 7) // 8) + heads
        bodies = [_run_bytes(low) for low in containers.values()]
        if count >= 4:
            data += _offsets(bodies, len(data))
        return data + b"".join(bodies)
    bodies = [_container_bytes(low) for low in containers.values()]
    data = struct.pack("<II", 12346, len(containers)) + heads
    return data + _offsets(bodies, len(data)) + b"".join(bodies)


def _offsets(bodies: list[bytes], before: int) -> bytes:
    position = before + 4 * len(bodies)
    offsets = b""
    for body in bodies:
        offsets += struct.pack("<I", position)
        position += len(body)
    return offsets


def _run_bytes(values: list[int]) -> bytes:
    runs: list[list[int]] = []
    for value in values:
        if runs and value == sum(runs[-1]) + 1:
            runs[-1][1] += 1
        else:
            runs.append([value, 0])
    return struct.pack("<H", len(runs)) + b"".join(struct.pack("<HH", *run) for run in runs)


def bitmap_array(positions: Iterable[int], *, runs: bool = False) -> bytes:
    """A 64-bit bitmap array: the magic number, then one 32-bit bitmap for each high half."""
    parts: dict[int, list[int]] = {}
    for position in sorted(positions):
        parts.setdefault(position >> 32, []).append(position & 0xFFFFFFFF)
    data = struct.pack("<IQ", 1681511377, len(parts))
    for key, values in parts.items():
        data += struct.pack("<I", key) + _bitmap_32(values, runs)
    return data


def inline(positions: Iterable[int], *, runs: bool = False) -> dict[str, Any]:
    positions = list(positions)
    data = bitmap_array(positions, runs=runs)
    padded = data + b"\0" * (-len(data) % 4)
    return {
        "storageType": "i",
        "pathOrInlineDv": z85(padded),
        "sizeInBytes": len(data),
        "cardinality": len(positions),
    }


def on_disk(
    folder: Path, *vectors: Iterable[int], prefix: str = "", absolute: bool = False
) -> list[dict[str, Any]]:
    """Several vectors in one file below the table's folder; their descriptors."""
    name = uuid.UUID("d2c639aa-8816-431a-aaf6-d3fe2512ff61")
    path = folder / prefix / f"deletion_vector_{name}.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = b"\x01"
    descriptors = []
    for positions in map(list, vectors):
        data = bitmap_array(positions)
        where = path.as_uri() if absolute else prefix + z85(name.bytes)
        descriptors.append(
            {
                "storageType": "p" if absolute else "u",
                "pathOrInlineDv": where,
                "offset": len(content),
                "sizeInBytes": len(data),
                "cardinality": len(positions),
            }
        )
        content += struct.pack(">I", len(data)) + data + struct.pack(">I", zlib.crc32(data))
    path.write_bytes(content)
    return descriptors
