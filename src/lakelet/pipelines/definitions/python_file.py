"""Datasets declared in Python: read by a child process, and kept by what they were read from.

Nothing of a person's code runs in this process. What the files declared is kept in the metadata
store as long as they, the files they import and the versions of their packages are the same, so
that an update with nothing to do starts no process.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lakelet.errors import LakeletError, PipelineError
from lakelet.pipelines.definitions.dataset import Dataset
from lakelet.pipelines.definitions.sql_file import LooseFlow
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.resources import claim
from lakelet.workspace.store import open_store

__all__ = ("read_python_files",)

_MEANING = 1
"""Raised when the same files come to declare something else."""
_TIMEOUT = 120.0


def read_python_files(
    workspace: WorkspaceFolder, files: Sequence[Path], schema: str, folder: Path
) -> list[Dataset | LooseFlow]:
    """The datasets and flows that Python files declare.

    Args:
        workspace: whose files they are.
        files: the files.
        schema: where unqualified names belong.
        folder: the pipeline's folder.

    Raises:
        PipelineError: a file cannot be imported, or declares what means nothing; with its line.
    """
    if not files:
        return []
    from lakelet.pipelines.python.records import from_record

    shown = [str(file.relative_to(workspace.root)) for file in files]
    key = hashlib.sha256(
        repr((_MEANING, shown, schema, sys.version, sys.prefix)).encode()
    ).hexdigest()
    found = _kept(workspace, key)
    if found is None:
        found = _described(workspace, shown, schema, folder)
        with open_store(workspace) as store:
            store.execute(
                "INSERT OR REPLACE INTO definitions VALUES (?, ?)", (key, json.dumps(found))
            )
    return [from_record(raw) for raw in found["declared"]]


def _kept(workspace: WorkspaceFolder, key: str) -> Mapping[str, Any] | None:
    """What was read before, if nothing it was read from has changed."""
    with open_store(workspace) as store:
        row = store.execute("SELECT parsed FROM definitions WHERE digest = ?", (key,)).fetchone()
    if row is None:
        return None
    found: Mapping[str, Any] = json.loads(row["parsed"])
    for name, digest in found["files"].items():
        try:
            raw = (workspace.root / name).read_bytes()
        except OSError:
            return None
        if hashlib.sha256(raw).hexdigest() != digest:
            return None
    # A distribution's folder is named by its version, and goes when another is installed.
    return found if all(map(os.path.isdir, found["packages"])) else None


def _described(
    workspace: WorkspaceFolder, files: Sequence[str], schema: str, folder: Path
) -> Mapping[str, Any]:
    from lakelet.pipelines.python.process import Child

    order = {
        "do": "describe", "what": f"the pipeline {folder.name}", "root": str(workspace.root),
        "folder": str(folder), "files": list(files), "schema": schema,
    }  # fmt: skip
    said: list[str] = []
    memory = claim(workspace).memory
    child = Child(workspace.root, order, timeout=_TIMEOUT, memory=memory, said=said.append)
    try:
        return child.answer()
    except LakeletError as error:
        if any(file in error.message for file in files):
            raise
        printed = f"\nIt printed: {said[-1][-500:]}" if said else ""
        raise PipelineError(
            f"{', '.join(files)}: cannot be imported: {error.message}{printed}",
            hint="a pipeline's file declares datasets; what takes long belongs into their "
            "functions.",
        ) from None
    finally:
        child.close()
