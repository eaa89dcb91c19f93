"""A script that runs in a process of its own, and is killed where it says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from lakelet.session import Workspace


def script(ws: Workspace, body: str, name: str = "script.py") -> Path:
    path = ws.folder.root / name
    path.write_text(f"import os, signal\nimport lakelet\n\nws = lakelet.open()\n{body}\n")
    return path


def start(path: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(path)], cwd=path.parent, env={**os.environ, **env},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def command(ws: Workspace, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lakelet", *arguments], cwd=ws.folder.root,
        env={**os.environ, **env}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
