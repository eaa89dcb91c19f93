"""SQL on a page: statements run, their results by rows, completion, queries that are kept."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import Query, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from lakelet.engines.dialect.splitting import split_statements
from lakelet.engines.statements.markers import number_markers
from lakelet.engines.wording import PLACED
from lakelet.errors import CommandError, LakeletError
from lakelet.lake import TableName
from lakelet.session import Workspace
from lakelet.session.completing import complete
from lakelet.session.moments import parse_moment
from lakelet.session.parameters import spoken_dialect
from lakelet.session.saved_queries import SavedQuery
from lakelet.session.searching import refresh
from lakelet.web.answer import Open, add_page
from lakelet.web.asked import asked_json, number_of, text_of
from lakelet.web.code import as_sql
from lakelet.web.failure import RequestError
from lakelet.web.room import Room
from lakelet.web.sql.results import OPERATORS, exported, rows_of, value_of
from lakelet.web.sql.runs import Run, Runs
from lakelet.workspace.store import open_store

__all__ = ("router",)

router = Room(["sql"])
_MOST_ROWS = 1000
_WAIT_SECONDS = 20.0
_LOOKS = 0.5
"""Seconds between looks whether the server ends."""
_HISTORY = 200
_KINDS = {"csv": "text/csv", "json": "application/json", "jsonl": "application/jsonl",
          "parquet": "application/vnd.apache.parquet"}  # fmt: skip


@dataclass(frozen=True)
class SqlPage:
    """Where statements are written.

    Attributes:
        queries: the queries that are kept.
        dialect: the dialect of the workspace.
        operators: what a column of a result can be asked.
        opened: the tab that the address asks for; None where it asks for none.
    """

    queries: list[SavedQuery]
    dialect: str
    operators: list[str]
    opened: Opened | None


@dataclass(frozen=True)
class Opened:
    """A tab that an address asks for.

    Attributes:
        name: what the tab is called.
        text: its SQL.
        query: the kept query it is; None where it is none.
    """

    name: str
    text: str
    query: str | None


def sql(
    request: Request,
    workspace: Open,
    query: Annotated[str, Query(description="A kept query to open in a tab.")] = "",
    table: Annotated[str, Query(description="A table to query in a new tab.")] = "",
    version: Annotated[str, Query(description="The version of that table.")] = "",
) -> SqlPage:
    """Where statements are written."""
    _runs(request).warm()
    refresh(workspace)
    dialect = workspace.folder.settings.sql.dialect
    opened = None
    if query:
        kept = workspace.saved_query(query)
        opened = Opened(kept.name, kept.text, kept.name)
    elif table:
        name = TableName.parse(table)
        # A moment that the page shows holds for every statement on it.
        opened = Opened(str(name), as_sql(name, None, version), None)
    return SqlPage(workspace.saved_queries(), dialect, list(OPERATORS), opened)


def _runs(request: Request) -> Runs:
    found = request.app.state.runs
    assert isinstance(found, Runs)
    return found


@dataclass(frozen=True)
class Statement:
    """A statement of a text.

    Attributes:
        text: the statement.
        begin: where it begins in the text, in characters.
        end: where it ends.
        parameters: the names of its parameters.
    """

    text: str
    begin: int
    end: int
    parameters: list[str]


def _statements(workspace: Workspace, text: str, dialect: str) -> list[Statement]:
    spoken = spoken_dialect(dialect or None, workspace.folder.settings.sql.dialect)
    found, at = [], 0
    for piece in split_statements(text, spoken):
        begin = text.index(piece.text, at)
        at = begin + len(piece.text)
        _, names = number_markers(piece.text, spoken)
        found.append(Statement(piece.text, begin, at, names))
    return found


async def statements(request: Request) -> Response:
    """The statements of a text, with where each is and which parameters it has."""
    asked = await asked_json(request)
    workspace: Workspace = await run_sync(request.app.state.workspace)
    try:
        found = await run_sync(
            _statements, workspace, text_of(asked, "text"), text_of(asked, "dialect")
        )
    except LakeletError as error:
        return JSONResponse({"statements": [], "error": error.message})
    return JSONResponse({"statements": [asdict(one) for one in found], "error": None})


async def begin(request: Request) -> Response:
    """Run one statement; with ``plan``, for its plan with rows and seconds of each step."""
    asked = await asked_json(request)
    params = asked.get("params", {})
    if not isinstance(params, dict) or not all(isinstance(k, str) for k in params):
        raise RequestError(422, "unfit", "params are no object; nothing was run.")
    at, text = text_of(asked, "at"), text_of(asked, "text")
    if not text.strip():
        raise RequestError(422, "unfit", "there is no statement; nothing was run.")
    if at:
        workspace: Workspace = await run_sync(request.app.state.workspace)
        parse_moment(at, workspace.time_zone)
    given = {key: value for key, value in params.items() if value is not None}
    dialect = text_of(asked, "dialect")
    plan = asked.get("plan") is True
    run = await run_sync(
        lambda: _runs(request).begin(text, given, at=at, dialect=dialect, plan=plan)
    )
    return JSONResponse(_told(run))


def _told(run: Run) -> dict[str, Any]:
    told = run.told()
    place = PLACED.search(told["error"] or "")
    told["line"], told["column"] = (int(place[1]), int(place[2])) if place else (None, None)
    return told


def _found(request: Request, name: str) -> Run:
    run = _runs(request).find(name)
    if run is None:
        raise RequestError(
            404, "gone", "this result is not kept any more.", "run the statement again."
        )
    return run


async def run_state(request: Request, name: str) -> Response:
    """What became of a statement so far; with ``seen``, as soon as that has changed."""
    run = _found(request, name)
    seen = request.query_params.get("seen", "")
    if seen.isascii() and seen.isdigit():
        left = _WAIT_SECONDS
        # A server that ends waits for nobody's news.
        while left > 0 and run.number <= int(seen) and not run.over:
            if request.app.state.ending():
                break
            await _runs(request).changed(run, int(seen), min(left, _LOOKS))
            left -= _LOOKS
    return JSONResponse(_told(run))


async def running(request: Request) -> Response:
    """The statements that wait or run."""
    return JSONResponse({"runs": [_told(run) for run in _runs(request).running()]})


async def cancel(request: Request, name: str) -> Response:
    """Stop a statement."""
    await asked_json(request)
    run = _found(request, name)
    await run_sync(_runs(request).cancel, run)
    await _runs(request).changed(run, 1 << 60, 2.0)
    return JSONResponse(_told(run))


async def derive(request: Request, name: str) -> Response:
    """Sort and filter a result."""
    asked = await asked_json(request)
    run = _finished(request, name)
    try:
        sort = [(int(at), bool(down)) for at, down in asked.get("sort", [])]
        filters = [(int(at), str(how), str(value)) for at, how, value in asked.get("filters", [])]
    except (TypeError, ValueError):
        raise RequestError(422, "unfit", "that is no order and no filter.") from None
    return JSONResponse(_told(await run_sync(_runs(request).derive, run, sort, filters)))


def _finished(request: Request, name: str) -> Run:
    run = _found(request, name)
    if run.state != "finished" or not run.facts.get("stored"):
        raise RequestError(409, "not yet", "this statement has no result, or not yet.")
    return run


def result_rows(
    request: Request,
    workspace: Open,
    name: str,
    first: int = Query(0, ge=0, description="The place of the first row, from 0."),
    count: int = Query(200, ge=1, le=_MOST_ROWS, description="How many rows."),
) -> Response:
    """Some rows of a result, as text."""
    run = _finished(request, name)
    rows = rows_of(workspace.folder, run.path, first, first + count)
    return JSONResponse({"first": first, "rows": rows})


def result_value(
    request: Request,
    workspace: Open,
    name: str,
    row: int = Query(ge=0, description="The place of the row, from 0."),
    column: int = Query(ge=0, description="The place of the column, from 0."),
) -> Response:
    """One value of a result, whole: rows have the beginnings of long ones."""
    run = _finished(request, name)
    return JSONResponse({"value": value_of(workspace.folder, run.path, row, column)})


def result_file(request: Request, workspace: Open, name: str, form: str) -> Response:
    """A whole result as a file."""
    run = _finished(request, name)
    if form not in _KINDS:
        raise CommandError(f"{form!r} is no form; it is one of {', '.join(_KINDS)}.")
    names = [column["name"] for column in run.facts["columns"]]
    with tempfile.TemporaryDirectory(dir=run.path.parent) as folder:
        target = Path(folder) / f"result.{form}"
        exported(workspace.folder, run.path, names, form, target)
        file = target.open("rb")

    def blocks() -> Iterator[bytes]:
        with file:
            while block := file.read(1 << 18):
                yield block

    headers = {"content-disposition": f'attachment; filename="result.{form}"'}
    return StreamingResponse(blocks(), media_type=_KINDS[form], headers=headers)


async def words(request: Request) -> Response:
    """What may stand at a place of a text."""
    asked = await asked_json(request)
    text, place = text_of(asked, "text"), number_of(asked, "place")
    workspace: Workspace = await run_sync(request.app.state.workspace)
    begins, found = await run_sync(complete, workspace, text, max(0, min(place, len(text))))
    return JSONResponse({"from": begins, "words": [asdict(word) for word in found]})


def history(workspace: Open, letters: str = "") -> Response:
    """The last statements through Lakelet, with what each read and wrote."""
    with open_store(workspace.folder) as store:
        rows = store.execute(
            "SELECT id, time, text, source, read, written, rows, seconds, error FROM queries "
            "WHERE instr(lower(text), ?) ORDER BY id DESC LIMIT ?",
            (letters.lower(), _HISTORY),
        ).fetchall()
    found = [
        {**dict(row), "read": json.loads(row["read"]), "written": json.loads(row["written"])}
        for row in rows
    ]
    return JSONResponse({"statements": found})


def kept(workspace: Open, letters: str = "") -> Response:
    """The queries that are kept, whose name or text holds some letters."""
    found = [
        {"name": one.name, "text": one.text, "changed": one.changed.isoformat()}
        for one in workspace.saved_queries(letters)
    ]
    return JSONResponse({"queries": found})


async def keep(request: Request) -> Response:
    """Keep a query, give it another name, or remove it."""
    asked = await asked_json(request)
    workspace: Workspace = await run_sync(request.app.state.workspace)
    return await run_sync(_keep, workspace, asked)


def _keep(workspace: Workspace, asked: dict[str, Any]) -> Response:
    do, name = text_of(asked, "do"), text_of(asked, "name")
    if do == "save":
        workspace.save_query(name, text_of(asked, "text"), over=bool(asked.get("over")))
    elif do == "rename":
        workspace.rename_query(name, text_of(asked, "new"))
    elif do == "delete":
        workspace.delete_query(name)
    else:
        raise RequestError(422, "unfit", f"{do!r} is nothing to do; nothing was changed.")
    return kept(workspace)


add_page(router, "/sql", "sql.html", sql)
for path, look, method in (
    ("/sql/statements", statements, "POST"), ("/sql/runs", begin, "POST"),
    ("/sql/runs", running, "GET"), ("/sql/runs/{name}", run_state, "GET"),
    ("/sql/runs/{name}/cancel", cancel, "POST"), ("/sql/runs/{name}/derive", derive, "POST"),
    ("/sql/runs/{name}/rows", result_rows, "GET"), ("/sql/runs/{name}/value", result_value, "GET"),
    ("/sql/runs/{name}/result.{form}", result_file, "GET"), ("/sql/words", words, "POST"),
    ("/sql/history", history, "GET"), ("/sql/queries", kept, "GET"),
    ("/sql/queries", keep, "POST"),
):  # fmt: skip
    router.add_api_route(path, look, methods=[method], include_in_schema=False)
