"""Repeating a run: its code as it was, its command, on the versions of data it read."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lakelet.errors import RunError
from lakelet.runs.checkout import checked_out, repository_of
from lakelet.runs.index.details import RunDetails
from lakelet.runs.index.reading import RunRecord
from lakelet.runs.matching import lost_versions, unmatched
from lakelet.runs.recorded.surroundings import shown_command
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.folder import REPEATS, REPEATS_IN
from lakelet.workspace.steps import declare, make_folder

__all__ = ("repeat_run",)

_PLACE = declare("rerun.place", "the folder in which the run was started is in the checkout")


def repeat_run(
    folder: WorkspaceFolder, run: RunRecord, known: RunDetails, say: Callable[[str], None]
) -> int:
    """Start the command of a run again, with its code and data as they were.

    Args:
        folder: the workspace.
        run: the run.
        known: what is recorded of it.
        say: told what cannot be matched, and what is started.

    Returns:
        The command's exit code.

    Raises:
        RunError: it cannot be repeated; nothing was started.
    """
    command = _command(run, known)
    lost = lost_versions(folder, run)
    if lost:
        raise RunError(
            f"the run {run.full_name} read what is gone: {'; '.join(lost)}. Nothing was started.",
            hint="bring it back from a copy, or start the command yourself on the data of today.",
        )
    code = known.facts["code"]
    repository = repository_of(folder, code)
    if repository is None and code.get("commit"):
        raise RunError(
            f"the commit {code['commit'][:12]} of the run is in no repository here; nothing was "
            "started.",
            hint=f"fetch it into {code.get('repository')}.",
        )
    if repository is None and not code.get("script"):
        say("Not matched: the code, which was in no git repository; it is run as it is now.")
    for one in unmatched(folder, run, known):
        say(f"Not matched: {one}.")
    with checked_out(folder, run, code, repository) as place:
        home = Path(code["repository"]) if repository is not None else Path(known.facts["folder"])
        # Python itself is today's, also where it is installed below the repository.
        mapped = [command[0], *(_mapped(part, home, place, code) for part in command[1:])]
        where = _where(folder, Path(known.facts["folder"]), home, place, code)
        if not where.is_dir():  # git keeps no empty folder, and none that it ignores
            make_folder(_PLACE, where)
        say(f"In {where}: {shown_command(mapped)}")
        return _run(mapped, where, _environment(run, repository, place, code))


def _command(run: RunRecord, known: RunDetails) -> list[str]:
    command = list(known.facts.get("command", ()))
    if not command or "code" not in known.facts:
        raise RunError(
            f"the command of the run {run.full_name} is not known; nothing was started.",
            hint="runs started by `ws.run(…)` or `lakelet.run(…)` know theirs.",
        )
    if len(command) < 2 or command[1] == "-" or "ipykernel" in " ".join(command[1:3]):
        raise RunError(
            f"the run {run.full_name} was started by hand, in a notebook or at a prompt; nothing "
            "was started.",
            hint="write its code into a script, which can be repeated.",
        )
    return [sys.executable, *command[1:]]


def _mapped(part: str, home: Path, place: Path, code: dict[str, Any]) -> str:
    """A part of the command line, a path of the repository with its like in the checkout."""
    if code.get("script") and Path(part).name == code["script"]:
        return str(place / code["script"])
    if code.get("commit") and part.startswith(f"{home}/"):
        return str(place / Path(part).relative_to(home))
    return part


def _where(
    folder: WorkspaceFolder, then: Path, home: Path, place: Path, code: dict[str, Any]
) -> Path:
    if code.get("commit") and then.is_relative_to(home):
        return place / then.relative_to(home)
    return then if then.is_dir() else folder.root


def _environment(
    run: RunRecord, repository: Path | None, place: Path, code: dict[str, Any]
) -> dict[str, str]:
    found = {**os.environ, REPEATS: run.id}
    if repository is not None:
        found[REPEATS_IN] = f"{place}{os.pathsep}{repository}"
    # What is installed from the repository in place would be imported as it is today.
    imported = [str(place / one) for one in code.get("imported_from", ()) if (place / one).is_dir()]
    before = [found["PYTHONPATH"]] if found.get("PYTHONPATH") else []
    if imported:
        found["PYTHONPATH"] = os.pathsep.join(imported + before)
    return found


def _run(command: list[str], where: Path, environment: dict[str, str]) -> int:
    sys.stdout.flush()  # what was said comes before what the command says
    try:
        return subprocess.run(command, cwd=where, env=environment, check=False).returncode
    except OSError as error:
        raise RunError(f"{command[0]} could not be started: {error.strerror}.") from None
