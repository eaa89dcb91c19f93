"""The code of a run as it was, in a git worktree under ``.lakelet``."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lakelet.errors import RunError
from lakelet.runs.index.reading import RunRecord
from lakelet.runs.recorded.code import git
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.steps import declare, make_folder, remove_tree, step

__all__ = ("checked_out", "repository_of")

_FOLDER = declare("rerun.folder", "the folder for the code of a run is there")
_CHECKOUT = declare("rerun.checkout", "the code of the run is there as it was")
_GONE = declare("rerun.gone", "the checkout of a repeated run is gone")


def repository_of(folder: WorkspaceFolder, code: dict[str, Any]) -> Path | None:
    """The repository with a run's commit: where it was, else the workspace's own."""
    commit = code.get("commit")
    if commit is None:
        return None
    for place in (code.get("repository"), str(folder.root)):
        if place and Path(place).is_dir():
            top = git(Path(place), "rev-parse", "--show-toplevel")
            if (
                top is not None
                and git(Path(place), "cat-file", "-e", f"{commit}^{{commit}}") is not None
            ):
                return Path(top.decode("utf-8", "surrogateescape").rstrip("\n"))
    return None


@contextmanager
def checked_out(
    folder: WorkspaceFolder, run: RunRecord, code: dict[str, Any], repository: Path | None
) -> Iterator[Path]:
    """The code of a run for the body; the folder is taken away afterwards.

    Args:
        folder: the workspace.
        run: the run.
        code: what is known of its code.
        repository: where its commit is, or None for a script without a repository.

    Raises:
        RunError: git refuses, or the saved changes do not fit the commit.
    """
    place = folder.private / "reruns" / run.id
    _clear(place, repository)
    make_folder(_FOLDER, place.parent)
    try:
        with step(_CHECKOUT):
            if repository is None:
                place.mkdir()
            else:
                _git(repository, "worktree", "add", "--detach", str(place), code["commit"])
            _put_back(place, run, code)
        yield place
    finally:
        _clear(place, repository)


def _put_back(place: Path, run: RunRecord, code: dict[str, Any]) -> None:
    """Apply the saved diff, and copy back what git did not know."""
    kept = None if run.artifacts is None else run.artifacts / "lakelet"
    if kept is None:
        if code.get("changed") or code.get("untracked") or code.get("script"):
            raise RunError(
                f"the code of the run {run.id} that was not committed is not on this machine; "
                "nothing was started.",
                hint="it is among the run's artifacts in MLflow, under lakelet.",
            )
        return
    changes = kept / "changes.diff"
    if changes.is_file():
        _git(place, "apply", "--binary", "--whitespace=nowarn", str(changes))
    for kind in ("untracked", "script"):
        if (kept / kind).is_dir():
            shutil.copytree(kept / kind, place, dirs_exist_ok=True)  # house: in step(_CHECKOUT)


def _git(place: Path, *arguments: str) -> None:
    done = subprocess.run(
        ["git", "-C", str(place), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it does not say why"]
        raise RunError(
            f"git {arguments[0]} failed: {said[-1]}; nothing was started.",
            hint=f"the run's commit and changes can be looked at by hand, in {place}.",
        )


def _clear(place: Path, repository: Path | None) -> None:
    if place.exists():
        remove_tree(_GONE, place)
    if repository is not None:
        git(repository, "worktree", "prune")
