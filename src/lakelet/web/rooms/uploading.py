"""Files dropped on a page, streamed into a volume; what was cut off goes on where it was."""

from __future__ import annotations

import os

from anyio.to_thread import run_sync
from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from lakelet.session import Workspace
from lakelet.session.uploads import Upload, append, begin_upload, finish, take
from lakelet.web.asked import TOKEN
from lakelet.web.failure import RequestError
from lakelet.web.room import Room

__all__ = ("router",)

router = Room(["files"])
_MOST_PIECE = 64 << 20
_MOST_SIZE = 1 << 44


def _asked(request: Request) -> tuple[Workspace, Upload]:
    """The upload that a request is about, by what the file is."""
    request.app.state.tokens.check(request.headers.get(TOKEN, ""))
    workspace: Workspace = request.app.state.workspace()
    query = request.query_params
    size, modified = query.get("size", ""), query.get("modified", "0")
    if not (size.isascii() and size.isdigit() and modified.isascii() and modified.isdigit()):
        raise RequestError(422, "unfit", "an upload says its size in bytes; nothing was written.")
    if int(size) > _MOST_SIZE:
        raise RequestError(413, "too large", "no file is that large; nothing was written.")
    upload = begin_upload(
        workspace, query.get("folder", ""), query.get("name", ""), int(size), int(modified)
    )
    return workspace, upload


def _state(upload: Upload, path: str | None = None) -> JSONResponse:
    return JSONResponse({"name": upload.name, "come": upload.come, "size": upload.size,
                         "path": path})  # fmt: skip


async def begin(request: Request) -> Response:
    """How much of a file has come so far."""
    _, upload = await run_sync(_asked, request)
    return _state(upload)


async def piece(request: Request) -> Response:
    """Take a piece of a file, from the byte at which the last one ended."""
    workspace, upload = await run_sync(_asked, request)
    offset = request.query_params.get("offset", "")
    if not (offset.isascii() and offset.isdigit()):
        raise RequestError(422, "unfit", "a piece says at which byte it begins.")
    room = min(upload.size - int(offset), _MOST_PIECE)
    descriptor = append(upload, int(offset))
    try:
        async for part in request.stream():
            room -= len(part)
            if room < 0:
                raise RequestError(413, "too large", f"{upload.name} is longer than it said.")
            take(descriptor, part, upload)
    except ClientDisconnect:
        return Response(status_code=400)
    finally:
        os.close(descriptor)
    if upload.come < upload.size:
        return _state(upload)
    return await run_sync(_finished, workspace, upload)


def _finished(workspace: Workspace, upload: Upload) -> Response:
    return _state(upload, finish(workspace, upload, "page"))


router.add_api_route("/uploads", begin, methods=["POST"], include_in_schema=False)
router.add_api_route("/uploads/piece", piece, methods=["POST"], include_in_schema=False)
