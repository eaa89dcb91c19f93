"""A workspace on disk: finding it, making it, and the places in it."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lakelet.errors import PipelineError, WorkspaceNotFoundError
from lakelet.workspace.settings import Settings, read_settings
from lakelet.workspace.steps import declare, make_folder, write_file
from lakelet.workspace.template import SETTINGS_TEMPLATE

__all__ = ("SETTINGS_FILE", "WorkspaceFolder", "find_workspace", "init_workspace")

SETTINGS_FILE = "lakelet.toml"
_FOLDER = declare("workspace.folder", "a folder of a new workspace is there")
_FILE = declare("workspace.file", "a file of a new workspace is there")


@dataclass(frozen=True)
class WorkspaceFolder:
    """The folder with a ``lakelet.toml``, and where its parts are.

    Attributes:
        root: the folder itself, absolute.
    """

    root: Path

    @cached_property
    def settings(self) -> Settings:
        """The settings, read once.

        Raises:
            SettingsError: see `read_settings`.
        """
        return read_settings(self.root / SETTINGS_FILE)

    @property
    def private(self) -> Path:
        """``.lakelet``: locks, temporary files, caches; safe to delete while nothing runs."""
        return self.root / ".lakelet"

    @property
    def temp(self) -> Path:
        """Where the SQL engine spills what does not fit into memory."""
        return self.root / self.settings.resources.temp

    @property
    def files(self) -> Path:
        """The volume ``files``."""
        return self.root / "files"


INSIDE = "LAKELET_INSIDE"
"""Set in the environment of a process that runs a pipeline's Python code: what for."""

REPEATS = "LAKELET_REPEATS"
"""Set in the environment of a process that repeats a run: the id of that run."""
REPEATS_IN = "LAKELET_REPEATS_IN"
"""Then also set: the folder with the code as it was, and the repository it is a checkout of."""

ASKED_FROM = "LAKELET_ASKED_FROM"
"""Set in the environment of a command that was not asked for in a terminal: where it was."""

COMMAND = "LAKELET_COMMAND"
"""Set in the environment of a command that runs beside pages: the name under which it tells them
how far it is."""


def find_workspace(start: Path) -> WorkspaceFolder:
    """The workspace of ``start`` or of its nearest parent that has one.

    Raises:
        WorkspaceNotFoundError: neither the folder nor any parent has a ``lakelet.toml``.
        PipelineError: this process runs a dataset's function, which opens none.
    """
    if INSIDE in os.environ:
        raise PipelineError(
            f"the code of {os.environ[INSIDE]} opens a workspace; a dataset's function reads what "
            "its parameters name, so that updates know when to run it, and writes nothing.",
            hint='name the table in the decorator: reads={"tags": "gold.tags"}.',
        )
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / SETTINGS_FILE).is_file():
            return WorkspaceFolder(_meant(folder))
    raise WorkspaceNotFoundError(
        f"{start} is not in a workspace: no {SETTINGS_FILE} there or in any folder above.",
        hint="`lakelet init` makes one here; --workspace DIR names another.",
    )


def _meant(found: Path) -> Path:
    """The workspace itself, where what was found is its like in a checkout of a run's code."""
    checkout, _, repository = os.environ.get(REPEATS_IN, "").partition(os.pathsep)
    if checkout and found.is_relative_to(checkout):
        return Path(repository) / found.relative_to(checkout)
    return found


def init_workspace(root: Path) -> tuple[WorkspaceFolder, list[Path]]:
    """Make a workspace in ``root``, adding only what is not there yet.

    Returns:
        The workspace, and the files and folders that were made.
    """
    root = root.resolve()
    made: list[Path] = []
    for name in ("files", "pipelines", ".lakelet"):
        if not (root / name).is_dir():
            make_folder(_FOLDER, root / name)
            made.append(root / name)
    for name, text in (
        (SETTINGS_FILE, SETTINGS_TEMPLATE.replace("{time_zone}", machine_time_zone())),
        (".lakelet/id", f"{uuid.uuid4()}\n"),
        (".lakelet/.gitignore", "*\n"),
    ):
        if not (root / name).exists():
            write_file(_FILE, root / name, text.encode())
            made.append(root / name)
    return WorkspaceFolder(root), made


def machine_time_zone() -> str:
    """The machine's IANA time zone, from ``TZ`` or ``/etc/localtime``; UTC when neither says."""
    named = os.environ.get("TZ", "").lstrip(":")
    if "/" in named and not named.startswith("/"):
        return named
    target = os.path.realpath("/etc/localtime")
    _, found, zone = target.partition("zoneinfo/")
    zone = zone.removeprefix("posix/").removeprefix("right/")
    return zone if found and zone not in ("", "Etc/UTC", "UCT", "Zulu", "Universal") else "UTC"
