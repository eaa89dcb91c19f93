"""The application: its rooms, its guard, and what it says when something is wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from lakelet import __version__
from lakelet.errors import LakeletError
from lakelet.session import Workspace, open_workspace
from lakelet.web.answer import STATIC, environment, render
from lakelet.web.failure import RequestError, failure_of, failure_response, wants_page
from lakelet.web.guard import PORT, Guard
from lakelet.web.offering import Offering
from lakelet.web.room import Later, Room, Rooms
from lakelet.web.rooms import (
    altering,
    commands,
    comparing,
    deciding,
    dropping,
    files,
    home,
    loading,
    maintaining,
    palette,
    pipelines,
    quality,
    registry,
    restoring,
    run,
    run_acts,
    runs,
    sql,
    standing,
    table,
    table_account,
    tables,
    updating,
    uploading,
)
from lakelet.web.sql.runs import Runs
from lakelet.web.tokens import Tokens
from lakelet.workspace.folder import SETTINGS_FILE
from lakelet.workspace.loopback import allowed_hosts

__all__ = ("create_app",)


class _Static(StaticFiles):
    """Files whose addresses carry their digest, so that a browser never asks twice.

    Modules name one another without it: whether one has changed is asked each time.
    """

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        if b"v=" in scope["query_string"]:
            answer.headers["cache-control"] = "public, max-age=31536000, immutable"
        # What is drawn inside a picture of ours needs no rights of a page.
        answer.headers["content-security-policy"] = "default-src 'none'"
        return answer


class _PerThread:
    """A workspace for each thread that answers: what one keeps is not another's.

    It is opened anew when its settings were changed, by whomever.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.local = threading.local()

    def __call__(self) -> Workspace:
        found = getattr(self.local, "workspace", None)
        try:
            changed = (self.root / SETTINGS_FILE).stat().st_mtime_ns
        except FileNotFoundError:
            changed = 0  # told as what it is by whoever opens the workspace
        if found is None or self.local.changed != changed:
            found = self.local.workspace = open_workspace(self.root)
            found.source = "page"
            self.local.changed = changed
        assert isinstance(found, Workspace)
        return found


def create_app(
    root: Path,
    hosts: Iterable[str] | None = None,
    *,
    ending: Callable[[], bool] = lambda: False,
) -> Guard:
    """The web interface of a workspace, as an ASGI application.

    Args:
        root: the workspace's folder.
        hosts: ``name:port`` under which it is asked; this machine at the usual port without it.
        ending: whether the server is about to end; whoever is told things as they happen is told
            no more then.

    Raises:
        WorkspaceNotFoundError: there is none.
    """
    app = FastAPI(title="Lakelet", version=__version__, docs_url=None, redoc_url=None)
    app.state.workspace = _PerThread(root)
    app.state.ending = ending
    app.state.runs = Runs(app.state.workspace().folder)
    app.state.talks = {}
    app.state.tokens = Tokens(app.state.workspace().folder)
    app.state.pages = environment(app.state.workspace())
    for kind in (LakeletError, RequestError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, _failed)
    app.mount("/static", _Static(directory=STATIC), name="static")
    told = (
        home, deciding, quality, restoring, comparing, altering, maintaining, dropping, tables,
        table, standing, table_account, pipelines, updating, run_acts, registry, run, runs, files,
        loading, uploading, commands, sql, palette,
    )  # fmt: skip
    # What models need is imported by whoever looks at them.
    rooms: list[Room | Later] = [room.router for room in told]
    rooms += [
        Later("lakelet.web.rooms.models", "models"), Later("lakelet.web.rooms.chat", "chat"),
    ]  # fmt: skip
    known = allowed_hosts(PORT) if hosts is None else hosts
    offering = Offering(Rooms(app, rooms), app.state.workspace, known)
    return Guard(offering, known, runs=app.state.runs)


async def _failed(request: Request, error: Exception) -> Response:
    found = _told(error)
    answer: Response
    if wants_page(request):
        part = request.headers.get("hx-request") == "true"
        shown = "failed_part.html" if part else "failed.html"
        answer = render(request, shown, status=found.status, error=found)
    else:
        answer = failure_response(found.kind, found.message, found.hint, status=found.status)
    # Which methods an address knows, for one.
    answer.headers.update(getattr(error, "headers", None) or {})
    return answer


def _told(error: Exception) -> RequestError:
    if isinstance(error, RequestValidationError):
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in one['loc'][1:])}: {one['msg'].lower()}"
            for one in error.errors()
        )
        return RequestError(422, "unfit", f"the address does not say what it must: {wrong}.")
    if isinstance(error, HTTPException):
        if error.status_code == 404:
            return RequestError.not_found("there is no such page.", "Search finds what there is.")
        return RequestError(error.status_code, "refused", f"{error.detail}.")
    return failure_of(error)
