"""A room: pages that belong together, made known to the application when one is first asked for.

FastAPI looks closely at what each page is given and gives back, which takes it milliseconds a page;
most people who start the server look at a few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ("Later", "Room", "Rooms")

_PARTS = "parts"
"""Parts of pages lie below it under the address of the pages."""


class Room:
    """Pages that belong together.

    Attributes:
        places: what its addresses begin with.
    """

    def __init__(self, tags: list[str]) -> None:
        """An empty room.

        Args:
            tags: under which the document of the API has its pages.
        """
        self.tags = tags
        self.places: set[str] = set()
        self._pages: list[tuple[str, Callable[..., Any], dict[str, Any]]] = []

    def add_api_route(self, path: str, look: Callable[..., Any], **more: Any) -> None:
        """Add an address, as `FastAPI.add_api_route` does."""
        self.places.add(place_of(path))
        self._pages.append((path, look, more))

    def include(self, app: FastAPI) -> None:
        """Make all its addresses known."""
        for path, look, more in self._pages:
            app.add_api_route(path, look, tags=list(self.tags), **more)


class Later:
    """A room whose module is imported when one of its pages is first asked for.

    Attributes:
        places: what its addresses begin with.
    """

    def __init__(self, module: str, *places: str) -> None:
        """Name a room.

        Args:
            module: where its ``router`` is.
            places: what its addresses begin with.
        """
        self.module = module
        self.places = set(places)

    def include(self, app: FastAPI) -> None:
        """Make all its addresses known."""
        found: Room = import_module(self.module).router
        assert found.places == self.places, f"{self.module} has pages at {found.places}"
        found.include(app)


def place_of(path: str) -> str:
    """What an address begins with."""
    first, _, rest = path.strip("/").partition("/")
    if first == _PARTS:
        first = rest.partition("/")[0]
    return first.removesuffix(".json")


class Rooms:
    """ASGI middleware that includes the rooms an address may belong to before it is looked for."""

    def __init__(self, app: FastAPI, rooms: Iterable[Room | Later]) -> None:
        """Wrap an application.

        Args:
            app: the application.
            rooms: its rooms, in the order in which addresses are looked for.
        """
        self.app: ASGIApp = app
        self._known = app
        self._waiting = list(rooms)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._waiting and scope["type"] == "http":
            self._include(place_of(scope["path"]))
        await self.app(scope, receive, send)

    def _include(self, place: str) -> None:
        if place == "static":
            return
        wanted = [room for room in self._waiting if place in room.places]
        # What nobody knows may be the document of all, or a mistake, which all have to be asked of.
        for room in wanted or list(self._waiting):
            self._waiting.remove(room)
            room.include(self._known)
