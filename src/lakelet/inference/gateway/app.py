"""The gateway: the APIs of OpenAI and of Ollama in front of models.

It listens on loopback, and answers only who names it as its host; a browser's page of another site
is refused, whatever it sends. Each API is answered in its own shapes, errors too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lakelet.errors import LakeletError
from lakelet.inference.gateway import ollama_routes, openai_routes
from lakelet.inference.gateway.offered import Offered
from lakelet.inference.gateway.ollama_api import ollama_error
from lakelet.inference.gateway.openai_api import error_body

__all__ = ("create_gateway",)


def create_gateway(offered: Offered, hosts: frozenset[str]) -> Starlette:
    """The gateway as an application.

    Args:
        offered: its models, and what runs them.
        hosts: what it may be called, with its port.
    """

    def guarded(answer: Callable[[Offered, Request], Any]) -> Callable[[Request], Any]:
        async def guard(request: Request) -> Response:
            if request.headers.get("host", "").lower() not in hosts:
                return _refused(request, 403, "this server is not called that.")
            origin = request.headers.get("origin")
            if origin is not None and origin.partition("://")[2] not in hosts:
                return _refused(request, 403, "pages of other sites are not answered.")
            try:
                found = await answer(offered, request)
                assert isinstance(found, Response)
                return found
            except LakeletError as error:
                status, body = (ollama_error(error) if _ollama(request)
                                else error_body(error, _prompt(request)))  # fmt: skip
                later = {"retry-after": "2"} if status == 429 else None
                return JSONResponse(body, status, headers=later)

        return guard

    return Starlette(
        routes=[
            Route(path, guarded(answer), methods=[method])
            for path, answer, method in (*openai_routes.ROUTES, *ollama_routes.ROUTES)
        ],
        exception_handlers={404: _nothing, 405: _nothing},
    )


def _ollama(request: Request) -> bool:
    return not request.url.path.startswith("/v1/")


def _prompt(request: Request) -> str:
    """The field of a request in which its prompt stands."""
    fields = {"/v1/completions": "prompt", "/v1/embeddings": "input"}
    return fields.get(request.url.path, "messages")


def _refused(request: Request, status: int, said: str) -> JSONResponse:
    if _ollama(request):
        return JSONResponse({"error": said}, status)
    told = {"message": said, "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": told}, status)


async def _nothing(request: Request, error: Any) -> Response:
    where = "/api/chat" if _ollama(request) else "/v1/chat/completions"
    return _refused(request, error.status_code, f"there is nothing at this address; {where} is.")
