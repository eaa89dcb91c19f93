"""What every request and every answer must say, on a page that runs on one's own machine.

A page of another site can make a browser ask this server, under a name of its own that resolves to
this machine (DNS rebinding) or across sites. So a request must name this server as its host, and,
where it names an origin, this one. Answers say what a page may load: nothing but what comes from
here (Content Security Policy Level 3).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lakelet.web.failure import failure_response
from lakelet.web.sql.runs import Runs

__all__ = ("PORT", "Guard")

PORT = 8320
"""Where the interface is found unless told otherwise."""

_SAFE = ("GET", "HEAD")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}


class Guard:
    """ASGI middleware that refuses foreign requests and says what pages may do.

    Raises nothing: a refused request is answered in the one shape of errors, with status 403.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], *, runs: Runs) -> None:
        """Wrap an application.

        Args:
            app: the application.
            hosts: ``name:port`` under which it may be asked.
            runs: the statements that its pages run, which end with the server.
        """
        self.app, self.runs = app, runs
        self.hosts = frozenset(hosts)
        self.origins = frozenset(f"http://{host}" for host in self.hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        nonce = scope["nonce"] = secrets.token_urlsafe(16)
        policy = _POLICY.format(nonce=nonce)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _ALWAYS.items():
                    headers[name] = value
                headers.setdefault("content-security-policy", policy)
                headers.setdefault("cache-control", "no-cache")
            await send(message)

        wrong = self._foreign(scope)
        if wrong is not None:
            answer = failure_response("refused", wrong, None, status=403)
            await answer(scope, receive, guarded)
            return
        if scope["method"] == "HEAD":
            # The same answer without its body, which whoever sends it leaves out (RFC 9110, 9.3.2).
            scope = {**scope, "method": "GET"}
        await self.app(scope, receive, guarded)

    def _foreign(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        if host not in self.hosts:
            return f"this server is not {host or 'a host without a name'}; nothing was read."
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in self.origins:
            return f"a page of {origin} may not ask this server; nothing was read."
        site = headers.get("sec-fetch-site", "same-origin")
        navigates = headers.get("sec-fetch-mode") == "navigate" and scope["method"] in _SAFE
        if site not in ("same-origin", "none") and not navigates:
            return "a page of another site may not ask this server; nothing was read."
        return None
