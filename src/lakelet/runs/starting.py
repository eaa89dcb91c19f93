"""Starting and ending a run."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lakelet.errors import CommandError
from lakelet.runs.artifacts import log_files
from lakelet.runs.client import experiment_id, mlflow_errors, quiet, tracked_there
from lakelet.runs.completing import complete_killed
from lakelet.runs.handle import Run, flat
from lakelet.runs.inputs import log_pins
from lakelet.runs.open_runs import Entry, entered, let_go
from lakelet.runs.opened import watching
from lakelet.runs.pins import PinBook, waiting_pins
from lakelet.runs.place import ALONE
from lakelet.runs.recorded.facts import Facts, keep_facts, look_around, run_file
from lakelet.runs.recorded.seeds import plant
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.notices import listening
from lakelet.workspace.store import open_store

__all__ = ("RunWarning", "running", "split_name")


class RunWarning(UserWarning):
    """Something about a run that its reader has to know, and that stops nothing."""


def split_name(name: str) -> tuple[str, str]:
    """The folders of a run's name, which are MLflow's experiment, and its last part.

    Raises:
        CommandError: a part of it is empty.
    """
    parts = [part.strip() for part in name.split("/")]
    if not all(parts) or len(name) > 250:
        raise CommandError(
            f"{name!r} is no name of a run; none was started.",
            hint="write folders and a name, such as 'baselines/logistic'.",
        )
    return "/".join(parts[:-1]) or ALONE, parts[-1]


@contextmanager
def running(
    folder: WorkspaceFolder,
    name: str,
    *,
    params: Mapping[str, object] | None = None,
    seed: int | None = None,
    tags: Mapping[str, object] | None = None,
    repeats: str | None = None,
) -> Iterator[Run]:
    """A run for the body: MLflow's active run, pinned to what is read in the body.

    Args:
        folder: the workspace.
        name: folders, which are MLflow's experiment, and the run's own name.
        params: its parameters; those within dictionaries get names with dots.
        seed: seeds Python, NumPy and, where imported, torch; kept as the tag ``lakelet.seed`` and,
            beside other parameters, as the parameter ``seed``.
        tags: its tags.
        repeats: the run that this one repeats.

    Raises:
        MissingExtraError: MLflow is not installed.
        CommandError: a name or a seed that is none.
        StorageError: MLflow's store or server said no.
    """
    experiment, own = split_name(name)
    if seed is not None:
        plant(seed)
    wanted = flat(params or {})
    with tracked_there(folder) as mlflow:
        complete_killed(folder)
        facts = look_around(folder)
        given = {key: str(value) for key, value in (tags or {}).items()} | facts.tags()
        if seed is not None:
            given["lakelet.seed"] = str(seed)
            if wanted:
                # Where there are none, one would cost a write of its own.
                wanted.setdefault("seed", seed)
        if repeats is not None:
            given["lakelet.repeats"] = facts.known["repeats"] = repeats
        with entered(folder) as entry:
            with quiet(), mlflow_errors("starting a run", "no run was started."):
                run = _start(folder, mlflow, entry, (experiment, own), given, wanted)
            _keep(folder, mlflow, run, facts)
            with PinBook(folder, run.id) as book, listening(folder, book.note):
                yield from _body(folder, mlflow, entry, run, facts)


def _start(
    folder: WorkspaceFolder,
    mlflow: Any,
    entry: Entry,
    name: tuple[str, str],
    tags: dict[str, str],
    params: dict[str, object],
) -> Run:
    experiment, own = name
    where = experiment_id(folder, mlflow.MlflowClient(), experiment)
    started = mlflow.start_run(
        experiment_id=where, run_name=own, nested=mlflow.active_run() is not None,
        tags={**tags, "lakelet.start": entry.token},
    )  # fmt: skip
    entry.is_run(started.info.run_id)
    if params:
        mlflow.log_params(params)
    return Run(mlflow, started.info.run_id, experiment, own)


def _keep(folder: WorkspaceFolder, mlflow: Any, run: Run, facts: Facts) -> None:
    """Keep code that is not committed with the run, before any of the body runs."""
    with open_store(folder) as store:
        keep_facts(store, run.id, facts.known, facts.installed)
    code = facts.code
    with quiet(), mlflow_errors("keeping the code of a run", "the run has begun without it."):
        log_files(mlflow, run.id, {"changes.diff": code.diff} if code.diff else {}, "lakelet")
        log_files(mlflow, run.id, code.untracked, "lakelet/untracked")
        log_files(mlflow, run.id, code.script, "lakelet/script")
    if code.left_out:
        warnings.warn(
            f"the run {run.experiment}/{run.name} is kept without "
            + "; ".join(code.left_out[:5])
            + (f"; and {len(code.left_out) - 5} more" if len(code.left_out) > 5 else "")
            + ". Commit it, or raise [runs] untracked in lakelet.toml.",
            RunWarning,
            stacklevel=5,
        )


def _body(
    folder: WorkspaceFolder, mlflow: Any, entry: Entry, run: Run, facts: Facts
) -> Iterator[Run]:
    try:
        with watching(folder):
            yield run
    except BaseException as error:
        with quiet():
            try:
                _end(folder, mlflow, entry, run, facts, _status_of(error))
            except Exception as second:
                # The body's own error is what counts; the pins are completed later.
                error.add_note(f"the run {run.id} could not be ended in MLflow: {second}")
        raise
    with (
        quiet(),
        mlflow_errors(
            f"ending the run {run.id}",
            "what was logged stays; `lakelet runs` completes it when MLflow can be reached.",
        ),
    ):
        _end(folder, mlflow, entry, run, facts, "FINISHED")


def _status_of(error: BaseException) -> str:
    if isinstance(error, SystemExit) and error.code in (None, 0):
        return "FINISHED"
    return "FAILED" if isinstance(error, Exception | SystemExit) else "KILLED"


def _end(
    folder: WorkspaceFolder, mlflow: Any, entry: Entry, run: Run, facts: Facts, status: str
) -> None:
    known = facts.as_json()
    with open_store(folder) as store:
        keep_facts(store, run.id, known, facts.installed)
    entry.ends_as(status)
    client = mlflow.MlflowClient()
    log_files(mlflow, run.id, run_file(known, facts.installed), "lakelet")
    log_pins(client, run.id, waiting_pins(folder, run.id))
    # A library may have left a run of its own open inside, or ended this one.
    while (active := mlflow.active_run()) is not None and active.info.run_id != run.id:
        mlflow.end_run(status)
    if active is not None:
        mlflow.end_run(status)
    else:
        client.set_terminated(run.id, status)
    let_go(folder, entry.token)
