"""A run changed after it ended: its name, its folder, its tags, whether it is put away.

MLflow does it, so that its own interface and its server know. Nothing of what the run recorded
changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lakelet.errors import CommandError, StorageError
from lakelet.runs.client import experiment_id, mlflow_errors, quiet, tracked_there
from lakelet.runs.index import bring_up_to_date
from lakelet.runs.index.reading import RunRecord
from lakelet.runs.place import database
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.steps import declare, step

__all__ = ("archive_run", "move_run", "rename_run", "restore_run", "tag_run", "untag_run")

_CHANGE = declare("runs.change", "MLflow knows the run's new name, folder, tags or state")
_OWN = ("mlflow.", "lakelet.")
_LONGEST = 250


@contextmanager
def _changing(folder: WorkspaceFolder, run: RunRecord, what: str) -> Iterator[Any]:
    with (
        tracked_there(folder) as mlflow,
        quiet(),
        mlflow_errors(f"{what} the run {run.id[:8]}", "it is as it was."),
        step(_CHANGE),
    ):
        yield mlflow.MlflowClient()
    # The index looks again at a run that ended only where it is told to.
    bring_up_to_date(folder, exactly=run.id)


def rename_run(folder: WorkspaceFolder, run: RunRecord, name: str) -> None:
    """Give a run another name; its folder stays.

    Raises:
        CommandError: it is no name.
        StorageError: MLflow said no.
    """
    if not name.strip() or "/" in name or name != name.strip() or len(name) > _LONGEST:
        shown = name if len(name) <= _LONGEST else f"{name[:40]}…"
        raise CommandError(
            f"{shown!r} is no name of a run; nothing was changed.",
            hint=f"a name has at most {_LONGEST} letters, no / and no blanks around it; folders "
            "are changed by moving the run.",
        )
    with _changing(folder, run, "renaming") as client:
        client.update_run(run.id, name=name)


def tag_run(folder: WorkspaceFolder, run: RunRecord, tags: Mapping[str, str]) -> None:
    """Give a run tags.

    Raises:
        CommandError: a name that is none, or that MLflow or Lakelet keeps for itself.
        StorageError: MLflow said no.
    """
    for name in tags:
        _refuse_own(name)
    with _changing(folder, run, "tagging") as client:
        for name, value in tags.items():
            client.set_tag(run.id, name, value)


def untag_run(folder: WorkspaceFolder, run: RunRecord, names: Iterable[str]) -> None:
    """Take tags off a run.

    Raises:
        CommandError: one that it does not have, or that MLflow or Lakelet keeps for itself.
        StorageError: MLflow said no.
    """
    names = list(names)
    for name in names:
        _refuse_own(name)
        if name not in run.tags:
            raise CommandError(f"the run {run.id[:8]} has no tag {name!r}; nothing was changed.")
    with _changing(folder, run, "taking tags off") as client:
        for name in names:
            client.delete_tag(run.id, name)


def _refuse_own(name: str) -> None:
    if not name.strip() or name.startswith(_OWN):
        raise CommandError(
            f"{name!r} is no tag that a person gives; nothing was changed.",
            hint="names that begin with mlflow. and lakelet. say how the run came to be.",
        )


def move_run(folder: WorkspaceFolder, run: RunRecord, to: str) -> None:
    """Move a run to another folder, which is made where there is none.

    MLflow has no call for it: in the workspace's own store the run's experiment is changed as
    MLflow's own code would; on a server it cannot be.

    Raises:
        CommandError: it is no folder, or the run is there already.
        StorageError: the runs are kept on a server, or MLflow said no.
    """
    to = to.strip().strip("/")
    if not to or any(part.strip() != part or not part for part in to.split("/")):
        raise CommandError(f"{to!r} is no folder of runs; nothing was changed.")
    if to == run.folder:
        raise CommandError(f"the run {run.id[:8]} is in {to} already; nothing was changed.")
    if database(folder) is None:
        raise StorageError(
            "a run on an MLflow server cannot be moved: it has no call for it; nothing was changed."
        )
    with _changing(folder, run, "moving") as client:
        from mlflow.store.tracking.dbmodels.models import SqlRun

        where = experiment_id(folder, client, to)
        # The artifacts stay where they are: the run knows their place by itself.
        with client._tracking_client.store.ManagedSessionMaker(read_only=False) as session:
            session.get(SqlRun, run.id).experiment_id = int(where)


def archive_run(folder: WorkspaceFolder, run: RunRecord) -> None:
    """Put a run away: it is in no list, and holds no version of a table any more.

    Raises:
        CommandError: it goes on.
        StorageError: MLflow said no.
    """
    if run.status in ("RUNNING", "SCHEDULED"):
        raise CommandError(f"the run {run.id[:8]} goes on; nothing was changed.")
    with _changing(folder, run, "putting away") as client:
        client.delete_run(run.id)


def restore_run(folder: WorkspaceFolder, run: RunRecord) -> None:
    """Bring back a run that was put away.

    Raises:
        StorageError: MLflow said no.
    """
    with _changing(folder, run, "bringing back") as client:
        client.restore_run(run.id)
