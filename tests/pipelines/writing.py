"""What pipeline tests write: definition files and raw files."""

from __future__ import annotations

import json
from pathlib import Path

from lakelet.session import Workspace


def define(ws: Workspace, text: str, name: str = "p", file: str = "a.sql") -> Path:
    """Write a file of a pipeline."""
    path = ws.folder.root / "pipelines" / name / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def put(ws: Workspace, name: str, *rows: dict[str, object] | str) -> Path:
    """Write a raw file of JSON lines."""
    path = ws.folder.files / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows))
    return path


def commits(ws: Workspace) -> dict[str, int]:
    """The newest version of every table, whatever is published."""
    return {str(name): int(ws.lake.table(name).open().version()) for name in ws.tables()}
