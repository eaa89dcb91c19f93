"""Lakelet: a lakehouse for one machine.

``lakelet.open(path)`` opens a workspace; everything else is reached from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakelet.errors import LakeletError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from lakelet.runs import Run
    from lakelet.session import Workspace

__all__ = ("LakeletError", "__version__", "init", "open", "run")

__version__ = "0.1.0"


def open(path: str | Path = ".") -> Workspace:  # noqa: A001 - reads best as lakelet.open(…)
    """Open the workspace of a folder or of its nearest parent that has one.

    Raises:
        WorkspaceNotFoundError: there is none; ``lakelet init`` makes one.
    """
    from lakelet.session import open_workspace

    return open_workspace(path)


def init(path: str | Path = ".") -> Workspace:
    """Make a workspace in a folder, adding only what is not there, and open it."""
    from pathlib import Path as _Path

    from lakelet.session import Workspace
    from lakelet.workspace import init_workspace

    folder, _ = init_workspace(_Path(path))
    return Workspace(folder)


def run(
    name: str,
    *,
    params: Mapping[str, object] | None = None,
    seed: int | None = None,
    tags: Mapping[str, object] | None = None,
) -> AbstractContextManager[Run]:
    """A run in the workspace around the current folder; see `Workspace.run`.

    Raises:
        WorkspaceNotFoundError: there is none.
    """
    return open().run(name, params=params, seed=seed, tags=tags)
