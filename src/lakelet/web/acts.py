"""Acts: what a person does on a page, each a form that is sent once and answered on a page.

A form is answered with the page it leads to (303), which shows what came of it, so that reloading
sends nothing again. What came of each form is kept in the metadata store under the name its token
gives it: sent a second time (a double click, a page from before a restart), it is answered with
what came of it the first time.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from anyio.to_thread import run_sync
from fastapi import Request
from fastapi.responses import RedirectResponse
from starlette.responses import JSONResponse, Response

from lakelet.errors import LakeletError
from lakelet.lake.storage.url import without_secrets
from lakelet.session import Workspace
from lakelet.web.failure import RequestError, failure_of, wants_page
from lakelet.web.room import Room
from lakelet.web.tokens import GOOD_SECONDS
from lakelet.workspace.processes import is_alive
from lakelet.workspace.store import open_store

__all__ = ("Act", "Done", "Outcome", "add_act", "outcome_of")

_MOST_BYTES = 1 << 20
_WAIT_SECONDS = 20.0
_KEPT_SECONDS = 2 * GOOD_SECONDS
"""What came of a form is kept for longer than its token is good."""


@dataclass(frozen=True)
class Done:
    """What came of an act.

    Attributes:
        said: what happened, in a sentence.
        place: the page that shows it.
        command: what would have done the same in a terminal.
        undo: the address of the page that takes it back; '' where there is none.
        begun: the command that runs beside the pages for it; '' where it is done already.
    """

    said: str
    place: str
    command: str = ""
    undo: str = ""
    begun: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a page says of an act that led to it.

    Attributes:
        state: ``done``, ``failed``, ``doing`` or ``lost``: the server ended while it did it.
        said: what happened.
        hint: what to do next.
        command: what would have done the same in a terminal.
        undo: the page that takes it back.
        begun: the command that runs beside the pages for it.
        form: what was sent, so that nobody types it again.
    """

    state: str
    said: str
    hint: str = ""
    command: str = ""
    undo: str = ""
    begun: str = ""
    form: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Act:
    """A form that was sent.

    Attributes:
        name: what it is known as; no other form has this name.
        workspace: the workspace.
        where: the parts of the address.
        form: its fields with all their values.
    """

    name: str
    workspace: Workspace
    where: Mapping[str, str]
    form: Mapping[str, list[str]]

    def one(self, key: str) -> str:
        """The value of a field; '' where it is not there."""
        return next(iter(self.form.get(key, ())), "").strip()

    def every(self, key: str) -> list[str]:
        """All values of a field."""
        return list(self.form.get(key, ()))


def add_act(room: Room, path: str, do: Callable[[Act], Done]) -> None:
    """Add an act: a form that is sent to an address.

    Args:
        room: where.
        path: the address.
        do: does it. What it raises is told on the page that the form came from.
    """

    async def send(request: Request) -> Response:
        form = await _form(request)
        return await run_sync(_answer, request, do, form)

    room.add_api_route(path, send, methods=["POST"], include_in_schema=False, name=do.__name__)


async def _form(request: Request) -> dict[str, list[str]]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/x-www-form-urlencoded":
        raise RequestError(415, "unfit", "a form is expected here; nothing was changed.")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            raise RequestError(413, "too large", "this form is too large; nothing was changed.")
    found: dict[str, list[str]] = {}
    try:
        for key, value in parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=10_000):
            found.setdefault(key, []).append(value.replace("\r\n", "\n"))
    except ValueError:  # no UTF-8, or too many fields
        raise RequestError(422, "unfit", "this form cannot be read; nothing was changed.") from None
    return found


def _answer(request: Request, do: Callable[[Act], Done], form: dict[str, list[str]]) -> Response:
    workspace: Workspace = request.app.state.workspace()
    name = request.app.state.tokens.check(next(iter(form.pop("token", ())), ""))
    came_from = _own_path(next(iter(form.pop("from", ())), ""))
    if _begin(workspace, name, form):
        place = _do(workspace, Act(name, workspace, request.path_params, form), do, came_from)
    else:
        place = _wait(workspace, name) or came_from
    if wants_page(request):
        return RedirectResponse(_with(place, done=name), status_code=303)
    outcome = outcome_of(workspace, name)
    return JSONResponse({"place": place, **asdict(outcome)} if outcome else {"place": place})


def _own_path(text: str) -> str:
    """Where on this server a form says it came from; the first page for anything else."""
    parts = urlsplit(text)
    if parts.scheme or parts.netloc or not text.startswith("/") or text.startswith(("//", "/\\")):
        return "/"
    return text


def _with(place: str, **query: str) -> str:
    parts = urlsplit(place)
    given = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k not in query]
    return parts._replace(query=urlencode([*given, *query.items()])).geturl()


def _begin(workspace: Workspace, name: str, form: dict[str, list[str]]) -> bool:
    """Note that a form is being acted on; False where it was before."""
    with open_store(workspace.folder) as store:
        store.execute("DELETE FROM acts WHERE time < ?", (time.time() - _KEPT_SECONDS,))
        return bool(
            store.execute(
                "INSERT OR IGNORE INTO acts (id, time, process, form) VALUES (?, ?, ?, ?)",
                (name, time.time(), os.getpid(), without_secrets(json.dumps(form))),
            ).rowcount
        )


def _do(workspace: Workspace, act: Act, do: Callable[[Act], Done], came_from: str) -> str:
    answer: dict[str, Any]
    try:
        done = do(act)
    except Exception as error:
        found = failure_of(error)
        answer = {"state": "failed", "said": found.message, "hint": found.hint or "",
                  "place": came_from}  # fmt: skip
        _end(workspace, act.name, answer)
        if not isinstance(error, LakeletError | RequestError):
            raise
        return came_from
    answer = {"state": "done", "said": done.said, "command": done.command, "undo": done.undo,
              "begun": done.begun, "place": done.place}  # fmt: skip
    _end(workspace, act.name, answer)
    return done.place


def _end(workspace: Workspace, name: str, answer: dict[str, Any]) -> None:
    with open_store(workspace.folder) as store:
        text = without_secrets(json.dumps(answer))
        store.execute("UPDATE acts SET answer = ? WHERE id = ?", (text, name))


def _wait(workspace: Workspace, name: str) -> str | None:
    """Where a form that is acted on already leads, once it does."""
    until = time.monotonic() + _WAIT_SECONDS
    while True:
        row = _row(workspace, name)
        if row is None:
            return None
        if row["answer"] is not None:
            return str(json.loads(row["answer"])["place"])
        if time.monotonic() > until or not is_alive(row["process"]):
            return None
        time.sleep(0.05)


def _row(workspace: Workspace, name: str) -> Any:
    with open_store(workspace.folder) as store:
        return store.execute("SELECT * FROM acts WHERE id = ?", (name,)).fetchone()


def outcome_of(workspace: Workspace, name: str) -> Outcome | None:
    """What came of a form, by its name; None where there was none of that name."""
    row = _row(workspace, name)
    if row is None:
        return None
    form = json.loads(row["form"])
    if row["answer"] is not None:
        answer = json.loads(row["answer"])
        answer.pop("place")
        return Outcome(**answer, form=form)
    if is_alive(row["process"]) and row["process"] == os.getpid():
        return Outcome("doing", "This is still being done.", "Reload to see what came of it.")
    return Outcome(
        "lost", "The server ended while it did this; whether it came through cannot be told here.",
        "What is shown below is what is there now; system.audit says what was begun.", form=form,
    )  # fmt: skip
