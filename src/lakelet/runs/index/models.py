"""Models that runs kept, and the registry that gives some of them names, versions and aliases.

Read from MLflow's own SQLite store, or from a server over REST; nothing of it is in the index, for
it is looked at rarely and is small.

Source: MLflow 3.17, ``mlflow/store/tracking/dbmodels/models.py`` (``logged_models``),
``mlflow/store/model_registry/dbmodels/models.py``; MLflow REST API 2.0, "Logged Models",
"Model Registry".
"""

from __future__ import annotations

import sqlite3
import urllib.error
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from lakelet.errors import StorageError
from lakelet.runs.index.server import ask, unreachable
from lakelet.runs.place import artifact_folder, database
from lakelet.workspace import WorkspaceFolder

__all__ = ("KeptModel", "ModelVersion", "RegisteredModel", "models_of_run", "registered_models")

_VERSIONS = (
    "SELECT name, version, creation_time, coalesce(run_id, '') AS run_id, source, "
    "coalesce(description, '') AS description FROM model_versions "
    # How MLflow marks a version that was deleted.
    "WHERE current_stage != 'Deleted_Internal'"
)


@dataclass(frozen=True)
class ModelVersion:
    """A model under a name of the registry.

    Attributes:
        name: the name it is registered under.
        version: its number there.
        made: when it was registered.
        run: id of the run that kept it; '' where none did.
        source: where MLflow finds the model, ``models:/ID`` for one that a run kept.
        description: what was written about it.
        aliases: the aliases that mean this version.
    """

    name: str
    version: int
    made: datetime
    run: str
    source: str
    description: str
    aliases: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class RegisteredModel:
    """A name of the registry.

    Attributes:
        name: the name.
        versions: the models under it, the newest first.
    """

    name: str
    versions: list[ModelVersion]

    @property
    def aliases(self) -> dict[str, int]:
        """Its aliases, and the version each means."""
        return dict(sorted((alias, v.version) for v in self.versions for alias in v.aliases))


@dataclass(frozen=True)
class KeptModel:
    """A model that a run kept.

    Attributes:
        id: MLflow's id of it; ``models:/ID`` loads it.
        name: the name the run gave it.
        place: the folder of its files, where that is on this machine.
        files: its files, by their paths in that folder.
        registered: the versions of registered models that it is.
    """

    id: str
    name: str
    place: Path | None
    files: list[str]
    registered: list[ModelVersion]

    @property
    def uri(self) -> str:
        """What MLflow loads it by."""
        return f"models:/{self.id}"


def models_of_run(folder: WorkspaceFolder, run_id: str) -> list[KeptModel]:
    """The models a run kept, in the order it kept them.

    Raises:
        StorageError: MLflow's store or server cannot be read.
    """
    path = database(folder)
    if path is None:
        kept = _kept_there(folder.settings.runs.tracking, run_id)
    else:
        kept = [
            (row["model_id"], row["name"], row["artifact_location"])
            for row in _rows(
                path, "SELECT model_id, name, artifact_location FROM logged_models "
                "WHERE source_run_id = ? AND lifecycle_stage != 'deleted' "
                "ORDER BY creation_timestamp_ms", run_id,
            )
        ]  # fmt: skip
    if not kept:
        return []
    versions = _versions_of_run(folder, run_id)
    found = []
    for model_id, name, location in kept:
        place = artifact_folder(folder, location)
        files = [] if place is None else sorted(
            one.relative_to(place).as_posix() for one in place.rglob("*") if one.is_file()
        )  # fmt: skip
        registered = [one for one in versions if one.source == f"models:/{model_id}"]
        found.append(KeptModel(model_id, name, place, files, registered))
    return found


def registered_models(folder: WorkspaceFolder, name: str | None = None) -> list[RegisteredModel]:
    """The registered models, or the one of a name, in the order of their names.

    Raises:
        StorageError: MLflow's store or server cannot be read.
    """
    path = database(folder)
    if path is None:
        address = folder.settings.runs.tracking
        names = [one["name"] for one in _pages(address, "registered-models/search",
                                               "registered_models")]  # fmt: skip
        versions = _versions_there(address)
    else:
        names = [row["name"] for row in _rows(path, "SELECT name FROM registered_models")]
        versions = _versions_here(path)
    return [
        RegisteredModel(one, sorted((v for v in versions if v.name == one),
                                    key=lambda v: -v.version))
        for one in sorted(names)
        if name in (None, one)
    ]  # fmt: skip


def _versions_of_run(folder: WorkspaceFolder, run_id: str) -> list[ModelVersion]:
    path = database(folder)
    if path is None:
        return _versions_there(folder.settings.runs.tracking, f"run_id = '{run_id}'")
    return [one for one in _versions_here(path) if one.run == run_id]


def _versions_here(path: Path) -> list[ModelVersion]:
    aliases: dict[tuple[str, int], list[str]] = {}
    for row in _rows(path, "SELECT name, version, alias FROM registered_model_aliases "
                     "ORDER BY alias"):  # fmt: skip
        aliases.setdefault((row["name"], row["version"]), []).append(row["alias"])
    return [
        ModelVersion(
            row["name"], row["version"], _moment(row["creation_time"]), row["run_id"],
            row["source"] or "", row["description"], aliases.get((row["name"], row["version"]), []),
        )
        for row in _rows(path, _VERSIONS)
    ]  # fmt: skip


def _rows(path: Path, query: str, *values: object) -> list[sqlite3.Row]:
    if not path.exists():
        return []
    try:
        with closing(sqlite3.connect(path, timeout=30.0)) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(query, values).fetchall()
    except sqlite3.Error as error:
        if "no such table" in str(error):  # MLflow is about to make its tables
            return []
        raise StorageError(f"MLflow's store {path} cannot be read: {error}.") from None


def _kept_there(address: str, run_id: str) -> list[tuple[str, str, str]]:
    try:
        outputs = ask(address, f"runs/get?{urlencode({'run_id': run_id})}", None)["run"]
        ids = [one["model_id"] for one in outputs.get("outputs", {}).get("model_outputs", ())]
        found = [ask(address, f"logged-models/{one}", None)["model"]["info"] for one in ids]
    except urllib.error.HTTPError:
        return []  # a server older than MLflow 3 keeps models among the artifacts
    except (OSError, ValueError, KeyError) as error:
        raise _unreadable(address, error) from None
    return [(one["model_id"], one["name"], one.get("artifact_uri", "")) for one in found]


def _versions_there(address: str, where: str = "") -> list[ModelVersion]:
    query = {"filter": where} if where else {}
    found = list(_pages(address, "model-versions/search", "model_versions", **query))
    aliases = {name: _aliases_there(address, name) for name in {one["name"] for one in found}}
    return [
        ModelVersion(
            one["name"], int(one["version"]), _moment(one.get("creation_timestamp", 0)),
            one.get("run_id", ""), one.get("source", ""), one.get("description", ""),
            aliases[one["name"]].get(int(one["version"]), []),
        )
        for one in found
    ]  # fmt: skip


def _aliases_there(address: str, name: str) -> dict[int, list[str]]:
    """The aliases of each version: a search of versions tells none."""
    try:
        query = urlencode({"name": name})
        model = ask(address, f"registered-models/get?{query}", None)["registered_model"]
        found: dict[int, list[str]] = {}
        for one in sorted(model.get("aliases", ()), key=lambda one: str(one["alias"])):
            found.setdefault(int(one["version"]), []).append(one["alias"])
        return found
    except (OSError, ValueError, KeyError) as error:
        raise _unreadable(address, error) from None


def _pages(address: str, call: str, name: str, **query: str) -> Iterator[dict[str, Any]]:
    token = ""
    try:
        while True:
            more = {"page_token": token} if token else {}
            answer = ask(address, f"{call}?{urlencode({**query, **more})}", None)
            yield from answer.get(name, ())
            if not (token := answer.get("next_page_token", "")):
                return
    except (OSError, ValueError, KeyError) as error:
        raise _unreadable(address, error) from None


def _unreadable(address: str, error: Exception) -> StorageError:
    return StorageError(f"{unreachable(address, error)}.")


def _moment(milliseconds: Any) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
