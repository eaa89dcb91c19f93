"""The header of a GGUF file: as the `gguf` package reads it, and whatever else a file may say."""

from __future__ import annotations

import random
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import gguf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakelet.errors import ModelFileError
from lakelet.models import read_gguf_header
from lakelet.models.gguf_header import ArrayOf
from lakelet.models.tensor_types import TENSOR_TYPES
from models.files import write_gguf


def test_types_are_those_of_ggml() -> None:
    theirs = {int(kind): (kind.name, *size) for kind, size in gguf.GGML_QUANT_SIZES.items()}
    assert {number: tuple(kind) for number, kind in TENSOR_TYPES.items()} == theirs


def same_as_the_package(path: Path) -> None:
    ours, theirs = read_gguf_header(path), gguf.GGUFReader(path)
    for name, field in theirs.fields.items():
        if name.startswith("GGUF."):
            continue
        value, read = field.contents(), ours.metadata[name]
        assert (read.length if isinstance(read, ArrayOf) else read) == (
            len(value) if isinstance(read, ArrayOf) else value
        )
    assert len(ours.metadata) == len(theirs.fields) - 3
    assert ours.data == theirs.data_offset
    assert [
        (one.name, list(one.shape), one.number, ours.data + one.offset, one.bytes)
        for one in ours.tensors
    ] == [
        (t.name, [int(n) for n in t.shape], int(t.tensor_type), t.data_offset, t.n_bytes)
        for t in theirs.tensors
    ]


def test_it_is_read_as_the_package_reads_it(tmp_path: Path) -> None:
    said: dict[str, Any] = {
        "general.name": "Größe ✓", "general.languages": ["de", "en"], "a.bool": True,
        "a.float": 0.5, "a.empty": "", "general.license": "apache-2.0",
    }  # fmt: skip
    tensors = {
        "token_embd.weight": ((300, 256), "Q6_K"), "blk.0.attn_q.weight": ((256, 256), "Q4_K"),
        "blk.0.norm.weight": ((256,), "F32"), "blk.0.exps": ((4, 32, 256), "IQ2_XXS"),
    }  # fmt: skip
    same_as_the_package(write_gguf(tmp_path / "a.gguf", said=said, tensors=tensors))
    same_as_the_package(write_gguf(tmp_path / "b.gguf", tokens=0, template=None))
    # A vocabulary that is longer than what is read at once.
    same_as_the_package(write_gguf(tmp_path / "c.gguf", tokens=120_000))


def key(name: str, kind: int, value: bytes) -> bytes:
    return struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", kind) + value


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def made(*keys: bytes, tensors: bytes = b"", count: int = 0, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, count, len(keys)) + b"".join(keys) + tensors


def tensor(name: bytes, *shape: int, kind: int = 0, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


BOMB = key("a", 9, struct.pack("<IQ", 9, 40) + struct.pack("<IQ", 9, 40) * 40)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is cut off in its header"),
        (b"GG", "is cut off in its header"),
        (b"hi", "does not begin as GGUF does"),
        (b"GGML" + bytes(40), "does not begin as GGUF does"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "of version 1"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "for big-endian machines"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0), "tensors"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 60), "keys"),
        (made(key("a", 8, struct.pack("<Q", 1 << 62))), "bytes long"),
        (made(key("a", 9, struct.pack("<IQ", 8, 1 << 61))), "more than it has room for"),
        (made(key("a", 9, struct.pack("<IQ", 4, 1 << 61))), "goes on to byte"),
        (made(key("a", 9, struct.pack("<IQ", 9, 1 << 61))), "arrays in one"),
        (made(BOMB), "too deep in one another"),
        (made(key("a", 77, b"")), "unknown type 77"),
        (made(key("a", 9, struct.pack("<IQ", 77, 1000))), "unknown type 77"),
        (made(key("a", 4, bytes(4)), key("a", 4, bytes(4))), "twice"),
        (made(*(key(f"k{n}", 8, text(bytes(1 << 20))) for n in range(7))), "of keys and names"),
        (made(key("general.alignment", 4, struct.pack("<I", 0))), "general.alignment"),
        (made(tensors=tensor(b"t", 4), count=1), "is cut off: its weights end"),
        (made(tensors=tensor(b"t", 1 << 40, 1 << 40), count=1), "is cut off"),
        (made(tensors=tensor(b"t", *[1] * 9), count=1), "9 dimensions"),
        (made(tensors=tensor(b"t", 33, kind=2) + bytes(99), count=1), "in blocks of 32"),
        (made(tensors=tensor(b"t", 4, offset=7) + bytes(99), count=1), "between its places"),
        (made(tensors=tensor(b"t", 4) * 2 + bytes(99), count=2), "two tensors of one name"),
    ],
)
def test_what_no_model_says_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=said):
        read_gguf_header(path)


def test_a_file_that_is_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    whole = write_gguf(tmp_path / "a.gguf", tokens=80).read_bytes()
    header = read_gguf_header(tmp_path / "a.gguf")
    path = tmp_path / "b.gguf"
    for size in [*range(0, header.data, 7), header.data, len(whole) - 1]:
        path.write_bytes(whole[:size])
        with pytest.raises(ModelFileError, match=r"cut off|room for|goes on"):
            read_gguf_header(path)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 32), changes=st.integers(1, 8))
def test_whatever_it_says_it_ends_with_one_kind_of_error(
    tmp_path: Path, seed: int, changes: int
) -> None:
    path = tmp_path / "a.gguf"
    if not path.exists():
        write_gguf(path, tokens=80)
    data, chance = bytearray(path.read_bytes()), random.Random(seed)
    for _ in range(changes):
        place = chance.randrange(min(4096, len(data)))
        data[place : place + chance.choice((1, 4, 8))] = chance.randbytes(chance.choice((1, 4, 8)))
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(data)
    tracemalloc.start()
    try:
        read_gguf_header(broken)
    except ModelFileError:
        pass
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 16 << 20


def test_the_largest_header_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    vocabulary = struct.pack("<IQ", 8, 1_000_000) + text(b"a word") * 1_000_000
    tensors = b"".join(
        tensor(f"blk.{number}.some_name.weight".encode(), 32, offset=128 * number)
        for number in range(16_384)
    )
    with path.open("wb") as file:
        file.write(made(key("tokens", 9, vocabulary), tensors=tensors, count=16_384))
        file.truncate(file.tell() + 128 * 16_385)
    tracemalloc.start()
    header = read_gguf_header(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert header.metadata["tokens"] == ArrayOf(1_000_000)
    assert len(header.tensors) == 16_384
    assert most < 16 << 20, most


def test_a_folder_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.gguf"):
        with pytest.raises(ModelFileError, match="cannot be read"):
            read_gguf_header(path)
