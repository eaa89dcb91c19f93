"""The header of a GGUF file, read by its own rules and bounded by them.

A card needs a template, some numbers and the list of tensors, not the vocabulary: arrays are
stepped over, and whatever a header says, little of it is kept. A file is never trusted: every count
is held against what a model can have, every place against the file's size.

Source: GGUF specification, ggml ``docs/gguf.md`` (versions 2 and 3).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from lakelet.errors import ModelFileError
from lakelet.models.tensor_types import TENSOR_TYPES, TensorType

__all__ = ("ArrayOf", "GgufHeader", "TensorInfo", "read_gguf_header")

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q",
            12: "d"}  # fmt: skip
_STRING, _ARRAY = 8, 9
_MOST_KEYS = 4096
_MOST_TENSORS = 16_384
_MOST_DIMENSIONS = 4
_MOST_KEPT = 6 << 20
"""Bytes of keys, names and values that are kept of one header."""
_MOST_HEADER = 256 << 20
"""Bytes of a header: a vocabulary of a million words with its merges takes a tenth of it."""
_KEPT_ELEMENTS = 64
_ELEMENT = 40
"""Bytes that an element of an array takes when it is kept."""
"""An array of no more elements is kept: languages, tags, the sections of a rope."""
_DEEPEST = 3
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """An array that was stepped over.

    Attributes:
        length: how many elements it has.
    """

    length: int


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A tensor of a file.

    Attributes:
        name: its name.
        shape: its dimensions, the fastest first, as GGML has them.
        kind: its type; None for one that is not known here.
        number: GGML's number of the type.
        offset: where it begins, from the beginning of the data.
    """

    name: str
    shape: tuple[int, ...]
    kind: TensorType | None
    number: int
    offset: int

    @property
    def weights(self) -> int:
        """How many numbers it holds."""
        count = 1
        for one in self.shape:
            count *= one
        return count

    @property
    def bytes(self) -> int:
        """How many bytes it takes; 0 where its type is not known."""
        return self.weights // self.kind.block * self.kind.bytes if self.kind else 0


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What a GGUF file says before its weights.

    Attributes:
        version: of the format.
        metadata: values by key; long arrays as `ArrayOf`.
        tensors: in the file's order.
        data: where the weights begin, in bytes from the beginning of the file.
        size: the file's bytes.
    """

    version: int
    metadata: dict[str, Any] = field(repr=False)
    tensors: list[TensorInfo] = field(repr=False)
    data: int
    size: int


def read_gguf_header(path: Path) -> GgufHeader:
    """Read the header of a GGUF file; no weight is read, and at most some megabytes are kept.

    Args:
        path: the file.

    Raises:
        ModelFileError: it is none, it is cut off, or it says what no model has.
    """
    try:
        with path.open("rb") as file:
            return _Reader(path, file).read()
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror or error}.") from None


class _Reader:
    """A header, read through a window that moves forward."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self.file = file
        self.size = file.seek(0, 2)
        file.seek(0)
        self.window = b""
        self.at = 0  # within the window
        self.start = 0  # of the window, within the file
        self.kept = 0

    def read(self) -> GgufHeader:
        if not _MAGIC.startswith(self.take(min(len(_MAGIC), self.size))):
            raise self.wrong("does not begin as GGUF does", hint="a model's file ends in .gguf.")
        self.at = 0
        _, version = self.unpack("II")
        if version not in _VERSIONS:
            swapped = version in (v << 24 for v in _VERSIONS)
            what = "for big-endian machines" if swapped else f"of version {version}"
            raise self.wrong(f"is a GGUF file {what}; versions 2 and 3 can be read")
        tensors, keys = self.unpack("QQ")
        if tensors > _MOST_TENSORS or keys > _MOST_KEYS:
            raise self.wrong(
                f"says it has {tensors:,} tensors and {keys:,} keys; no model has "
                f"more than {_MOST_TENSORS:,} and {_MOST_KEYS:,}"
            )
        metadata: dict[str, Any] = {}
        for _ in range(keys):
            key = self.text("a key", most=65_535)
            if key in metadata:
                raise self.wrong(f"has the key {key!r} twice")
            (kind,) = self.unpack("I")
            metadata[key] = self.value(kind, key, 0)
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 0 < alignment <= 1 << 16 or alignment % 8:
            raise self.wrong(f"says general.alignment is {alignment!r}")
        infos = [self.tensor(alignment) for _ in range(tensors)]
        if len({one.name for one in infos}) < len(infos):
            raise self.wrong("has two tensors of one name")
        here = self.start + self.at
        data = here + -here % alignment
        self.check_end(infos, data)
        return GgufHeader(version, metadata, infos, data, self.size)

    def tensor(self, alignment: int) -> TensorInfo:
        name = self.text("a tensor's name", most=1024)
        (count,) = self.unpack("I")
        if not 0 < count <= _MOST_DIMENSIONS:
            raise self.wrong(f"says the tensor {name!r} has {count:,} dimensions")
        shape = self.unpack(f"{count}Q")
        number, offset = self.unpack("IQ")
        found = TensorInfo(name, shape, TENSOR_TYPES.get(number), number, offset)
        if offset % alignment:
            raise self.wrong(f"puts the tensor {name!r} at {offset:,}, between its places")
        if found.kind and shape[0] % found.kind.block:
            raise self.wrong(
                f"says rows of {name!r} have {shape[0]:,} weights in blocks of {found.kind.block}"
            )
        return found

    def check_end(self, tensors: list[TensorInfo], data: int) -> None:
        """Whether all weights are there: a download that was cut off has its header."""
        end = max((data + one.offset + one.bytes for one in tensors), default=data)
        if end > self.size:
            raise self.wrong(
                f"is cut off: its weights end at byte {end:,}, the file at {self.size:,}",
                hint="fetch it again.",
            )

    def value(self, kind: int, key: str, deep: int) -> Any:
        if kind in _NUMBERS:
            return self.unpack(_NUMBERS[kind])[0]
        if kind == _STRING:
            return self.text(key, most=_MOST_KEPT)
        if kind != _ARRAY:
            raise self.wrong(f"has a value of the unknown type {kind} for {key!r}")
        inner, length = self.unpack("IQ")
        if deep >= _DEEPEST:
            raise self.wrong(f"has arrays too deep in one another for {key!r}")
        if length <= _KEPT_ELEMENTS:
            self.keep(_ELEMENT * length)
            return [self.value(inner, key, deep + 1) for _ in range(length)]
        if inner in _NUMBERS:
            self.skip(length * struct.calcsize(f"<{_NUMBERS[inner]}"), key)
        elif inner == _STRING:
            self.skip_texts(length, key)
        elif inner == _ARRAY:
            raise self.wrong(f"has {length:,} arrays in one for {key!r}")
        else:
            raise self.wrong(f"has a value of the unknown type {inner} for {key!r}")
        return ArrayOf(length)

    def skip_texts(self, count: int, key: str) -> None:
        """Step over texts: the vocabulary's, so nothing else is done in this loop."""
        if count * 8 > self.size - self.start - self.at:
            raise self.wrong(f"says it has {count:,} texts for {key!r}, more than it has room for")
        unpack = struct.Struct("<Q").unpack_from
        while count:
            if self.at + 8 > len(self.window):
                self.fill(8)
            window, at, passed = self.window, self.at, 0
            try:
                for passed in range(1, count + 1):  # noqa: B007 - how far it came counts
                    at += 8 + unpack(window, at)[0]
            except (struct.error, OverflowError):
                passed -= 1  # the last one went beyond the window: go on from where it ends
            count -= passed
            self.skip(at - self.at, key)

    def text(self, what: str, *, most: int) -> str:
        (length,) = self.unpack("Q")
        if length > most:
            raise self.wrong(f"says {what!r} is {length:,} bytes long")
        self.keep(length)
        return self.take(length).decode("utf-8", "replace")

    def keep(self, size: int) -> None:
        self.kept += size + 64
        if self.kept > _MOST_KEPT:
            raise self.wrong(f"has more than {_MOST_KEPT >> 20} MiB of keys and names")

    def unpack(self, form: str) -> tuple[Any, ...]:
        form = f"<{form}"
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.window):
            self.fill(count)
        taken = self.window[self.at : self.at + count]
        self.at += count
        return taken

    def skip(self, count: int, key: str) -> None:
        if self.at + count <= len(self.window):
            self.at += count
            return
        place = self.start + self.at + count
        if place > self.size or place > _MOST_HEADER:
            raise self.wrong(f"says {key!r} goes on to byte {place:,}; the file has {self.size:,}")
        self.file.seek(place)
        self.start, self.window, self.at = place, b"", 0

    def fill(self, count: int) -> None:
        here = self.start + self.at
        if here + count > self.size:
            raise self.wrong(
                f"is cut off in its header, at byte {self.size:,}", hint="fetch it again."
            )
        if here + count > _MOST_HEADER:
            raise self.wrong(f"has a header of more than {_MOST_HEADER >> 20} MiB")
        self.file.seek(here)
        self.window = self.file.read(max(count, _BLOCK))
        if len(self.window) < count:  # it got shorter while it was read
            raise self.wrong(f"is cut off in its header, at byte {here + len(self.window):,}")
        self.start, self.at = here, 0

    def wrong(self, what: str, *, hint: str | None = None) -> ModelFileError:
        return ModelFileError(f"{self.path} {what}.", hint=hint)
