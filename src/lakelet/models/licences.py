"""What one may do with a model, by its licence's SPDX identifier.

A card says what the file says. Identifiers are those of the SPDX list, and `LicenseRef-…` for terms
that are not on it, as SPDX specifies for them (SPDX 2.3, annex D). The class is a plain reading for
people who choose, not legal advice; what is not known to be one or the other is unknown.

Source of the identifiers: the SPDX licence list.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ("CLASSES", "Licence", "licence_of")

CLASSES = ("permissive", "use-restricted", "non-commercial", "unknown")

_PERMISSIVE = {
    one.lower(): one
    for one in (
        "Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Unlicense", "CC0-1.0",
        "CC-BY-4.0", "CC-BY-SA-4.0", "Zlib", "BSL-1.0", "WTFPL", "CDLA-Permissive-2.0",
    )
}  # fmt: skip
_NON_COMMERCIAL = {
    one.lower(): one
    for one in (
        "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", "CC-BY-NC-ND-4.0", "CC-BY-NC-2.0", "CC-BY-NC-SA-3.0",
    )
}  # fmt: skip
# What the model hub calls licences of its own, where its name begins so.
_RESTRICTED = {
    "llama": "Llama", "gemma": "Gemma", "openrail": "OpenRAIL", "bigscience-openrail": "OpenRAIL",
    "bigscience-bloom-rail": "BLOOM-RAIL", "creativeml-openrail": "OpenRAIL",
    "bigcode-openrail": "OpenRAIL", "tongyi-qianwen": "Tongyi-Qianwen", "deepseek": "DeepSeek",
    "nvidia-open-model": "NVIDIA-Open-Model", "falcon-llm": "Falcon-LLM",
    "lfm": "LFM",
}  # fmt: skip
_NON_COMMERCIAL_NAMES = {
    "mrl": "Mistral-Research", "mistral-ai-research": "Mistral-Research", "qwen-research":
    "Qwen-Research", "apple-amlr": "Apple-AMLR", "fair-noncommercial": "FAIR-Noncommercial",
    "exaone": "EXAONE",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence.

    Attributes:
        spdx: its SPDX identifier, or ``LicenseRef-…``; '' where the file says nothing.
        kind: one of `CLASSES`.
    """

    spdx: str
    kind: str


def licence_of(said: object, name: object = None) -> Licence:
    """The licence that a file names.

    Args:
        said: ``general.license`` of a GGUF, ``license`` of a model card.
        name: ``general.license.name``, where it is another one.
    """
    text = said.strip() if isinstance(said, str) else ""
    if text.lower() in ("other", "unknown", ""):
        text = name.strip() if isinstance(name, str) else ""
    if not text:
        return Licence("", "unknown")
    low = text.lower().replace(" ", "-")
    for known, kind in ((_PERMISSIVE, "permissive"), (_NON_COMMERCIAL, "non-commercial")):
        if low in known:
            return Licence(known[low], kind)
    for starts, kind in ((_NON_COMMERCIAL_NAMES, "non-commercial"),
                         (_RESTRICTED, "use-restricted")):  # fmt: skip
        for start in sorted(starts, key=len, reverse=True):
            if low.startswith(start):
                rest = low.removeprefix(start).strip("-")
                version = f"-{rest}" if rest[:1].isdigit() else ""
                return Licence(f"LicenseRef-{starts[start]}{version}", kind)
    kept = "".join(one if one.isalnum() or one in ".-" else "-" for one in text)
    return Licence(f"LicenseRef-{kept}", "unknown")
