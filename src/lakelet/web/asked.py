"""What a script of a page asks for: an object of JSON behind a token."""

from __future__ import annotations

import json
from typing import Any

from anyio.to_thread import run_sync
from fastapi import Request

from lakelet.web.failure import RequestError

__all__ = ("TOKEN", "asked_json", "number_of", "text_of")

TOKEN = "x-lakelet-token"
"""The header that a script of a page shows its token in."""
_MOST_BYTES = 4 << 20


async def asked_json(request: Request) -> dict[str, Any]:
    """The body of a request that acts, once its token is checked.

    Raises:
        RequestError: it is too long, has no good token, or is no object.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            raise RequestError(413, "too large", "that is too long; nothing was done.")
    await run_sync(request.app.state.tokens.check, request.headers.get(TOKEN, ""))
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        raise RequestError(422, "unfit", "the request is no JSON; nothing was done.") from None
    if not isinstance(found, dict):
        raise RequestError(422, "unfit", "the request is no JSON object; nothing was done.")
    return found


def text_of(asked: dict[str, Any], key: str) -> str:
    """A text of a request; '' where it is not there."""
    value = asked.get(key, "")
    if not isinstance(value, str):
        raise RequestError(422, "unfit", f"{key} is no text; nothing was done.")
    return value


def number_of(asked: dict[str, Any], key: str, usual: int = 0) -> int:
    """A whole number of a request."""
    value = asked.get(key, usual)
    if not isinstance(value, int) or isinstance(value, bool):
        raise RequestError(422, "unfit", f"{key} is no whole number; nothing was done.")
    return value
