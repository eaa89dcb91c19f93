"""The addresses of OpenAI's API: models, conversations, texts and vectors."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelet.errors import LakeletError
from lakelet.inference.asking import USER_AGENT
from lakelet.inference.gateway.answering import answered, asked_body, client_of, with_backend
from lakelet.inference.gateway.offered import Offered
from lakelet.inference.gateway.openai_api import read_chat
from lakelet.inference.gateway.openai_replies import ChatReply, TextReply
from lakelet.inference.gateway.schemas import check_format
from lakelet.inference.gateway.texts import as_embeddings, read_embeddings, read_text
from lakelet.inference.served import AnyModel

__all__ = ("ROUTES",)


def _loaded(offered: Offered) -> dict[str, Any]:
    """What is loaded, by each name it is asked by."""
    return {name: one for one in offered.loaded() for name in one["names"]}


def _told(offered: Offered, model: AnyModel, loaded: dict[str, Any]) -> dict[str, Any]:
    one = loaded.get(model.name)
    most = _most(model)
    windows = [size for size in (one and one["window"], offered.window, most) if size]
    return {
        "id": model.name, "object": "model", "created": int(model.added), "owned_by": "lakelet",
        "max_context_length": most,
        "lakelet": {"digest": model.digest, "loaded": one is not None,
                    "window": min(windows, default=None) if one or offered.window else None,
                    "slots": one["slots"] if one else None,
                    "context": one["context"] if one else None},
    }  # fmt: skip


def _most(model: AnyModel) -> int | None:
    """Tokens that a model takes at most, by its file; what is loaded may be less."""
    try:
        card = model.card
    except LakeletError:
        return None
    return min(card.trained_context or card.context, 32_768) or None


async def _models(offered: Offered, request: Request) -> Response:
    # Two gateways that name each other, or one that names itself, would ask without end.
    models = offered.own if request.headers.get("user-agent") == USER_AGENT else offered.models

    def found() -> list[dict[str, Any]]:
        loaded = _loaded(offered)
        return [_told(offered, model, loaded) for model in models()]

    return JSONResponse({"object": "list", "data": await asyncio.to_thread(found)})


async def _model(offered: Offered, request: Request) -> Response:
    def found() -> dict[str, Any]:
        model = offered.choose(request.path_params["name"])
        return _told(offered, model, _loaded(offered))

    return JSONResponse(await asyncio.to_thread(found))


async def _chat(offered: Offered, request: Request) -> Response:
    body = await asked_body(request)
    asked = read_chat(body)
    await asyncio.to_thread(check_format, body.get("response_format"))
    return await answered(offered, request, asked, ChatReply, client_of(request, body))


async def _complete(offered: Offered, request: Request) -> Response:
    body = await asked_body(request)
    return await answered(offered, request, read_text(body), TextReply, client_of(request, body))


async def _embed(offered: Offered, request: Request) -> Response:
    body = await asked_body(request)
    asked = read_embeddings(body)
    model = await asyncio.to_thread(offered.choose, asked.model)
    backend = offered.backend(model, raw=True, client=client_of(request, body))
    found = await with_backend(
        offered, request, model, backend, None, lambda: backend.embed(asked.texts)
    )
    return JSONResponse(as_embeddings(found, model.name, packed=asked.packed))


ROUTES = (
    ("/v1/models", _models, "GET"),
    ("/v1/models/{name:path}", _model, "GET"),
    ("/v1/chat/completions", _chat, "POST"),
    ("/v1/completions", _complete, "POST"),
    ("/v1/embeddings", _embed, "POST"),
)
