"""Pictures in messages: only such as a request carries itself; none is fetched from anywhere.

Sources: OpenAI's API reference (``image_url`` with a ``data:`` address); Ollama's ``images``.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lakelet.errors import CommandError

__all__ = ("parts_of_images", "picture_of_part")

_DATA = re.compile(r"data:image/[\w.+-]+;base64,(?P<raw>.*)", re.DOTALL)
_KINDS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif", b"BM": "bmp", b"RIFF": "webp"}


def picture_of_part(part: Mapping[str, Any]) -> dict[str, Any]:
    """A part of a message with a picture, as an engine takes it.

    Raises:
        CommandError: it is an address elsewhere, or no picture.
    """
    told = part.get("image_url")
    address = told.get("url") if isinstance(told, Mapping) else told
    found = _DATA.fullmatch(address) if isinstance(address, str) else None
    if found is None:
        raise CommandError(
            "a picture is taken as a data:image/…;base64, address only, and never fetched; nothing "
            "was asked."
        )
    return _part(found["raw"])


def parts_of_images(text: str, images: Sequence[Any]) -> list[dict[str, Any]]:
    """A message's text and its pictures as parts.

    Args:
        text: the text.
        images: as base64.

    Raises:
        CommandError: one is no picture.
    """
    return [{"type": "text", "text": text}, *(_part(one) for one in images)]


def _part(raw: Any) -> dict[str, Any]:
    try:
        content = base64.b64decode(raw, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise CommandError("a picture is no base64; nothing was asked.") from None
    kind = next((name for begins, name in _KINDS.items() if content.startswith(begins)), "")
    if not kind:
        raise CommandError(
            f"a picture begins with {content[:4]!r}, and is neither {', '.join(_KINDS.values())}; "
            "nothing was asked."
        )
    clean = base64.b64encode(content).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/{kind};base64,{clean}"}}
