"""Which files make one model: the parts of a split file, its projector, its adapters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lakelet.errors import CommandError, ModelFileError
from lakelet.models.gguf_header import GgufHeader

__all__ = ("joined", "names_of_parts", "parts_of", "role_of")

_PART = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf$")


def names_of_parts(name: str) -> list[str]:
    """The names of all parts of a GGUF by that of one, in order; of one that is whole, its own."""
    found = _PART.match(name)
    if found is None:
        return [name]
    return [f"{found['stem']}-{number:05}-of-{found['count']}.gguf"
            for number in range(1, int(found["count"]) + 1)]  # fmt: skip


def parts_of(path: Path) -> list[Path]:
    """All files of a GGUF that may be split, in order; one that is not is its only part.

    Raises:
        CommandError: a part is missing.
    """
    names = names_of_parts(path.name)
    if len(names) == 1:
        return [path]
    missing = [name for name in names if not (path.parent / name).is_file()]
    if missing:
        shown = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
        raise CommandError(
            f"{path} is one of {len(names)} parts, and of these {shown} "
            f"{'is' if len(missing) == 1 else 'are'} not beside it; nothing was added.",
            hint="put all of them into one folder.",
        )
    return [path.parent / name for name in names]


def role_of(header: GgufHeader) -> str:
    """What a GGUF file is to a model: ``weights``, ``projector`` or ``adapter``."""
    if header.metadata.get("general.architecture") == "clip":
        return "projector"
    if header.metadata.get("general.type") == "adapter":
        return "adapter"
    return "weights"


def joined(headers: Sequence[GgufHeader]) -> GgufHeader:
    """The header of a split model as if it were one file: the first's words, all tensors.

    Raises:
        ModelFileError: a part is missing, or one is another model's.
    """
    first = headers[0]
    if len(headers) == 1:
        return first
    tensors = [tensor for header in headers for tensor in header.tensors]
    wanted = first.metadata.get("split.tensors.count")
    if isinstance(wanted, int) and wanted != len(tensors):
        raise ModelFileError(
            f"the parts have {len(tensors):,} tensors together, and the first says {wanted:,}.",
            hint="the parts are not of one model: fetch them again.",
        )
    return replace(first, tensors=tensors, size=sum(header.size for header in headers))
