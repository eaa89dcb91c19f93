"""Pipelines: what each declares, how its updates went, and what happens in one right now."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from lakelet.errors import LakeletError
from lakelet.pipelines.outline import OutlineStep
from lakelet.pipelines.progress import StepState, step_states
from lakelet.session import Workspace
from lakelet.web.answer import Open, add_page
from lakelet.web.failure import RequestError
from lakelet.web.room import Room
from lakelet.web.rooms.layout import MOST_DRAWN, Drawing, draw

__all__ = ("router",)

router = Room(["pipelines"])
_LOOK_SECONDS = 0.7
_SHOWN = 100


@dataclass(frozen=True)
class Update:
    """An update of a pipeline.

    Attributes:
        update: its number.
        pipeline: the pipeline.
        state: ``running``, ``published``, ``failed``, ``interrupted``.
        started: when it began.
        ended: when it ended.
        message: what came of it.
    """

    update: int
    pipeline: str
    state: str
    started: datetime | None
    ended: datetime | None
    message: str | None


def updates_of(
    workspace: Workspace, pipeline: str | None = None, since: datetime | None = None
) -> list[Update]:
    """The updates of a pipeline, or of all, the newest first; from a moment on, if one is given."""
    return [Update(**one) for one in workspace.updates(pipeline, since=since)]


@dataclass(frozen=True)
class PipelineRow:
    """A pipeline in the list.

    Attributes:
        name: its name.
        last: its last five updates, the oldest first.
        trigger: what its job waits for, if it has one.
        next: when that is due.
    """

    name: str
    last: list[Update]
    trigger: str | None
    next: datetime | None


@dataclass(frozen=True)
class PipelineList:
    """All pipelines.

    Attributes:
        pipelines: in order of their names.
    """

    pipelines: list[PipelineRow]


def pipeline_list(workspace: Open) -> PipelineList:
    """The pipelines with their last five updates."""
    updates: dict[str, list[Update]] = {}
    for one in updates_of(workspace):
        updates.setdefault(one.pipeline, []).append(one)
    jobs = {job["pipeline"]: job for job in workspace.jobs()}
    return PipelineList(
        [
            PipelineRow(
                name,
                updates.get(name, [])[:5][::-1],
                jobs.get(name, {}).get("trigger"),
                jobs.get(name, {}).get("next"),
            )
            for name in workspace.pipelines()
        ]
    )


@dataclass(frozen=True)
class Step:
    """A dataset of a pipeline, and how it fared in the update shown.

    Attributes:
        outline: what is declared.
        state: how it fared.
    """

    outline: OutlineStep
    state: StepState


@dataclass(frozen=True)
class PipelinePage:
    """A pipeline, as its last update left it.

    Attributes:
        name: its name.
        error: what is wrong with its files; None where nothing is.
        hint: what to do about it.
        update: the update shown; None before the first.
        last: the last five updates, the oldest first.
        steps: the datasets.
        drawing: where they stand; None where there are too many.
    """

    name: str
    error: str | None
    hint: str | None
    update: Update | None
    last: list[Update]
    steps: list[Step]
    drawing: Drawing | None


def _known(workspace: Open, pipeline: str) -> str:
    if pipeline not in workspace.pipelines():
        raise RequestError.not_found(
            f"there is no pipeline {pipeline}.", "`lakelet new pipeline NAME` makes one."
        )
    return pipeline


Known = Annotated[str, Depends(_known)]


def pipeline_page(
    workspace: Open,
    name: Known,
    update: Annotated[
        int | None, Query(description="The update shown; the last without it.")
    ] = None,
) -> PipelinePage:
    """A pipeline: its datasets, and how each fared in an update."""
    updates = updates_of(workspace, name)
    shown = next((one for one in updates if update in (None, one.update)), None)
    if update is not None and shown is None:
        raise RequestError.not_found(f"{name} had no update {update}.")
    try:
        declared, error, hint = workspace.outline(name).steps, None, None
    except LakeletError as wrong:
        declared, error, hint = [], wrong.message, wrong.hint
    states = step_states(workspace.events(shown.update)) if shown else {}
    if shown is not None and shown.state in ("failed", "interrupted"):
        # Of a step that was at work when its process ended, nothing tells the end.
        states = {
            step: replace(one, state="interrupted") if one.state == "running" else one
            for step, one in states.items()
        }
    names = {one.name for one in declared}
    gone = [
        OutlineStep(step, "not declared any more", None, [], [], "", 0, [])
        for step in states
        if step not in names
    ]
    steps = [Step(one, states.get(one.name, StepState())) for one in (*declared, *gone)]
    drawing = (
        draw({one.outline.name: one.outline.inputs for one in steps})
        if 0 < len(steps) <= MOST_DRAWN
        else None
    )
    return PipelinePage(name, error, hint, shown, updates[:5][::-1], steps, drawing)


@dataclass(frozen=True)
class Updates:
    """The updates of a pipeline.

    Attributes:
        name: the pipeline.
        updates: the newest first.
        count: how many there are.
    """

    name: str
    updates: list[Update]
    count: int


def pipeline_updates(
    workspace: Open,
    name: Known,
    first: Annotated[int, Query(ge=0, description="How many of the newest to pass over.")] = 0,
) -> Updates:
    """The updates of a pipeline, the newest first, a hundred at a time."""
    found = updates_of(workspace, name)
    return Updates(name, found[first : first + _SHOWN], len(found))


@dataclass(frozen=True)
class Events:
    """What happened in an update.

    Attributes:
        name: the pipeline.
        update: the update.
        events: in order: number, time, dataset, kind, message, details.
    """

    name: str
    update: Update
    events: list[dict[str, Any]]


def update_events(workspace: Open, name: Known, update: int) -> Events:
    """What happened in an update, in order."""
    shown = next((one for one in updates_of(workspace, name) if one.update == update), None)
    if shown is None:
        raise RequestError.not_found(f"{name} had no update {update}.")
    return Events(name, shown, workspace.events(update))


@dataclass(frozen=True)
class SourceFile:
    """A file of a pipeline.

    Attributes:
        path: from the workspace.
        text: what is in it.
        wrong: the line of it that the error is about; None where there is none.
    """

    path: str
    text: str
    wrong: int | None = None


@dataclass(frozen=True)
class Source:
    """The files of a pipeline.

    Attributes:
        name: the pipeline.
        files: its files.
        error: what is wrong with them; None where nothing is.
        hint: what to do about it.
    """

    name: str
    files: list[SourceFile]
    error: str | None
    hint: str | None


def pipeline_source(workspace: Open, name: Known) -> Source:
    """The files of a pipeline, as they are now, with what is wrong at its line."""
    root = workspace.folder.root
    error = hint = None
    try:
        workspace.plan(name)
    except LakeletError as wrong:
        error, hint = wrong.message, wrong.hint
    found = []
    for path in sorted((root / "pipelines" / name).rglob("*")):
        if path.suffix in (".sql", ".py", ".toml") and path.is_file():
            told = str(path.relative_to(root))
            line = _line_of(error or "", told)
            found.append(SourceFile(told, path.read_text("utf-8", "replace"), line))
    return Source(name, found, error, hint)


def _line_of(error: str, path: str) -> int | None:
    """The line of a file that an error speaks of, as errors of pipelines name it."""
    for name in (path, path.partition("/")[2], path.rpartition("/")[2]):
        match = re.search(rf"(?<![\w/]){re.escape(name)}:(\d+)", error)
        if match:
            return int(match[1])
    return None


@dataclass(frozen=True)
class StepPage:
    """A step of a pipeline.

    Attributes:
        name: the pipeline.
        step: what is declared.
        why: why it ran or did not, update by update, the newest first.
    """

    name: str
    step: OutlineStep
    why: list[dict[str, Any]]


def step_page(workspace: Open, name: Known, dataset: str) -> StepPage:
    """A step of a pipeline: what it reads, what its rows must be like, why it ran."""
    found = next((one for one in workspace.outline(name).steps if one.name == dataset), None)
    if found is None:
        raise RequestError.not_found(f"{name} declares no {dataset}.")
    return StepPage(name, found, workspace.why(name, dataset, limit=_SHOWN))


async def live(request: Request, workspace: Open, name: Known) -> StreamingResponse:
    """Server-sent events: one whenever something happened in an update of the pipeline."""

    def seen() -> str:
        last = next(iter(workspace.updates(name)), None)
        if last is None:
            return "none"
        return f"{last['update']} {last['state']} {len(workspace.events(last['update']))}"

    async def told() -> AsyncIterator[str]:
        before = None
        while not request.app.state.ending() and not await request.is_disconnected():
            now = await run_in_threadpool(seen)
            if now != before:
                yield f"data: {now}\n\n"
                before = now
            await asyncio.sleep(_LOOK_SECONDS)

    return StreamingResponse(told(), media_type="text/event-stream")


add_page(router, "/pipelines", "pipelines.html", pipeline_list)
add_page(router, "/pipelines/{pipeline}", "pipeline/graph.html", pipeline_page)
add_page(router, "/pipelines/{pipeline}/list", "pipeline/list.html", pipeline_page)
add_page(router, "/pipelines/{pipeline}/updates", "pipeline/updates.html", pipeline_updates)
add_page(router, "/pipelines/{pipeline}/updates/{update}", "pipeline/events.html", update_events)
add_page(
    router, "/parts/pipelines/{pipeline}/source", "pipeline/source_part.html", pipeline_source,
    twin=False,
)  # fmt: skip
add_page(router, "/pipelines/{pipeline}/source", "pipeline/source.html", pipeline_source)
add_page(router, "/pipelines/{pipeline}/steps/{dataset}", "pipeline/step.html", step_page)
for part in ("graph", "list"):
    add_page(router, f"/parts/pipelines/{{pipeline}}/{part}", f"pipeline/{part}_part.html",
             pipeline_page, twin=False)  # fmt: skip
router.add_api_route("/pipelines/{pipeline}/live", live, methods=["GET"], include_in_schema=False)
