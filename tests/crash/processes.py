"""Running scenarios in processes that are killed, or fail, at a named step."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCENARIO = Path(__file__).with_name("scenario.py")


def run(root: Path, what: str, fault: str = "") -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if key != "LAKELET_FAULT"}
    if fault:
        env["LAKELET_FAULT"] = fault
    return subprocess.run(
        [sys.executable, str(SCENARIO), str(root), what],
        env=env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def moments(root: Path, what: str, trace: Path) -> list[str]:
    """The faults that kill at every moment of a scenario: ``kill:before:NAME:COUNT`` and after."""
    done = run(root, what, f"trace:{trace}")
    assert done.returncode == 0, done.stderr
    seen: dict[str, int] = {}
    found = []
    for line in trace.read_text().splitlines():
        seen[line] = seen.get(line, 0) + 1
        moment, name = line.split(" ", 1)
        found.append(f"kill:{moment}:{name}:{seen[line]}")
    return found
