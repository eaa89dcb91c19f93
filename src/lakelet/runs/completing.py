"""Runs whose process was killed: MLflow is told what they read, and that they are over."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from lakelet.errors import LakeletError
from lakelet.runs.artifacts import log_files
from lakelet.runs.client import mlflow_errors, quiet, tracked_there
from lakelet.runs.inputs import log_pins
from lakelet.runs.open_runs import KilledRun, killed_runs, let_go
from lakelet.runs.pins import waiting_pins
from lakelet.runs.recorded.facts import read_facts, run_file
from lakelet.workspace import WorkspaceFolder, find_workspace

__all__ = ("complete_in_a_child", "complete_killed")


def complete_killed(folder: WorkspaceFolder) -> int:
    """Complete the runs of a workspace whose process is gone; how many there were.

    Raises:
        StorageError: MLflow said no; they are completed by the next run or `lakelet runs`.
    """
    found = killed_runs(folder)
    if not found:
        return 0
    with tracked_there(folder) as mlflow, quiet(), _refusals():
        client = mlflow.MlflowClient()
        for killed in found:
            run_id = killed.run_id or _found_by_tag(client, killed.token)
            if run_id is not None:
                _complete(folder, mlflow, client, killed, run_id)
            let_go(folder, killed.token)
    return len(found)


def _refusals() -> AbstractContextManager[None]:
    return mlflow_errors(
        "completing a run that was killed",
        "its pins are kept here; `lakelet runs` completes it when MLflow can be reached.",
    )


def _found_by_tag(client: Any, token: str) -> str | None:
    """The run of a process that died before it learned the run's id."""
    experiments = [one.experiment_id for one in client.search_experiments()]
    found = client.search_runs(experiments, f"tags.`lakelet.start` = '{token}'", max_results=1)
    return found[0].info.run_id if found else None


def _complete(
    folder: WorkspaceFolder, mlflow: Any, client: Any, killed: KilledRun, run_id: str
) -> None:
    run = client.get_run(run_id)
    if run.info.lifecycle_stage != "active":
        return
    log_pins(client, run_id, waiting_pins(folder, run_id))
    known, installed = read_facts(folder, run_id)
    if known:
        log_files(mlflow, run_id, run_file(known, installed), "lakelet")
    if run.info.status == "RUNNING":
        # Nobody knows when it died; now is the last moment it can have been.
        client.set_terminated(run_id, killed.status or "KILLED", int(time.time() * 1000))


def complete_in_a_child(folder: WorkspaceFolder) -> str:
    """Complete killed runs in a process of their own, which alone imports MLflow.

    Returns:
        Why some are not complete, or '' where all are.
    """
    if not killed_runs(folder):
        return ""
    done = subprocess.run(
        [sys.executable, "-m", "lakelet.runs.completing", str(folder.root)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == 0:
        return ""
    reason = done.stderr.strip().splitlines()
    return f"a killed run is not complete in MLflow: {reason[0] if reason else 'it was stopped'}"


if __name__ == "__main__":
    try:
        complete_killed(find_workspace(Path(sys.argv[1])))
    except LakeletError as error:
        sys.exit(str(error))
