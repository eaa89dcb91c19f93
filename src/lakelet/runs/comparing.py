"""Comparing runs: what differs between them, and how much is the same."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lakelet.runs.index.details import RunDetails, details
from lakelet.runs.index.reading import RunRecord
from lakelet.workspace import WorkspaceFolder

__all__ = ("SECTIONS", "Comparison", "Difference", "compare_runs")

SECTIONS = ("params", "metrics", "inputs", "code", "packages", "machine", "command", "tags")
_OWN_TAGS = ("lakelet.", "mlflow.")


@dataclass(frozen=True)
class Difference:
    """One thing that differs.

    Attributes:
        section: one of `SECTIONS`.
        name: what differs.
        values: its value in each run, in their order; None where a run has none.
    """

    section: str
    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Comparison:
    """What differs between runs.

    Attributes:
        runs: the runs.
        differences: what differs, by section.
        same: how many things are the same in all, by section.
    """

    runs: list[RunRecord]
    differences: list[Difference]
    same: dict[str, int]


def compare_runs(folder: WorkspaceFolder, runs: Sequence[RunRecord]) -> Comparison:
    """Compare runs in everything that is known of them."""
    told = [_told(run, details(folder, run)) for run in runs]
    differences, same = [], {}
    for section in SECTIONS:
        parts = [one[section] for one in told]
        same[section] = 0
        for name in dict.fromkeys(name for part in parts for name in part):
            values = tuple(part.get(name) for part in parts)
            if all(_equal(value, values[0]) for value in values[1:]):
                same[section] += 1
            else:
                differences.append(Difference(section, name, values))
    return Comparison(list(runs), differences, same)


def _equal(one: Any, other: Any) -> bool:
    return bool(one == other or (one != one and other != other))


def _told(run: RunRecord, known: RunDetails) -> dict[str, dict[str, Any]]:
    machine = dict(known.facts.get("machine", {}))
    command = {"command": run.tags.get("lakelet.command"), "folder": run.tags.get("lakelet.folder")}
    seed = {"seed": run.tags["lakelet.seed"]} if "lakelet.seed" in run.tags else {}
    return {
        "params": {**seed, **run.params},
        "metrics": run.metrics,
        "inputs": _inputs(run),
        "code": _code(run, known),
        "packages": known.packages,
        "machine": machine,
        "command": {name: value for name, value in command.items() if value},
        "tags": {k: v for k, v in run.tags.items() if not k.startswith(_OWN_TAGS)},
    }


def _inputs(run: RunRecord) -> dict[str, str]:
    """What a run read: of tables the versions, of files what tells one content from another."""
    found: dict[str, list[str]] = {}
    for one in run.inputs:
        text = one.digest[:12] if one.version is None else f"version {one.version}"
        if text not in found.setdefault(one.name, []):
            found[one.name].append(text)
    return {name: ", ".join(sorted(texts)) for name, texts in sorted(found.items())}


def _code(run: RunRecord, known: RunDetails) -> dict[str, str]:
    found = {}
    commit = run.tags.get("mlflow.source.git.commit")
    if commit:
        found["commit"] = commit[:12]
    if known.diff:
        found["changes since it"] = hashlib.sha256(known.diff).hexdigest()[:12]
    if run.artifacts is not None:
        for kind in ("untracked", "script"):
            place = run.artifacts / "lakelet" / kind
            for path in sorted(place.rglob("*")) if place.is_dir() else ():
                if path.is_file():
                    name = path.relative_to(place).as_posix()
                    found[name] = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return found
