"""What of a run can no longer be matched when it is repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lakelet.errors import LakeletError
from lakelet.lake import LakeTable, TableName
from lakelet.lake.pins import files_of_versions
from lakelet.lake.storage import is_remote, join, storage_for
from lakelet.runs.index.details import RunDetails
from lakelet.runs.index.reading import Input, RunRecord
from lakelet.runs.recorded.surroundings import machine, packages
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.notices import FilesRead
from lakelet.workspace.quantities import counted, format_bytes

__all__ = ("lost_versions", "unmatched")

_TOLD = 12


def lost_versions(folder: WorkspaceFolder, run: RunRecord) -> list[str]:
    """Versions the run read that cannot be read any more, each with the reason."""
    return [
        f"{one.name} at version {one.version}: {reason}"
        for one in run.inputs
        if one.version is not None and (reason := _lost(folder, one))
    ]


def _lost(folder: WorkspaceFolder, one: Input) -> str:
    if one.kind != "table" or one.location is None:
        return ""
    schema, _, name = one.name.partition(".")
    table = LakeTable(folder, TableName(schema, name), one.location)
    try:
        snapshot = table.open(one.version)
        if one.source.get("table_id") not in (None, "", str(snapshot.metadata().id)):
            return "the table of that name is another one now"
        paths = files_of_versions(table, [one.version or 0])
    except LakeletError as error:
        return error.message
    if is_remote(one.location):
        there = {entry.path for entry in table.storage.files(one.location)}
        gone = [path for path in paths if join(one.location, path) not in there]
    else:
        gone = [path for path in paths if not Path(one.location, path).exists()]
    return f"{counted(len(gone), 'of its files is', 'of its files are')} gone" if gone else ""


def unmatched(folder: WorkspaceFolder, run: RunRecord, known: RunDetails) -> list[str]:
    """What is not as it was, apart from table versions: files, packages, machine, code."""
    found = [f"not kept with the run: {one}" for one in known.facts["code"].get("left_out", ())]
    found += _files(folder, run)
    found += _packages(known.packages)
    found += _machine(known.facts.get("machine", {}))
    return found


def _files(folder: WorkspaceFolder, run: RunRecord) -> list[str]:
    found = []
    for one in run.inputs:
        if one.kind != "files" or one.source.get("count") != 1:
            continue
        place = one.name if is_remote(one.name) else str(folder.root / one.name)
        try:
            entry = storage_for(folder, place).entry(place)
        except LakeletError as error:
            found.append(f"the file {one.name}: {error.message}")
            continue
        if entry is None:
            found.append(f"the file {one.name} is gone")
        elif FilesRead.of(one.name, [(one.name, entry.size, entry.etag)]).digest != one.digest:
            found.append(f"the file {one.name} changed since")
    return found


def _packages(then: dict[str, str]) -> list[str]:
    now = packages()
    changed = [
        f"{name} is {now.get(name, 'not installed')}, was {then.get(name, 'not installed')}"
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    ]
    more = [f"and {counted(len(changed) - _TOLD, 'more package')}"] if len(changed) > _TOLD else []
    return changed[:_TOLD] + more if then else ["which packages were installed is not known"]


def _machine(then: dict[str, Any]) -> list[str]:
    now = machine()
    found = []
    for name, value in then.items():
        if now.get(name) != value:
            texts = [
                format_bytes(v) if name == "memory" and v else v for v in (now.get(name), value)
            ]
            found.append(f"{name} is {texts[0]}, was {texts[1]}")
    return found
