"""The models of this machine beside the pages, at the addresses that `lakelet gateway` has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from lakelet.session import Workspace

__all__ = ("Offering",)

_PLACES = ("/v1/", "/api/")


class Offering:
    """ASGI middleware that answers what is asked of models, and passes on everything else.

    No token of a page is wanted here: programs ask. The gateway is made when the first one does.
    """

    def __init__(
        self, app: ASGIApp, workspace: Callable[[], Workspace], hosts: Iterable[str]
    ) -> None:
        """Wrap an application.

        Args:
            app: the application.
            workspace: the workspace, for the thread that asks.
            hosts: ``name:port`` under which it may be asked.
        """
        self.app = app
        self.workspace = workspace
        self.hosts = frozenset(hosts)
        self.gateway: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not scope["path"].startswith(_PLACES):
            await self.app(scope, receive, send)
            return
        if self.gateway is None:
            self.gateway = self._made()
        await self.gateway(scope, receive, send)

    def _made(self) -> ASGIApp:
        from lakelet.inference.gateway.app import create_gateway
        from lakelet.session.offered_models import offered

        return create_gateway(offered(self.workspace), self.hosts)
