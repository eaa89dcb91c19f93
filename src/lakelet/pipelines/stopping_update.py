"""Ending the running update of a pipeline from another process."""

from __future__ import annotations

import os
import signal

from lakelet.errors import PipelineError
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.processes import is_alive
from lakelet.workspace.store import open_store

__all__ = ("stop_update",)


def stop_update(workspace: WorkspaceFolder, pipeline: str) -> int:
    """Ask the process of a running update to end, as Ctrl-C in its terminal does.

    Returns:
        The update's number.

    Raises:
        PipelineError: no update of it is running, or not as this user.
    """
    with open_store(workspace) as store:
        row = store.execute(
            "SELECT id, process FROM updates WHERE pipeline = ? AND state = 'running' "
            "ORDER BY id DESC LIMIT 1",
            (pipeline,),
        ).fetchone()
    if row is None or not is_alive(row["process"]):
        raise PipelineError(
            f"no update of {pipeline} is running; nothing was stopped.",
            hint=f"`lakelet updates {pipeline}` tells how the last one ended.",
        )
    try:
        os.kill(row["process"], signal.SIGINT)
    except PermissionError:
        raise PipelineError(
            f"update {row['id']} of {pipeline} runs as another user; nothing was stopped.",
            hint="that user can stop it.",
        ) from None
    except ProcessLookupError:
        raise PipelineError(f"update {row['id']} of {pipeline} has just ended.") from None
    return int(row["id"])
