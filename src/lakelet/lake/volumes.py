"""Volumes: named folders and buckets with raw files, and paths that people write.

``raw:posts/a.json`` and ``/Volumes/main/default/raw/posts/a.json`` are the same file, so that
files written for Databricks run unchanged. A path of a volume cannot leave it, links included.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from lakelet.errors import InvalidNameError, nearest
from lakelet.lake.storage import is_remote, join
from lakelet.workspace import WorkspaceFolder

__all__ = ("refuse_links_out", "resolve_path", "volume_root", "volumes")

_SHORT = re.compile(r"([A-Za-z][\w-]+):(?!//)(.*)", re.DOTALL)
_DATABRICKS = re.compile(r"(?:dbfs:)?/Volumes/[^/]+/[^/]+/([^/]+)(?:/(.*))?", re.DOTALL)


def volumes(workspace: WorkspaceFolder) -> dict[str, str]:
    """The volumes by name, with the folder or URI of each; ``files`` is always one."""
    found = {"files": str(workspace.files)}
    for name, path in workspace.settings.volumes.items():
        found[name] = path if is_remote(path) else str(workspace.root / Path(path).expanduser())
    return found


def volume_root(workspace: WorkspaceFolder, name: str) -> str:
    """The folder or URI of a volume.

    Raises:
        InvalidNameError: no volume of that name; the message names the nearest.
    """
    known = volumes(workspace)
    if name not in known:
        close = nearest(name, known)
        raise InvalidNameError(
            f"there is no volume {name!r}.",
            hint=f"did you mean {close!r}?"
            if close
            else f"[volumes] in lakelet.toml adds one; there are: {', '.join(sorted(known))}.",
        )
    return known[name]


def resolve_path(workspace: WorkspaceFolder, text: str, *, base: Path) -> str:
    """The absolute path or URI of what a person wrote.

    Args:
        workspace: whose volumes count.
        text: a path, a URI, or a path of a volume in either form.
        base: where a relative path starts.

    Raises:
        InvalidNameError: an unknown volume, or a path that leaves its volume.
    """
    match = _DATABRICKS.fullmatch(text)
    if match is None and not is_remote(text):
        match = _SHORT.fullmatch(text)
    if match is None:
        if is_remote(text):
            return text
        return os.path.normpath(base / Path(text.removeprefix("file://")).expanduser())
    name, inside = match[1], match[2] or ""
    root = volume_root(workspace, name)
    if is_remote(root):
        if ".." in inside.split("/"):
            raise _leaves(text, name)
        return join(root, inside) if inside else root
    path = os.path.normpath(join(root, inside)) if inside else root
    outer = os.path.realpath(root)
    fixed = re.split(r"[*?\[]", path, maxsplit=1)[0]
    for candidate in (path, os.path.realpath(fixed)):
        inner = os.path.realpath(candidate) if candidate is not path else candidate
        limit = outer if candidate is not path else os.path.normpath(root)
        if inner != limit and not inner.startswith(limit + os.sep):
            raise _leaves(text, name)
    return path


def refuse_links_out(workspace: WorkspaceFolder, text: str, paths: Iterable[str]) -> None:
    """Refuse files that were found under a path of a volume, but lie outside it by way of a link.

    Args:
        workspace: whose volumes count.
        text: what a person wrote.
        paths: the files found; those of a bucket, or not named by a volume, are all let be.

    Raises:
        InvalidNameError: one of them lies elsewhere.
    """
    match = _DATABRICKS.fullmatch(text)
    if match is None and not is_remote(text):
        match = _SHORT.fullmatch(text)
    if match is None or is_remote(root := volume_root(workspace, match[1])):
        return
    outer = os.path.realpath(root) + os.sep
    folders: dict[str, str] = {}
    for path in paths:
        folder, name = os.path.split(path)
        if folder not in folders:
            folders[folder] = os.path.realpath(folder)
        real = os.path.realpath(path) if Path(path).is_symlink() else join(folders[folder], name)
        if not real.startswith(outer):
            raise InvalidNameError(
                f"{text}: {path} is, by a link, outside the volume {match[1]!r}; nothing was read.",
                hint="take the link away, or name the place it leads to without the volume.",
            )


def _leaves(text: str, name: str) -> InvalidNameError:
    return InvalidNameError(f"{text} leaves the volume {name!r}; nothing was read.")
