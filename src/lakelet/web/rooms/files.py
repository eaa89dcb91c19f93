"""Raw files: volumes and what lies in them, a look into each, and the tables it went into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Query
from fastapi.responses import StreamingResponse

from lakelet.lake.storage import storage_for
from lakelet.lake.volumes import volumes
from lakelet.session.moments import parse_moment
from lakelet.session.raw_files import (
    Destination,
    Place,
    Preview,
    destinations,
    look_at,
    preview,
)
from lakelet.web.answer import At, Open, add_page
from lakelet.web.failure import RequestError
from lakelet.web.room import Room

__all__ = ("drawn_or_saved", "router")

router = Room(["files"])
_BLOCK = 1 << 18
# What a browser may draw by itself; everything else is handed over to be saved.
_DRAWN = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif",
    ".webp": "image/webp", ".avif": "image/avif",
}  # fmt: skip
_SANDBOX = "sandbox; default-src 'none'; style-src 'none'; img-src 'self'"


@dataclass(frozen=True)
class Volume:
    """A volume.

    Attributes:
        name: its name.
        location: its folder or URI.
    """

    name: str
    location: str


@dataclass(frozen=True)
class Volumes:
    """The volumes.

    Attributes:
        volumes: in order of their names, ``files`` first.
    """

    volumes: list[Volume]


def volume_list(workspace: Open) -> Volumes:
    """The volumes of the workspace."""
    return Volumes([Volume(name, place) for name, place in volumes(workspace.folder).items()])


@dataclass(frozen=True)
class FilePage:
    """A file or a folder.

    Attributes:
        place: what lies there.
        destinations: the tables it went into, the newest load first.
        preview: a look into it; None for a folder.
        line: the line looked for; None for the beginning.
    """

    place: Place
    destinations: list[Destination]
    preview: Preview | None
    line: int | None


Asked = Annotated[str, Query(description="A path from the workspace, a volume's path, or a URI.")]


def file_page(
    workspace: Open,
    path: Asked,
    line: Annotated[int | None, Query(ge=1, description="The line to look at.")] = None,
    at: At = None,
) -> FilePage:
    """A file, a look into it, and the tables it went into; or what a folder holds."""
    place = look_at(workspace, path)
    if place.kind == "folder":
        return FilePage(place, [], None, None)
    found = destinations(workspace, place.name)
    if at is not None:
        until = parse_moment(at, workspace.time_zone)
        found = [one for one in found if one.loaded_at <= until]
    if place.kind == "gone":
        if not found:
            raise RequestError.not_found(f"there is nothing at {path}.")
        return FilePage(place, found, None, line)
    return FilePage(place, found, preview(workspace, place, line=line), line)


def file_bytes(workspace: Open, path: Asked) -> StreamingResponse:
    """The bytes of a file, with no rights at all: what is in it cannot act for who looks."""
    place = look_at(workspace, path)
    if place.kind != "file":
        raise RequestError.not_found(f"there is no file at {path}.")
    file = storage_for(workspace.folder, place.location).open(place.location)

    def blocks() -> Iterator[bytes]:
        with file:
            while block := file.read(_BLOCK):
                yield block

    return drawn_or_saved(blocks(), Path(place.location).suffix)


def drawn_or_saved(blocks: Iterator[bytes], ending: str) -> StreamingResponse:
    """Bytes without rights: drawn where they are a picture, else handed over to be saved."""
    kind = _DRAWN.get(ending.lower())
    headers = {"content-security-policy": _SANDBOX, "x-content-type-options": "nosniff"}
    if kind is None:
        headers["content-disposition"] = "attachment"
    return StreamingResponse(blocks, media_type=kind or "application/octet-stream", headers=headers)


add_page(router, "/files", "files.html", volume_list)
add_page(router, "/file", "file.html", file_page)
router.add_api_route("/file/bytes", file_bytes, methods=["GET"], response_class=StreamingResponse)
