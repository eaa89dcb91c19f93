"""A page and its twin: the same facts as HTML for people and as JSON for programs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_type_hints
from urllib.parse import urlencode

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from pydantic import AfterValidator

from lakelet.lake import TableName
from lakelet.session import Workspace
from lakelet.session.moments import parse_moment
from lakelet.session.sample import OPERATORS
from lakelet.web.acts import outcome_of
from lakelet.web.code import as_command, as_python, as_sql, run_as_python, run_as_sql
from lakelet.web.links import Links
from lakelet.web.room import Room
from lakelet.web.words import filters

__all__ = ("STATIC", "At", "Open", "add_page", "environment", "render")

STATIC = Path(__file__).parent / "static"


def _open(request: Request) -> Workspace:
    found = request.app.state.workspace()
    assert isinstance(found, Workspace)
    return found


Open = Annotated[Workspace, Depends(_open)]
"""The workspace, for the thread that answers."""
At = Annotated[
    str | None,
    Query(alias="at", description="The moment as of which everything is shown; now without it."),
    AfterValidator(lambda at: at or None),
]
"""The moment a page shows."""


def _known_moment(workspace: Open, at: At = None) -> None:
    """Refuse what is no moment, also where a page would not have looked at it.

    Raises:
        SqlError: it is none.
    """
    if at:
        parse_moment(at, workspace.time_zone)


@cache
def _version(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def _static(name: str) -> str:
    """The address of a file that never changes under that address."""
    return f"/static/{name}?v={_version(name)}"


def environment(workspace: Workspace) -> Environment:
    """The templates, with what they all use; whatever they are given is escaped."""
    found = Environment(
        loader=PackageLoader("lakelet.web"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(filters(workspace.time_zone))
    found.globals.update(
        static=_static,
        workspace_name=workspace.folder.root.name,
        zone=workspace.time_zone,
        icons=_static("vendor/icons.svg"),
        remote_runs=bool(workspace.folder.settings.runs.tracking),
        operators=tuple(OPERATORS),
        named=TableName,
        as_python=as_python,
        as_sql=as_sql,
        run_as_python=run_as_python,
        run_as_sql=run_as_sql,
        command=as_command,
    )
    return found


def render(request: Request, template: str, status: int = 200, **facts: Any) -> HTMLResponse:
    """A template with facts."""
    pages: Environment = request.app.state.pages
    at = request.query_params.get("at") or None
    done = request.query_params.get("done")
    kept = [one for one in request.query_params.multi_items() if one[0] not in ("at", "done")]
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    text = pages.get_template(template).render(
        request=request,
        nonce=request.scope["nonce"],
        links=Links(at),
        at=at,
        path=request.url.path,
        here=here,
        now_here=request.url.path + (f"?{urlencode(kept)}" if kept else ""),
        token=request.app.state.tokens.new,
        outcome=outcome_of(request.app.state.workspace(), done) if done else None,
        **facts,
    )
    return HTMLResponse(text, status_code=status)


def add_page(
    router: Room, path: str, template: str, look: Callable[..., Any], *, twin: bool = True
) -> None:
    """Add a page, and beside it the twin whose address ends in ``.json``.

    Args:
        router: where.
        path: the page's address.
        template: what shows it.
        look: what finds its facts, a dependency as FastAPI knows them; what it returns says, by
            its type, what the twin is made of.
        twin: whether it has one; parts of a page have that of the page.
    """
    model = get_type_hints(look, include_extras=True)["return"]

    def facts_only(facts: Any = Depends(look)) -> Any:
        return facts

    def page(request: Request, facts: Any = Depends(look)) -> HTMLResponse:
        return render(request, template, page=facts)

    said = (look.__doc__ or "").strip().partition("\n")[0]
    if twin:
        router.add_api_route(
            f"{path.rstrip('/') or '/home'}.json", facts_only, methods=["GET"],
            response_model=model, name=look.__name__, summary=said,
            dependencies=[Depends(_known_moment)],
        )  # fmt: skip
    router.add_api_route(
        path, page, methods=["GET"], response_class=HTMLResponse, include_in_schema=False,
        name=f"{look.__name__} page", dependencies=[Depends(_known_moment)],
    )  # fmt: skip
