"""Conversations with models: those that are kept, and one that is held as it is looked at."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import Query, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from lakelet.errors import LakeletError, ModelChoiceError
from lakelet.inference import Sampling
from lakelet.inference.metering import Meter
from lakelet.models import Model
from lakelet.models.wishes import parse_tokens
from lakelet.session import Workspace
from lakelet.session.conversations import Kept, Said
from lakelet.session.talking import Talking
from lakelet.web.acts import Act, Done, add_act
from lakelet.web.answer import Open, add_page
from lakelet.web.asked import asked_json, number_of, text_of
from lakelet.web.code import as_command
from lakelet.web.failure import RequestError
from lakelet.web.room import Room
from lakelet.web.talks import Talk

__all__ = ("router",)

router = Room(["chat"])
_MOST_LISTED = 200
_NEW = re.compile(r"[0-9a-f]{12}")
_OVERFLOWS = ("fail", "drop-oldest")


@dataclass(frozen=True)
class Spoken:
    """A model that can be talked to.

    Attributes:
        name: its name.
        thinks: whether it thinks before it answers.
        switch: whether its template can be told not to.
        sampling: how it is sampled, and where each value comes from.
        warnings: what its makers advise against.
    """

    name: str
    thinks: bool
    switch: bool
    sampling: str
    warnings: list[str]


@dataclass(frozen=True)
class ChatPage:
    """Conversations, and one of them.

    Attributes:
        kept: the conversations, the newest first.
        letters: that were said in them; '' for all.
        talk: the conversation that is shown; None for a new one.
        said: its messages.
        meter: where the tokens of its last prompt went; None where nobody counted.
        generated: tokens of its last answer.
        models: the models that can be talked to.
        chosen: the model that is meant.
        wrong: why no model is meant, where several are there.
        command: what goes on with it in a terminal.
        open: whether its last answer may still be being written.
    """

    kept: list[Kept]
    letters: str
    talk: Kept | None
    said: list[Said]
    meter: Meter | None
    generated: int
    models: list[Spoken]
    chosen: str
    wrong: str
    command: str
    open: bool


def chat(
    workspace: Open,
    model: Annotated[str, Query(description="The model to talk to.")] = "",
    q: Annotated[str, Query(description="Letters that were said.")] = "",
) -> ChatPage:
    """The conversations that are kept, and a new one."""
    return _page(workspace, None, [], model, q.strip())


def one_chat(
    workspace: Open,
    id: str,  # noqa: A002 - as the address has it
    q: Annotated[str, Query(description="Letters that were said.")] = "",
) -> ChatPage:
    """A conversation with a model."""
    try:
        talk, said = workspace.conversation(id)
    except LakeletError as error:
        raise RequestError.not_found(error.message, "It may have been deleted.") from None
    return _page(workspace, talk, said, talk.model, q.strip())


def _page(
    workspace: Workspace, talk: Kept | None, said: list[Said], model: str, letters: str
) -> ChatPage:
    models = [found for one in workspace.models() if (found := _spoken(workspace, one))]
    if workspace.folder.settings.models.servers:
        models += [Spoken(one.name, False, False, "as the server does by itself", [])
                   for one in workspace.served_models()[0]]  # fmt: skip
    names = [one.name for one in models]
    wrong, chosen = "", model
    if model not in names:
        if talk is not None:
            wrong = f"{model} is not there any more; choose the model to go on with."
        try:
            chosen = workspace.chosen_model("").name
        except ModelChoiceError:
            chosen = ""
        chosen = chosen if chosen in names else next(iter(names), "")
        if model and talk is None and chosen:
            wrong = f"There is no model {model} here to talk to; {chosen} is chosen."
    counted = [one for one in said if one.meter is not None]
    words = ["chat", *([chosen] if chosen else []), *(["--go-on", talk.id] if talk else [])]
    return ChatPage(
        workspace.conversations(letters)[:_MOST_LISTED], letters, talk, said,
        counted[-1].meter if counted else None, counted[-1].generated or 0 if counted else 0,
        models, chosen, wrong, as_command(words), _is_open(talk, said),
    )  # fmt: skip


def _is_open(talk: Kept | None, said: list[Said]) -> bool:
    """Whether the last answer may still come: who writes it waits so long for its engine."""
    if talk is None or not said or said[-1].role != "assistant" or said[-1].ended:
        return False
    return datetime.now(UTC) - talk.updated < timedelta(minutes=10)


def _spoken(workspace: Workspace, model: Model) -> Spoken | None:
    """How a model can be talked to; None where it holds no conversation, or cannot be read."""
    try:
        card = model.card
        if card.template is None:
            return None
        how = workspace.sampling_of(model)
    except LakeletError:
        return None
    thinks = card.thinking != "none"
    switch = thinks and "enable_thinking" in card.template
    return Spoken(model.name, thinks, switch, str(how), how.warnings)


async def say(request: Request) -> Response:
    """Say something; what happens comes as it happens, an object of JSON a line."""
    asked = await asked_json(request)
    text = text_of(asked, "text")
    if not text.strip():
        raise RequestError(422, "unfit", "nothing was said; nothing was asked.")
    open_workspace = request.app.state.workspace

    def begin() -> Talking:
        return _talking(open_workspace(), asked)

    talk = Talk(begin, text)
    talks: dict[str, Talk] = request.app.state.talks
    return StreamingResponse(
        _kept_in(talks, text_of(asked, "key"), talk),
        media_type="application/x-ndjson",
        headers={"cache-control": "no-store"},
    )


async def _kept_in(talks: dict[str, Talk], key: str, talk: Talk) -> AsyncIterator[bytes]:
    """What a talk tells, kept for as long under the key by which it is stopped."""
    talks[key] = talk
    try:
        async for line in talk.lines():
            yield line
    finally:
        talks.pop(key, None)


async def stop(request: Request) -> Response:
    """End an answer that comes; what had come is kept."""
    asked = await asked_json(request)
    talk = request.app.state.talks.get(text_of(asked, "key"))
    if talk is not None:
        talk.stop()
    return JSONResponse({"stopped": talk is not None})


def _talking(workspace: Workspace, asked: dict[str, Any]) -> Talking:
    context, overflow = text_of(asked, "context"), text_of(asked, "overflow") or "fail"
    if overflow not in _OVERFLOWS:
        raise RequestError(422, "unfit", f"overflow is {' or '.join(_OVERFLOWS)}.")
    new = text_of(asked, "new")
    if new and not _NEW.fullmatch(new):
        raise RequestError(422, "unfit", "new is no name of a conversation; nothing was asked.")
    temperature = asked.get("temperature")
    if temperature is not None and (
        isinstance(temperature, bool) or not isinstance(temperature, int | float) or temperature < 0
    ):
        raise RequestError(422, "unfit", "temperature is no number from 0; nothing was asked.")
    talking = workspace.talk(
        text_of(asked, "model"), system=text_of(asked, "system"), think=text_of(asked, "think"),
        context=parse_tokens(context) if context else None, overflow=overflow,
        sampling=Sampling(temperature=temperature), go_on=text_of(asked, "id"),
        name=new,
    )  # fmt: skip
    if "messages" in asked:
        talking.expect(number_of(asked, "messages"))
    if "at" in asked:
        talking.back_to(number_of(asked, "at"))
    return talking


async def prompt(request: Request) -> Response:
    """The prompt as the model saw it, up to a message; its model is loaded for it."""
    asked = await asked_json(request)

    def found() -> str:
        workspace: Workspace = request.app.state.workspace()
        model = text_of(asked, "model")
        talking = workspace.talk(model, go_on=text_of(asked, "id"), think=text_of(asked, "think"))
        return talking.prompt(number_of(asked, "messages"))

    return JSONResponse({"prompt": await run_sync(found)})


def delete(act: Act) -> Done:
    """Delete a conversation for good."""
    kept = act.workspace.delete_conversation(act.where["id"])
    command = as_command(["chat", "--delete", kept.id])
    return Done(f"The conversation {kept.id} is gone: {kept.messages} messages.", "/chat", command)


router.add_api_route("/chat/say", say, methods=["POST"], include_in_schema=False)
router.add_api_route("/chat/stop", stop, methods=["POST"], include_in_schema=False)
router.add_api_route("/chat/prompt", prompt, methods=["POST"], include_in_schema=False)
add_page(router, "/chat", "chat.html", chat)
add_page(router, "/chat/{id}", "chat.html", one_chat)
add_act(router, "/chat/{id}/delete", delete)
