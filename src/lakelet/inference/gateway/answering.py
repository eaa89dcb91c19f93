"""One request of a client, whichever API it speaks: read, sent through a relay, and told."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from lakelet.errors import CommandError, EngineError, LakeletError
from lakelet.inference.backend import Backend, Message
from lakelet.inference.gateway.offered import Exchange, Offered
from lakelet.inference.gateway.openai_api import ChatRequest
from lakelet.inference.gateway.relay import Relay
from lakelet.inference.gateway.replies import Reply
from lakelet.inference.gateway.tools import calls_told, choosing
from lakelet.inference.served import AnyModel
from lakelet.models import Model

__all__ = ("answered", "asked_body", "client_of", "unless_gone", "with_backend")

_LONGEST = 32 << 20
_LOOKS = 0.25
"""Seconds between looks whether a client that waits for its answer is still there."""


async def asked_body(request: Request) -> Any:
    """The body of a request.

    Raises:
        CommandError: it is too long, or no JSON.
    """
    text = b""
    async for part in request.stream():
        text += part
        if len(text) > _LONGEST:
            raise CommandError(
                f"a request is at most {_LONGEST >> 20} MiB long; nothing was asked."
            )
    try:
        found = json.loads(text)
        if b"\\u" in text:
            json.dumps(found, ensure_ascii=False).encode()
        return found
    except UnicodeEncodeError:
        raise CommandError(
            "the request holds half a letter (a surrogate by itself); nothing was asked."
        ) from None
    except (ValueError, RecursionError):
        raise CommandError("the request is no JSON; nothing was asked.") from None


def client_of(request: Request, body: Any) -> str:
    """Who asks, as far as that can be told: turns go round among them."""
    told = (request.headers.get("authorization", ""), request.headers.get("user-agent", ""),
            str(body.get("user", "")) if isinstance(body, dict) else "")  # fmt: skip
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def _window(offered: Offered, model: AnyModel, asked: int | None) -> int | None:
    """Tokens of the conversation: no more than the gateway gives, and than the model takes."""
    found = min((one for one in (asked, offered.window) if one is not None), default=None)
    most = model.card.context or model.card.trained_context
    return min(found, most) if found is not None and most else found


async def answered(
    offered: Offered, request: Request, asked: ChatRequest, kind: type[Reply], client: str
) -> Response:
    """Answer a request, piece by piece or whole.

    Args:
        offered: the models, and what runs them.
        request: the request; who leaves ends it.
        asked: what it asks for.
        kind: how it is told.
        client: who asks.

    Raises:
        LakeletError: it does not fit, or the model does not load; nothing was sent.
    """
    model = await asyncio.to_thread(offered.choose, asked.model)
    ignored = list(asked.ignored)
    if isinstance(model, Model):
        conversation, sampling = choosing(asked.conversation, asked.sampling)
        if sampling.thought_tokens is not None and model.card.thinking == "none":
            sampling = replace(sampling, thought_tokens=None)
            ignored.append("thinking_budget_tokens")
        asked = replace(asked, conversation=conversation, sampling=sampling)
    how = await asyncio.to_thread(offered.sampling, model, asked.sampling)
    relay = Relay(
        offered.backend(model, raw=asked.conversation.raw, client=client, keep=asked.keep), model,
        asked.conversation, how.sampling, _window(offered, model, asked.window),
        stop_loops=offered.stop_loops,
    )  # fmt: skip
    reply = kind(model.name, await unless_gone(request, relay.leave, relay.begin()))
    reply.single = asked.sampling.more.get("parallel_tool_calls") is False
    if asked.sampling.formed:
        reply.format = asked.sampling.more["response_format"]
    reply.facts["sampling"] = {name: {"value": value, "source": source}
                               for name, (value, source) in how.every.items()}  # fmt: skip
    reply.facts["deviations"] = {name: {"asked": said, "recommended": wanted}
                                 for name, (said, wanted) in how.deviations.items()}  # fmt: skip
    reply.facts["warnings"] = [*how.warnings, *relay.notes]
    if asked.window and asked.window > reply.facts["window"]:
        reply.facts["window_asked"] = asked.window
    if ignored:
        reply.facts["ignored"] = sorted(ignored)

    async def ended(wrong: str = "") -> None:
        """Record the request and its answer, where that is wished."""
        if offered.record is not None:
            said = tuple(_recorded_message(one) for one in asked.conversation.messages)
            calls = [call for _, call in sorted(reply.calls.items())]
            await asyncio.to_thread(offered.record, Exchange(
                model, said, _recorded(reply.text, calls), reply.thought, reply.usage,
                "failed" if wrong else reply.reason, wrong or " ".join(relay.wrong),
            ))  # fmt: skip

    if asked.stream:
        return StreamingResponse(
            _stream(relay, reply, ended, usage=asked.usage), media_type=reply.media,
            headers={"cache-control": "no-store"},
        )  # fmt: skip

    async def whole() -> None:
        async for event in relay.events():
            reply.looped = relay.looped
            reply.wrong = relay.wrong
            reply.take(event)

    try:
        await unless_gone(request, relay.leave, whole())
    except LakeletError as error:
        await ended(error.message)
        raise
    await ended()
    return JSONResponse(reply.whole())


async def _stream(
    relay: Relay, reply: Reply, ended: Callable[[str], Awaitable[None]], *, usage: bool
) -> AsyncIterator[bytes]:
    """The answer in pieces; where it breaks off an error is its last, and it never ends cleanly."""
    wrong = "who asked has left."
    try:
        if (first := reply.begin()) is not None:
            yield reply.line(first)
        try:
            async for event in relay.events():
                reply.looped = relay.looped
                reply.wrong = relay.wrong
                if (told := reply.take(event)) is not None:
                    yield reply.line(told)
        except LakeletError as error:
            wrong = error.message
            yield reply.line(reply.error(error)[1])
            return
        except Exception as error:  # whatever it is, the stream does not end cleanly
            wrong = f"the answer broke off ({type(error).__name__}: {error})."
            yield reply.line(reply.error(EngineError(wrong))[1])
            return
        wrong = ""
        yield reply.closing(usage=usage)
    finally:
        relay.leave()
        with anyio.CancelScope(shield=True):
            await ended(wrong)


async def with_backend(
    offered: Offered, request: Request, model: AnyModel, backend: Backend, window: int | None,
    work: Callable[[], Any],
) -> Any:  # fmt: skip
    """Do something with a loaded model, unless who asked for it leaves before."""

    def done() -> Any:
        try:
            for _event in backend.load(model.name, context=_window(offered, model, window)):
                pass
            return work()
        finally:
            backend.close()

    return await unless_gone(request, backend.abort, _in_a_thread(done))


async def _in_a_thread(work: Callable[[], Any]) -> Any:
    """Do what may wait long, in a thread of its own: others wait for those that all share."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def tell(how: Callable[[Any], None], what: Any) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(lambda: None if done.done() else how(what))

    def run() -> None:
        try:
            tell(done.set_result, work())
        except Exception as error:
            tell(done.set_exception, error)

    threading.Thread(target=run, name="lakelet vectors", daemon=True).start()
    return await done


def _recorded_message(one: Message) -> Message:
    return replace(one, content=_recorded(one.content, one.more.get("tool_calls") or ()))


def _recorded(text: str, calls: Sequence[Mapping[str, Any]]) -> str:
    """A message as it is kept, with the calls of tools in it."""
    return "\n".join(filter(None, (text, calls_told(calls))))


async def unless_gone(request: Request, leave: Callable[[], None], work: Awaitable[Any]) -> Any:
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
