"""The gateway's addresses: models, conversations, texts and vectors, as OpenAI's API has them.

It listens on loopback, and answers only who names it as its host; a browser's page of another site
is refused, whatever it sends.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from lakelet.errors import CommandError, LakeletError
from lakelet.inference.backend import Backend, Sampling
from lakelet.inference.gateway.openai_api import (
    ChatRequest,
    Reply,
    as_line,
    error_body,
    read_chat,
)
from lakelet.inference.gateway.relay import Relay
from lakelet.inference.gateway.schemas import check_format
from lakelet.inference.gateway.texts import (
    TextReply,
    as_embeddings,
    read_embeddings,
    read_text,
)
from lakelet.inference.presets import Chosen
from lakelet.models import Model

__all__ = ("Offered", "create_gateway")

_LONGEST = 32 << 20
_LOOKS = 0.25
"""Seconds between looks whether a client that waits for its answer is still there."""


class Offered:
    """What a gateway offers.

    Args:
        models: the models, anew each time.
        choose: the model that is meant by a name, or by none.
        backend: an engine for one request, given whether it goes on with a text and has no use for
            a template, and who asks.
        loaded: what is loaded, with windows.
        sampling: how a model is sampled, given what a client says.
        window: tokens of a conversation; the most that memory allows without it.
        stop_loops: whether an answer ends that repeats itself; otherwise it is only marked.
    """

    def __init__(
        self,
        models: Callable[[], list[Model]],
        choose: Callable[[str], Model],
        backend: Callable[[bool, str], Backend],
        loaded: Callable[[], list[dict[str, Any]]],
        sampling: Callable[[Model, Sampling], Chosen],
        window: int | None = None,
        *,
        stop_loops: bool = False,
    ) -> None:
        self.models = models
        self.choose = choose
        self.backend = backend
        self.loaded = loaded
        self.sampling = sampling
        self.window = window
        self.stop_loops = stop_loops


def create_gateway(offered: Offered, hosts: frozenset[str]) -> Starlette:
    """The gateway as an application.

    Args:
        offered: its models, and what runs them.
        hosts: what it may be called, with its port.
    """

    def guarded(answer: Callable[[Offered, Request], Any]) -> Callable[[Request], Any]:
        async def guard(request: Request) -> Response:
            if request.headers.get("host", "").lower() not in hosts:
                return _refused(403, "this server is not called that.")
            origin = request.headers.get("origin")
            if origin is not None and origin.partition("://")[2] not in hosts:
                return _refused(403, "pages of other sites are not answered.")
            try:
                found = await answer(offered, request)
                assert isinstance(found, Response)
                return found
            except LakeletError as error:
                status, body = error_body(error)
                later = {"retry-after": "2"} if status == 429 else None
                return JSONResponse(body, status, headers=later)

        return guard

    return Starlette(
        routes=[
            Route("/v1/models", guarded(_models), methods=["GET"]),
            Route("/v1/models/{name:path}", guarded(_model), methods=["GET"]),
            Route("/v1/chat/completions", guarded(_chat), methods=["POST"]),
            Route("/v1/completions", guarded(_complete), methods=["POST"]),
            Route("/v1/embeddings", guarded(_embed), methods=["POST"]),
        ],
        exception_handlers={404: _nothing, 405: _nothing},
    )


def _refused(status: int, said: str) -> JSONResponse:
    told = {"message": said, "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": told}, status)


async def _nothing(_request: Request, error: Any) -> Response:
    return _refused(error.status_code, "there is nothing at this address; /v1/chat/completions is.")


def _told(model: Model, loaded: dict[str, Any]) -> dict[str, Any]:
    one = loaded.get(model.name)
    return {
        "id": model.name, "object": "model", "created": int(model.added), "owned_by": "lakelet",
        "lakelet": {"digest": model.digest, "loaded": one is not None,
                    "window": one["window"] if one else None,
                    "slots": one["slots"] if one else None},
    }  # fmt: skip


async def _models(offered: Offered, _request: Request) -> Response:
    def found() -> list[dict[str, Any]]:
        loaded = {one["name"]: one for one in offered.loaded()}
        return [_told(model, loaded) for model in offered.models()]

    return JSONResponse({"object": "list", "data": await asyncio.to_thread(found)})


async def _model(offered: Offered, request: Request) -> Response:
    def found() -> dict[str, Any]:
        model = offered.choose(request.path_params["name"])
        return _told(model, {one["name"]: one for one in offered.loaded()})

    return JSONResponse(await asyncio.to_thread(found))


async def _chat(offered: Offered, request: Request) -> Response:
    body = await _body(request)
    asked = read_chat(body)
    await asyncio.to_thread(check_format, body.get("response_format"))
    return await _answered(offered, request, asked, Reply, _client(request, body))


async def _complete(offered: Offered, request: Request) -> Response:
    body = await _body(request)
    return await _answered(offered, request, read_text(body), TextReply, _client(request, body))


async def _embed(offered: Offered, request: Request) -> Response:
    body = await _body(request)
    asked = read_embeddings(body)
    model = await asyncio.to_thread(offered.choose, asked.model)
    backend = offered.backend(True, _client(request, body))

    def found() -> dict[str, Any]:
        try:
            for _event in backend.load(model.name, context=offered.window):
                pass
            return as_embeddings(backend.embed(asked.texts), model.name, packed=asked.packed)
        finally:
            backend.close()

    return JSONResponse(await _unless_gone(request, backend.abort, asyncio.to_thread(found)))


def _client(request: Request, body: Any) -> str:
    """Who asks, as far as that can be told: turns go round among them."""
    told = (request.headers.get("authorization", ""), request.headers.get("user-agent", ""),
            str(body.get("user", "")) if isinstance(body, dict) else "")  # fmt: skip
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


async def _answered(
    offered: Offered, request: Request, asked: ChatRequest, kind: type[Reply], client: str
) -> Response:
    model = await asyncio.to_thread(offered.choose, asked.model)
    how = await asyncio.to_thread(offered.sampling, model, asked.sampling)
    relay = Relay(
        offered.backend(asked.conversation.raw, client), model, asked.conversation, how.sampling,
        offered.window,
        stop_loops=offered.stop_loops,
    )  # fmt: skip
    begun = await _unless_gone(request, relay.leave, relay.begin())
    reply = kind(model.name, begun.count, begun.room, begun.window)
    if asked.sampling.formed:
        reply.format = asked.sampling.more["response_format"]
    reply.facts["sampling"] = {name: {"value": value, "source": source}
                               for name, (value, source) in how.sources.items()}  # fmt: skip
    reply.facts["deviations"] = {name: {"asked": said, "recommended": wanted}
                                 for name, (said, wanted) in how.deviations.items()}  # fmt: skip
    reply.facts["warnings"] = how.warnings
    if asked.stream:
        return StreamingResponse(
            _stream(relay, reply, usage=asked.usage), media_type="text/event-stream",
            headers={"cache-control": "no-store"},
        )  # fmt: skip

    async def whole() -> None:
        async for event in relay.events():
            reply.looped = relay.looped
            reply.take(event)

    await _unless_gone(request, relay.leave, whole())
    return JSONResponse(reply.whole())


async def _stream(relay: Relay, reply: Reply, *, usage: bool) -> AsyncIterator[bytes]:
    """The answer in pieces; where it breaks off an error is its last, and it never ends cleanly."""
    try:
        yield as_line(reply.begin())
        try:
            async for event in relay.events():
                reply.looped = relay.looped
                if (chunk := reply.take(event)) is not None:
                    yield as_line(chunk)
        except LakeletError as error:
            yield as_line(error_body(error)[1])
            return
        if usage:
            yield as_line(reply.counted())
        yield b"data: [DONE]\n\n"
    finally:
        relay.leave()


async def _unless_gone(request: Request, leave: Callable[[], None], work: Any) -> Any:
    """Wait for something, unless who asked for it leaves before."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=_LOOKS)
            if not task.done() and await request.is_disconnected():
                leave()
                task.cancel()
                raise CommandError("who asked has left.")
        return await task
    except asyncio.CancelledError:
        leave()
        task.cancel()
        raise


async def _body(request: Request) -> Any:
    text = b""
    async for part in request.stream():
        text += part
        if len(text) > _LONGEST:
            raise CommandError(
                f"a request is at most {_LONGEST >> 20} MiB long; nothing was asked."
            )
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise CommandError("the request is no JSON; nothing was asked.") from None
