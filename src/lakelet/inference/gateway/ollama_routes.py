"""The addresses of Ollama's API that its clients need, in front of the models of the store.

What changes the store (pull, push, create, copy, delete) is not done by a client: each is answered
with the command to type.

Source: Ollama's API reference (docs/api.md of its repository).
"""

from __future__ import annotations

import asyncio
import math
import re
import shlex
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from lakelet.errors import CommandError, LakeletError
from lakelet.inference.gateway.answering import (
    answered,
    asked_body,
    client_of,
    with_backend,
)
from lakelet.inference.gateway.offered import Offered
from lakelet.inference.gateway.ollama_api import (
    read_ollama_chat,
    read_ollama_text,
    seconds_of,
    told_to_think,
)
from lakelet.inference.gateway.ollama_replies import OllamaChatReply, OllamaTextReply, stamp
from lakelet.inference.gateway.openai_api import ChatRequest, whole_of
from lakelet.inference.gateway.replies import Reply
from lakelet.inference.gateway.texts import read_embeddings
from lakelet.inference.served import AnyModel

__all__ = ("ROUTES",)

_SPOKEN = "0.12.0"
"""The version of Ollama whose API this follows, which clients ask for."""
_LATEST = ":latest"

_TOOLS = re.compile(r"\btools\b")
"""A template that writes tools down names them so."""


async def _root(_offered: Offered, _request: Request) -> Response:
    return PlainTextResponse("Lakelet is running, and speaks the API of Ollama under /api.\n")


async def _version(_offered: Offered, _request: Request) -> Response:
    return JSONResponse({"version": _SPOKEN, "lakelet": version("lakelet")})


def _named(offered: Offered, name: Any) -> AnyModel:
    """The model that a client means; its names may end in a tag that the store does not know."""
    text = str(name or "")
    if text.endswith(_LATEST) and text not in [one.name for one in offered.models()]:
        text = text.removesuffix(_LATEST)
    return offered.choose(text)


def _details(model: AnyModel) -> dict[str, Any]:
    card = model.card
    return {
        "parent_model": "", "format": card.format, "family": card.family,
        "families": [card.family], "parameter_size": _size(card.parameters),
        "quantization_level": card.quantization,
    }  # fmt: skip


def _size(parameters: int) -> str:
    for unit, letter in ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "K")):
        if parameters >= unit:
            return f"{parameters / unit:.1f}{letter}"
    return str(parameters)


def _about(model: AnyModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "model": model.name,
        "size": model.card.bytes,
        "digest": model.digest,
    }


async def _tags(offered: Offered, _request: Request) -> Response:
    def found() -> list[dict[str, Any]]:
        told = []
        for model in offered.models():
            try:
                details = _details(model)
            except LakeletError:  # one that cannot be read is none that can be asked
                continue
            told.append({**_about(model), "modified_at": stamp(model.added), "details": details})
        return told

    return JSONResponse({"models": await asyncio.to_thread(found)})


async def _ps(offered: Offered, _request: Request) -> Response:
    def found() -> list[dict[str, Any]]:
        known = {one.name: one for one in offered.models()}
        told = []
        loaded = [(one, known.get(name)) for one in offered.loaded() for name in one["names"]]
        for one, model in loaded:
            if model is None:
                continue
            left = one["keep_seconds"] - one["idle_seconds"]
            until = "9999-12-31T00:00:00Z" if math.isinf(left) else stamp(time.time() + left)
            told.append({
                **_about(model), "size": one["memory"], "size_vram": 0, "expires_at": until,
                "details": _details(model), "context_length": one["window"],
            })  # fmt: skip
        return told

    return JSONResponse({"models": await asyncio.to_thread(found)})


async def _show(offered: Offered, request: Request) -> Response:
    body = await asked_body(request)

    def found() -> dict[str, Any]:
        model = _named(offered, body.get("model") or body.get("name"))
        card = model.card
        can = ["completion"] + ["thinking"] * (card.thinking != "none")
        can += ["embedding"] * bool(card.pooling) + ["vision"] * card.vision
        can += ["tools"] * bool(_TOOLS.search(card.template or ""))
        drawn = "\n".join(f"{name} {value:g}" for name, value in card.sampling.items())
        return {
            "modelfile": f"# lakelet models show {model.name}", "parameters": drawn,
            "template": card.template or "", "license": card.licence.spdx or "",
            "modified_at": stamp(model.added), "details": _details(model), "capabilities": can,
            "model_info": {
                "general.architecture": card.architecture,
                "general.parameter_count": card.parameters,
                f"{card.architecture}.context_length": card.context,
                f"{card.architecture}.block_count": card.layers,
            },
        }  # fmt: skip

    if not isinstance(body, dict):
        raise CommandError("the request is no JSON object.")
    return JSONResponse(await asyncio.to_thread(found))


async def _chat(offered: Offered, request: Request) -> Response:
    return await _asked(offered, request, read_ollama_chat, OllamaChatReply)


async def _generate(offered: Offered, request: Request) -> Response:
    return await _asked(offered, request, read_ollama_text, OllamaTextReply)


async def _asked(
    offered: Offered, request: Request, read: Callable[[Any], ChatRequest], kind: type[Reply]
) -> Response:
    body = await asked_body(request)
    asked = await asyncio.to_thread(read, body)
    model = await asyncio.to_thread(_named, offered, asked.model)
    asked = replace(asked, model=model.name)
    if not asked.conversation.messages:
        return await _made_ready(offered, request, model, asked, kind)
    asked = await asyncio.to_thread(told_to_think, asked, body, model)
    return await answered(offered, request, asked, kind, client_of(request, body))


async def _made_ready(
    offered: Offered, request: Request, model: AnyModel, asked: ChatRequest, kind: type[Reply]
) -> Response:
    """A request that asks nothing loads a model, or lets go of it at once."""
    empty = {"response": ""} if kind is OllamaTextReply else {
        "message": {"role": "assistant", "content": ""}
    }  # fmt: skip
    told = {"model": model.name, "created_at": stamp(), **empty, "done": True}
    if asked.keep == 0:
        await asyncio.to_thread(offered.unload, model.name)
        return JSONResponse({**told, "done_reason": "unload"})
    backend = offered.backend(model, raw=asked.conversation.raw, keep=asked.keep)
    await with_backend(offered, request, model, backend, asked.window, lambda: None)
    return JSONResponse({**told, "done_reason": "load"})


async def _embed(offered: Offered, request: Request) -> Response:
    body = await asked_body(request)
    asked = read_embeddings(body)
    options = body.get("options") or {}
    model = await asyncio.to_thread(_named, offered, asked.model)
    keep = seconds_of(body.get("keep_alive"))
    backend = offered.backend(model, raw=True, client=client_of(request, body), keep=keep)
    began = time.monotonic()
    window = whole_of(options, "num_ctx") if isinstance(options, dict) else None
    found = await with_backend(
        offered, request, model, backend, window, lambda: backend.embed(asked.texts)
    )
    return JSONResponse({
        "model": model.name, "embeddings": found.vectors, "prompt_eval_count": found.tokens,
        "total_duration": int((time.monotonic() - began) * 1e9), "load_duration": 0,
    })  # fmt: skip


def _typed(
    command: str, why: str = "clients do not change the store of models; type"
) -> Callable[[Offered, Request], Any]:
    async def answer(_offered: Offered, request: Request) -> Response:
        named = ""
        with suppress(LakeletError, AttributeError):
            body = await asked_body(request)
            named = str(body.get("destination") or body.get("model") or body.get("name") or "")
        if command.endswith(" add") and named:  # as Ollama's clients name what they pull
            hub = named.startswith(("hf.co/", "huggingface.co/"))
            named = f"hf:{named.partition('/')[2]}" if hub else f"ollama:{named}"
        typed = f"{command} {shlex.quote(named) if named else 'NAME'}"
        said = f"{why} `{typed}`."
        return JSONResponse({"error": said}, 501)

    return answer


ROUTES = (
    ("/", _root, "GET"),
    ("/api/version", _version, "GET"),
    ("/api/tags", _tags, "GET"),
    ("/api/ps", _ps, "GET"),
    ("/api/show", _show, "POST"),
    ("/api/chat", _chat, "POST"),
    ("/api/generate", _generate, "POST"),
    ("/api/embed", _embed, "POST"),
    ("/api/pull", _typed("lakelet models add"), "POST"),
    (
        "/api/push",
        _typed("lakelet models show", "nothing is pushed; where its files lie tells"),
        "POST",
    ),
    ("/api/create", _typed("lakelet models add FILE --name"), "POST"),
    ("/api/copy", _typed("lakelet models add FILE --name"), "POST"),
    ("/api/delete", _typed("lakelet models remove"), "DELETE"),
)
