"""Runs: what was tried, on which versions of which tables, with which code, and how it came out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import Query

from lakelet.errors import LakeletError
from lakelet.runs.index.details import Point
from lakelet.runs.index.reading import RunRecord, run_folders
from lakelet.runs.telling import telling_names
from lakelet.session.raw_files import IMAGES
from lakelet.web.answer import Open, add_page
from lakelet.web.failure import RequestError
from lakelet.web.room import Room
from lakelet.web.rooms.charts import Chart, lines, points

__all__ = ("RunRow", "router", "row_of")

router = Room(["runs"])
_FIRST = 2**53
"""The largest whole number that every program means by its digits, and SQLite can count to."""
_PAGE = 200
_COMPARED = 8
"""Runs that can be told apart by colour."""
_COLUMNS = 6
_MOST_FIGURES = 40


@dataclass(frozen=True)
class RunRow:
    """A run in a list.

    Attributes:
        id: its id.
        folder: its folders.
        name: its own name.
        status: RUNNING, FINISHED, FAILED or KILLED.
        started: when it began.
        seconds: how long it took; None while it runs.
        params: its parameters.
        metrics: the last value of each; None for what is no number.
        tables: tables it read, with their versions.
    """

    id: str
    folder: str
    name: str
    status: str
    started: datetime | None
    seconds: float | None
    params: dict[str, str]
    metrics: dict[str, float | None]
    tables: list[tuple[str, int]]


def row_of(run: RunRecord) -> RunRow:
    """A run as a list shows it."""
    return RunRow(
        run.id, run.folder, run.name, run.status, run.started, run.seconds, run.params,
        {name: value if math.isfinite(value) else None for name, value in run.metrics.items()},
        [(one.name, one.version) for one in run.inputs if one.version is not None],
    )  # fmt: skip


@dataclass(frozen=True)
class RunList:
    """Runs, some at a time.

    Attributes:
        folder: the folder shown; '' for all.
        folders: the folders there are.
        where: the condition they meet.
        wrong: what is wrong with the condition; '' where nothing is.
        runs: the runs.
        params: the parameters that tell them apart best.
        metrics: the metrics most of them have.
        sort: what they are sorted by.
        descending: whether the largest come first.
        first: how many were passed over.
        more: whether there are more.
    """

    folder: str
    folders: list[str]
    where: str
    wrong: str
    runs: list[RunRow]
    params: list[str]
    metrics: list[str]
    sort: str
    descending: bool
    first: int
    more: bool


def run_list(
    workspace: Open,
    folder: Annotated[str, Query(description="Only runs of this folder.")] = "",
    where: Annotated[str, Query(description="A condition: metrics.f1 > 0.8")] = "",
    sort: Annotated[str, Query(description="metrics.NAME, params.NAME, started, seconds.")] = "",
    descending: Annotated[bool, Query(description="Whether the largest come first.")] = True,
    first: Annotated[int, Query(ge=0, le=_FIRST, description="How many to pass over.")] = 0,
) -> RunList:
    """Runs of a folder and of which a condition is true, the newest first or sorted."""
    from lakelet.errors import CommandError

    wrong = ""
    try:
        found = workspace.runs(
            folder, where=where, sort=sort or "started", descending=descending, limit=_PAGE + 1,
            offset=first,
        )  # fmt: skip
    except CommandError as error:
        found, wrong = [], error.message
    rows = [row_of(run) for run in found[:_PAGE]]
    return RunList(
        folder, list(run_folders(workspace.folder)), where, wrong, rows,
        telling_names(rows, "params", _COLUMNS),
        telling_names(rows, "metrics", _COLUMNS), sort, descending, first, len(found) > _PAGE,
    )  # fmt: skip


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


@dataclass(frozen=True)
class Compared:
    """What differs between runs.

    Attributes:
        runs: the runs.
        labels: what each is called in charts: its name, with letters of its id where names repeat.
        sections: what differs, by section: name, and the value in each run.
        same: how many things are the same in all, by section.
        charts: metrics over steps, a line a run.
        scatter: a parameter against a metric; None where they have no numbers in common.
        params: parameters that can stand across.
        metrics: metrics that can stand up.
        figures: pictures by name, with the runs that have one of it.
    """

    runs: list[RunRow]
    labels: list[str]
    sections: dict[str, list[tuple[str, list[str | None]]]]
    same: dict[str, int]
    charts: list[Chart]
    scatter: Chart | None
    params: list[str]
    metrics: list[str]
    figures: dict[str, list[bool]]


def compared(
    workspace: Open,
    run: Annotated[list[str], Query(description="The runs, two or more.", default_factory=list)],
    across: Annotated[str, Query(description="The parameter of the scatter.")] = "",
    up: Annotated[str, Query(description="The metric of the scatter.")] = "",
) -> Compared:
    """What differs between runs, and their metrics in one picture."""
    if not 2 <= len(run) <= _COMPARED:
        raise RequestError(
            400, "unfit", f"two to {_COMPARED} runs are compared, not {len(run)}.",
            "Runs lists them: choose some there by their boxes.",
        )  # fmt: skip
    found = workspace.compare(*run)
    sections: dict[str, list[tuple[str, list[str | None]]]] = {}
    for one in found.differences:
        values = [None if value is None else _shown(value) for value in one.values]
        sections.setdefault(one.section, []).append((one.name, values))
    labels = [r.name for r in found.runs]
    if len(set(labels)) < len(labels):
        labels = [f"{r.name} {r.id[:6]}" for r in found.runs]
    steps = [_steps_of(workspace, r.id) for r in found.runs]
    names = sorted({name for some in steps for name, line in some.items() if len(line) > 1})
    charts = [
        lines(name, {
            label: [(p.step, p.value) for p in some.get(name, ())]
            for label, some in zip(labels, steps, strict=True)
        })
        for name in names
    ]  # fmt: skip
    rows = [row_of(r) for r in found.runs]
    params = sorted({n for r in rows for n, v in r.params.items() if _number(v) is not None})
    metrics = sorted({n for r in rows for n, v in r.metrics.items() if v is not None})
    across, up = _chosen(rows, params, metrics, across, up)
    return Compared(
        rows, labels, sections, found.same, charts,
        _scatter(rows, labels, across, up), params, metrics,
        _figures(workspace, [r.id for r in found.runs]),
    )  # fmt: skip


def _figures(workspace: Open, runs: Sequence[str]) -> dict[str, list[bool]]:
    """Pictures that several of the runs have, and those of one after them."""
    files = [set(workspace.run_details(run).files) for run in runs]
    names = sorted(
        name
        for name in set().union(*files)
        if Path(name).suffix.lower() in IMAGES and not name.startswith("lakelet/")
    )
    has = {name: [name in some for some in files] for name in names}
    return dict(sorted(has.items(), key=lambda one: -sum(one[1]))[:_MOST_FIGURES])


def _chosen(
    rows: Sequence[RunRow], params: Sequence[str], metrics: Sequence[str], across: str, up: str
) -> tuple[str, str]:
    """What a scatter shows: what was asked for; else two that most runs have, which differ most."""

    def telling(pair: tuple[str, str]) -> tuple[int, int]:
        values = [(_number(r.params.get(pair[0])), _number(r.metrics.get(pair[1]))) for r in rows]
        placed = [one for one in values if None not in one]
        return len(placed), len({x for x, _ in placed})

    pairs = itertools.product([across] if across else params, [up] if up else metrics)
    return max(pairs, key=telling, default=(across, up))


def _steps_of(workspace: Open, run: str) -> dict[str, list[Point]]:
    try:
        return workspace.metric_history(run)
    except LakeletError:  # a server that does not answer: what is in the index is compared
        return {}


def _scatter(rows: Sequence[RunRow], labels: Sequence[str], across: str, up: str) -> Chart | None:
    placed = {
        label: (x, y)
        for label, row in zip(labels, rows, strict=True)
        if (x := _number(row.params.get(across))) is not None
        and (y := _number(row.metrics.get(up))) is not None
    }
    return points(across, up, placed) if len(placed) > 1 else None


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


add_page(router, "/runs", "runs.html", run_list)
add_page(router, "/compare", "compare.html", compared)
