"""The facts of a run, in the metadata store and with its artifacts."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lakelet.runs.recorded.code import Code, look_at_code
from lakelet.runs.recorded.home import at_home, text_at_home
from lakelet.runs.recorded.surroundings import (
    Meter,
    command_line,
    machine,
    packages,
    packages_digest,
    shown_command,
)
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.store import open_store

__all__ = ("Facts", "keep_facts", "look_around", "read_facts", "run_file")


@dataclass
class Facts:
    """What is recorded of a run without being asked.

    Attributes:
        code: the state of the code.
        known: everything else, as JSON has it.
        installed: packages and their versions.
        meter: what it uses.
    """

    code: Code
    known: dict[str, Any]
    installed: dict[str, str]
    meter: Meter = field(default_factory=Meter)

    def tags(self) -> dict[str, str]:
        """What of it MLflow keeps as tags, from the run's first moment."""
        where = self.known["machine"]
        found = {
            "lakelet.command": shown_command(self.known["command"])[:5000],
            "lakelet.folder": self.known["folder"],
            "lakelet.packages": self.known["packages"],
            "lakelet.python": where["python"],
            "lakelet.machine": f"{where['system']}, {where['processor']}, {where['cores']} cores",
        }
        if self.code.commit is not None:
            found["mlflow.source.git.commit"] = self.code.commit
            found["lakelet.changed"] = str(bool(self.code.diff or self.code.untracked)).lower()
        if self.code.branch:
            found["mlflow.source.git.branch"] = self.code.branch
        return found

    def as_json(self) -> dict[str, Any]:
        """All of it, with what was used so far."""
        return {**self.known, **self.meter.read()}


def look_around(folder: WorkspaceFolder) -> Facts:
    """Look at code, packages and machine."""
    code, installed = look_at_code(folder), packages()
    known = {
        "command": [text_at_home(part) for part in command_line()],
        "folder": str(at_home(Path.cwd())),
        "workspace": str(folder.root),
        "code": code.facts(),
        "machine": machine(),
        "packages": packages_digest(installed),
    }
    return Facts(code, known, installed)


def keep_facts(
    store: sqlite3.Connection, run_id: str, known: dict[str, Any], installed: dict[str, str]
) -> None:
    """Write a run's facts into the metadata store; packages once for each set of them."""
    store.execute(
        "INSERT OR REPLACE INTO run_facts (run_id, facts) VALUES (?, ?)",
        (run_id, json.dumps(known)),
    )
    store.execute(
        "INSERT OR IGNORE INTO environments (digest, packages) VALUES (?, ?)",
        (known["packages"], json.dumps(installed)),
    )


def read_facts(folder: WorkspaceFolder, run_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """A run's facts and packages; empty where nothing is known of them."""
    with open_store(folder) as store:
        row = store.execute("SELECT facts FROM run_facts WHERE run_id = ?", (run_id,)).fetchone()
        if row is None:
            return {}, {}
        known = json.loads(row["facts"])
        installed = store.execute(
            "SELECT packages FROM environments WHERE digest = ?", (known.get("packages"),)
        ).fetchone()
    return known, {} if installed is None else json.loads(installed["packages"])


def run_file(known: dict[str, Any], installed: dict[str, str]) -> dict[str, bytes]:
    """The file ``run.json`` of a run: its facts, packages too, for whoever has MLflow alone."""
    return {"run.json": json.dumps({**known, "installed": installed}, indent=1).encode()}
