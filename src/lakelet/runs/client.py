"""MLflow's client, imported where a run begins and nowhere else: importing it costs seconds."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lakelet.errors import LakeletError, MissingExtraError, StorageError
from lakelet.runs.place import artifacts_root, database, folder_of, tracking_uri
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.steps import declare, make_folder

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ("experiment_id", "mlflow_errors", "quiet", "the_mlflow", "tracked_there")

_FOLDER = declare("runs.folder", "the folder of MLflow's store is there")
# What MLflow looks for before it reports usage to its makers; read when it is imported.
_SILENT = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
_TALKATIVE = ("alembic", "mlflow.store.db.utils", "mlflow.tracking.fluent", "mlflow.sklearn")


def the_mlflow() -> Any:
    """The module, with its reports of usage off unless the environment says otherwise.

    Raises:
        MissingExtraError: it is not installed.
    """
    for name, value in _SILENT.items():
        os.environ.setdefault(name, value)
    try:
        with quiet():
            import mlflow
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "mlflow":
            raise
        raise MissingExtraError.needs("runs", "a run") from None
    return mlflow


@contextmanager
def quiet() -> Iterator[None]:
    """Keep to itself what MLflow and its libraries say of themselves, in warnings and logs."""
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def mlflow_errors(what: str, state: str) -> Iterator[None]:
    """Turn what MLflow raises in the body into an error that says what it means here.

    Args:
        what: what was tried.
        state: what is as it was, and what to do next, in a sentence.

    Raises:
        StorageError: MLflow, its store or its server said no.
    """
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException

    try:
        yield
    except LakeletError:
        raise
    except (MlflowException, RequestException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StorageError(f"{what} was refused by MLflow: {reason}.", hint=state) from error


@contextmanager
def tracked_there(folder: WorkspaceFolder) -> Iterator[Any]:
    """Let MLflow, and any library that logs by it, keep runs where this workspace keeps them."""
    mlflow = the_mlflow()
    if database(folder) is not None and not folder.private.is_dir():
        make_folder(_FOLDER, folder.private)
    before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
    named = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(tracking_uri(folder))
    try:
        yield mlflow
    finally:
        mlflow.set_tracking_uri("" if before is None else before)
        if named is None:
            os.environ.pop("MLFLOW_TRACKING_URI", None)
        else:
            os.environ["MLFLOW_TRACKING_URI"] = named


def experiment_id(folder: WorkspaceFolder, client: MlflowClient, name: str) -> str:
    """The id of an experiment, which is made where there is none.

    Raises:
        StorageError: it was deleted in MLflow.
    """
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        place = None
        if database(folder) is not None:
            place = (artifacts_root(folder) / folder_of(name)).as_uri()
        try:
            return str(client.create_experiment(name, artifact_location=place))
        except MlflowException:
            # Another process may have been first.
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        raise StorageError(
            f"the experiment {name!r} was deleted in MLflow; no run was started.",
            hint="restore it there, or give the run another folder.",
        )
    return str(found.experiment_id)
