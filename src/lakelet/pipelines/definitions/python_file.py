"""Datasets declared in Python, by the decorators of `lakelet.pipelines`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lakelet.errors import PipelineError
from lakelet.pipelines.definitions.dataset import Dataset
from lakelet.pipelines.definitions.sql_file import LooseFlow
from lakelet.workspace import WorkspaceFolder

__all__ = ("read_python_files",)


def read_python_files(
    workspace: WorkspaceFolder, files: Sequence[Path], schema: str
) -> list[Dataset | LooseFlow]:
    """The datasets and flows that Python files declare."""
    if files:
        shown = files[0].relative_to(workspace.root)
        raise PipelineError(f"{shown}: datasets in Python are not there yet; write SQL.")
    return []
