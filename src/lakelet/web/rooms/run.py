"""A run: inputs at their versions, code and diff, metrics, figures, tables, models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import StreamingResponse

from lakelet.errors import LakeletError
from lakelet.runs.index.details import Point
from lakelet.runs.index.models import ModelVersion
from lakelet.runs.index.reading import Input
from lakelet.session.raw_files import IMAGES, Preview, rows_of_parquet
from lakelet.web.answer import Open, add_page
from lakelet.web.failure import RequestError
from lakelet.web.room import Room
from lakelet.web.rooms.charts import Chart, lines
from lakelet.web.rooms.files import drawn_or_saved
from lakelet.web.rooms.runs import RunRow, row_of

__all__ = ("router",)

router = Room(["runs"])
_BLOCK = 1 << 18
_DIFF = 200_000
_SHOWN_TABLES = 6
_SHOWN_ROWS = 10


@dataclass(frozen=True)
class RunInput:
    """Something a run read.

    Attributes:
        kind: ``table``, ``files``, or another source.
        name: the table, or the path.
        version: the table's version.
        newest: the version the table has now, where it still is.
        settings: how a language model was used: its digest, and how it was drawn from.
    """

    kind: str
    name: str
    version: int | None
    newest: int | None
    settings: str = ""


@dataclass(frozen=True)
class RunTable:
    """A table that a run kept.

    Attributes:
        path: its path among the run's artifacts.
        preview: its first rows; None where there are too many tables to show of all.
    """

    path: str
    preview: Preview | None


@dataclass(frozen=True)
class RunModel:
    """A model that a run kept.

    Attributes:
        id: MLflow's id of it.
        name: the name the run gave it.
        files: its files.
        registered: the versions of registered models that it is.
    """

    id: str
    name: str
    files: list[str]
    registered: list[ModelVersion]


@dataclass(frozen=True)
class RunPage:
    """A run.

    Attributes:
        run: what it is.
        user: who started it.
        tags: its tags, those of MLflow and Lakelet left out.
        inputs: what it read.
        facts: command, folder, code, machine, times, memory.
        packages: installed packages and their versions.
        diff: what of the code was not committed.
        untracked: files git did not know, kept with the run.
        figures: pictures among its artifacts.
        tables: tables among its artifacts.
        models: the models it kept.
        unknown: why its models and the steps of its metrics cannot be told; '' where they can.
        elsewhere: whether its artifacts are where this machine does not list them.
        files: its other artifacts.
        charts: its metrics over steps.
    """

    run: RunRow
    user: str | None
    tags: dict[str, str]
    inputs: list[RunInput]
    facts: dict[str, Any]
    packages: dict[str, str]
    diff: str
    untracked: list[str]
    figures: list[str]
    tables: list[RunTable]
    models: list[RunModel]
    unknown: str
    elsewhere: bool
    files: list[str]
    charts: list[Chart]


def run_page(workspace: Open, run: str) -> RunPage:
    """A run: inputs at their versions, code and diff, figures, tables, models."""
    record = workspace.run_record(run)
    known = workspace.run_details(record.id)
    steps, unknown_steps = _steps(workspace, record.id)
    charts = [
        lines(name, {record.name: [(p.step, p.value) for p in some]})
        for name, some in sorted(steps.items())
        if len(some) > 1
    ]
    files = [name for name in known.files if not name.startswith("lakelet/")]
    figures = [name for name in files if Path(name).suffix.lower() in IMAGES]
    tables = [name for name in files if name.endswith(".parquet")]
    newest = {name: _newest(workspace, name) for name in {i.name for i in record.inputs}}
    models, unknown = _models(workspace, record.id) if not unknown_steps else ([], unknown_steps)
    own = {k: v for k, v in record.tags.items() if not k.startswith(("mlflow.", "lakelet."))}
    return RunPage(
        row_of(record), record.user, own,
        [RunInput(i.kind, i.name, i.version, newest.get(i.name) if i.kind == "table" else None,
                  _used(i)) for i in record.inputs],
        known.facts, known.packages, known.diff[:_DIFF].decode("utf-8", "replace"),
        known.untracked, figures,
        [RunTable(name, rows_of_parquet(str(record.artifacts / name), _SHOWN_ROWS)
                  if record.artifacts is not None and number < _SHOWN_TABLES else None)
         for number, name in enumerate(tables)],
        models, unknown, record.artifacts is None,
        [name for name in files if name not in figures and name not in tables], charts,
    )  # fmt: skip


def _steps(workspace: Open, run: str) -> tuple[dict[str, list[Point]], str]:
    try:
        return workspace.metric_history(run), ""
    except LakeletError as error:
        return {}, error.message


def _models(workspace: Open, run: str) -> tuple[list[RunModel], str]:
    # The page of a run is worth looking at where the server of its models does not answer.
    try:
        found = workspace.run_models(run)
    except LakeletError as error:
        return [], error.message
    return [RunModel(one.id, one.name, one.files, one.registered) for one in found], ""


def _used(one: Input) -> str:
    """How a language model was used, in words; '' for other inputs."""
    if one.kind != "model":
        return ""
    told = [f"{name.replace('_', '-')} {value}" for name, value in
            dict(one.source.get("settings") or {}).items()]  # fmt: skip
    return ", ".join([str(one.source.get("model", ""))[:12], *told])


def _newest(workspace: Open, name: str) -> int | None:
    try:
        return workspace.table(name).version
    except LakeletError:
        return None


def artifact(
    workspace: Open,
    run: str,
    path: Annotated[str, Query(description="The artifact's path within the run.")],
) -> StreamingResponse:
    """The bytes of a run's artifact, with no rights at all."""
    record = workspace.run_record(run)
    files = [] if record.artifacts is None else workspace.run_details(record.id).files
    return _handed_over(record.artifacts, files, path, f"the run {run}")


def model_file(
    workspace: Open,
    run: str,
    model: str,
    path: Annotated[str, Query(description="The file's path within the model.")],
) -> StreamingResponse:
    """The bytes of a file of a model that a run kept, with no rights at all."""
    for one in workspace.run_models(run):
        if one.id == model:
            return _handed_over(one.place, one.files, path, f"the model {one.name}")
    raise RequestError.not_found(f"the run {run} kept no model {model}.")


def _handed_over(root: Path | None, known: list[str], path: str, whose: str) -> StreamingResponse:
    place = (root / path).resolve() if root is not None and path in known else None
    if root is None or place is None or not place.is_relative_to(root.resolve()):
        raise RequestError.not_found(f"{whose} has no artifact {path}.")
    file = place.open("rb")

    def blocks() -> Iterator[bytes]:
        with file:
            while block := file.read(_BLOCK):
                yield block

    return drawn_or_saved(blocks(), place.suffix)


add_page(router, "/runs/{run}", "run.html", run_page)
router.add_api_route(
    "/runs/{run}/artifact", artifact, methods=["GET"], response_class=StreamingResponse
)
router.add_api_route(
    "/runs/{run}/models/{model}/file", model_file, methods=["GET"], response_class=StreamingResponse
)
