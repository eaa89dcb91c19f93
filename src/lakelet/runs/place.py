"""Where the runs of a workspace are kept: its own MLflow store, or a server."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lakelet.workspace import WorkspaceFolder

__all__ = (
    "ALONE",
    "artifact_folder",
    "artifacts_root",
    "database",
    "folder_of",
    "read_json",
    "tracking_uri",
)

ALONE = "runs"
"""The experiment of runs whose name has no folder."""
_OWN_FOLDER = "/.lakelet/artifacts/"


def database(folder: WorkspaceFolder) -> Path | None:
    """The SQLite file of MLflow's store, or None where a server keeps the runs."""
    return None if folder.settings.runs.tracking else folder.private / "mlflow.db"


def tracking_uri(folder: WorkspaceFolder) -> str:
    """What MLflow's client is told: the server's address, or the SQLite store's."""
    own = database(folder)
    return folder.settings.runs.tracking.rstrip("/") if own is None else f"sqlite:///{own}"


def artifacts_root(folder: WorkspaceFolder) -> Path:
    """The folder of figures, tables and models, where the workspace itself keeps the runs."""
    return folder.private / "artifacts"


def folder_of(experiment: str) -> str:
    """An experiment's name as part of a path: its folders, and nothing that leaves them."""
    parts = [part.strip(". ") or "_" for part in experiment.split("/")]
    return "/".join(part.replace("\\", "_").replace(":", "_") for part in parts)


def artifact_folder(folder: WorkspaceFolder, uri: str | None) -> Path | None:
    """The local folder of a run's artifacts, or None where they are elsewhere or nowhere.

    MLflow writes the place down as it was when the run began; in a workspace that moved since,
    artifacts of its own are found where they are now.
    """
    if not uri:
        return None
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file"):
        return None
    path = unquote(parts.path) if parts.scheme else uri
    found = Path(path)
    if not found.is_dir() and _OWN_FOLDER in path:
        found = artifacts_root(folder) / path.rpartition(_OWN_FOLDER)[2]
    return found if found.is_dir() else None


def read_json(path: Path) -> dict[str, object] | None:
    """A small JSON object of a file, or None where it cannot be read as one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
