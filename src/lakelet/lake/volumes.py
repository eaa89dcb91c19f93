"""Volumes: named folders and buckets with raw files, and paths that people write.

``raw:posts/a.json`` and ``/Volumes/main/default/raw/posts/a.json`` are the same file, so that
files written for Databricks run unchanged. A path of a volume cannot leave it, links included.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from lakelet.errors import InvalidNameError, nearest
from lakelet.lake.storage import is_remote, join
from lakelet.workspace import WorkspaceFolder

__all__ = ("resolve_path", "volume_root", "volumes")

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


def _leaves(text: str, name: str) -> InvalidNameError:
    return InvalidNameError(f"{text} leaves the volume {name!r}; nothing was read.")
