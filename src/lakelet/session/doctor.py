"""What works here, what is missing, and how to get it."""

from __future__ import annotations

import platform
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from lakelet.errors import LakeletError, SettingsError, WorkspaceNotFoundError
from lakelet.lake import Lake, TableName
from lakelet.lake.staging import STAGED_PREFIX
from lakelet.lake.storage import is_bucket, join, storage_for
from lakelet.lake.volumes import volumes
from lakelet.workspace import WorkspaceFolder, find_workspace
from lakelet.workspace.folder import machine_time_zone
from lakelet.workspace.locks import is_held
from lakelet.workspace.quantities import counted, format_bytes
from lakelet.workspace.secrets import redact

__all__ = ("Finding", "examine")

State = Literal["ok", "note", "broken"]

_CORE = ("lakelet", "duckdb", "deltalake", "sqlglot")
_LITTLE, _TOO_LITTLE = 2_000_000_000, 100_000_000
_REQUIRED = re.compile(r"([\w.-]+).*extra == [\"']([\w-]+)[\"']")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: its name.
        state: ``ok``, ``note`` (works, but worth knowing) or ``broken``.
        text: what was found.
        hint: what to do about it.
    """

    what: str
    state: State
    text: str
    hint: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def examine(start: Path) -> Iterator[Finding]:
    """Look at the installation and at the workspace of a folder, one finding after the other.

    Nothing is raised for what is broken: that is a finding. In a bucket one small object is
    written and removed again, to see whether conditional writes hold.
    """
    for finding in _all(start):
        hint = redact(finding.hint) if finding.hint else None
        yield Finding(finding.what, finding.state, redact(finding.text), hint)


def _all(start: Path) -> Iterator[Finding]:
    yield from _versions()
    yield from _extras()
    yield from _gpus()
    try:
        workspace = find_workspace(start)
    except WorkspaceNotFoundError as error:
        yield _broken("workspace", error)
        return
    yield Finding("workspace", "ok", str(workspace.root))
    try:
        settings = workspace.settings
    except SettingsError as error:
        yield _broken("settings", error)
        return
    yield Finding("settings", "ok", "lakelet.toml is valid")
    yield _time_zone(settings.time_zone)
    yield _disk(workspace)
    yield from _lake(Lake(workspace))
    for name, place in volumes(workspace).items():
        yield _reach(workspace, f"volume {name}", place)


def _broken(what: str, error: LakeletError) -> Finding:
    return Finding(what, "broken", error.message, error.hint)


def _versions() -> Iterator[Finding]:
    yield Finding("python", "ok", platform.python_version())
    for name in _CORE:
        try:
            yield Finding(name, "ok", metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Finding(name, "broken", "is not installed", "pip install lakelet")


def _extras() -> Iterator[Finding]:
    """The extras a user may want, with what of each is there."""
    wanted: dict[str, list[str]] = {}
    for requirement in metadata.requires("lakelet") or []:
        match = _REQUIRED.match(requirement)
        if match is not None and match[2] != "dev":
            wanted.setdefault(match[2], []).append(match[1])
    for extra, names in sorted(wanted.items()):
        there = {name: _version(name) for name in names}
        found = ", ".join(f"{name} {version}" for name, version in there.items() if version)
        missing = ", ".join(name for name, version in there.items() if not version)
        if missing:
            text = f"{missing} not installed" + (f"; there: {found}" if found else "")
            yield Finding(f"extra {extra}", "note", text, f"pip install 'lakelet[{extra}]'")
        else:
            yield Finding(f"extra {extra}", "ok", found)


def _gpus() -> Iterator[Finding]:
    """Each GPU that is seen, and whether the engine's build can use it."""
    from lakelet.inference.engine import gpus

    seen = gpus.seen_gpus()
    if not seen:
        return
    devices = gpus.engine_devices()
    for gpu in seen:
        if devices is None:
            yield Finding("gpu", "note", f"{gpu}; the engine is not installed, or does not answer")
            continue
        used = next((one for one in devices if gpu.maker.lower() in one.lower() or gpu.name in one
                     or (gpu.maker == "Apple" and one.startswith("M"))), None)  # fmt: skip
        if used is not None:
            yield Finding("gpu", "ok", f"{gpu}, which the engine can use as {used}")
        else:
            yield Finding(
                "gpu", "note", f"{gpu}: this build of the engine cannot use it",
                "a llama-server that was built for it can: name it as llama_server in [models] of "
                "lakelet.toml.",
            )  # fmt: skip


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _time_zone(zone: str) -> Finding:
    machine = machine_time_zone()
    if zone == machine:
        return Finding("time zone", "ok", zone)
    text = f"{zone}; the machine's is {machine}, which plays no part"
    return Finding("time zone", "note", text)


def _disk(workspace: WorkspaceFolder) -> Finding:
    free = shutil.disk_usage(workspace.root).free
    state: State = "ok" if free > _LITTLE else "note" if free > _TOO_LITTLE else "broken"
    hint = None if state == "ok" else "loads stage their rows before they commit them: make room."
    return Finding("disk", state, f"{format_bytes(free)} free", hint)


def _reach(workspace: WorkspaceFolder, what: str, place: str) -> Finding:
    try:
        storage = storage_for(workspace, place)
        if is_bucket(place):
            next(iter(storage.files(join(place, ""))), None)
        elif not Path(place).is_dir():
            return Finding(what, "broken", f"{place} is not there", "make the folder, or mend "
                           "[volumes] in lakelet.toml.")  # fmt: skip
    except LakeletError as error:
        return _broken(what, error)
    return Finding(what, "ok", place)


def _lake(lake: Lake) -> Iterator[Finding]:
    try:
        tables = list(lake.names())
    except LakeletError as error:
        yield _broken("lake", error)
        return
    yield Finding("lake", "ok", f"{lake.root}, {counted(len(tables), 'table')}")
    if is_bucket(lake.root):
        yield _conditional_writes(lake)
    yield from _unreadable(lake, tables)
    try:
        yield from _unfinished(lake)
    except LakeletError as error:
        yield _broken("lake", error)


def _unreadable(lake: Lake, tables: Sequence[TableName]) -> Iterator[Finding]:
    for name in tables:
        try:
            lake.table(name).open()
        except LakeletError as error:
            yield _broken(f"table {name}", error)


def _conditional_writes(lake: Lake) -> Finding:
    from lakelet.lake.storage.bucket import BucketStorage
    from lakelet.lake.storage.writers import honours_conditions

    what = "conditional writes"
    assert isinstance(lake.storage, BucketStorage)
    try:
        held = honours_conditions(lake.storage, lake.root)
    except LakeletError as error:
        return _broken(what, error)
    if held:
        return Finding(what, "ok", "honoured: any number of processes and machines may write")
    return Finding(
        what, "note", "ignored by this bucket: only one process may write, from one machine",
        "keep the lake on a store that honours If-None-Match if more than one is to write.",
    )  # fmt: skip


def _unfinished(lake: Lake) -> Iterator[Finding]:
    """Staged rows of loads that were cut off, told from those under way by the kernel's locks."""
    left, busy = [], []
    for name in lake.names():
        table = lake.table(name)
        staged = [f for f in table.storage.folders(table.location) if f.startswith(STAGED_PREFIX)]
        logs = [f for f in staged if table.storage.folders(join(table.location, f))]
        if is_held(table.lock_file("load.lock")) or is_held(table.lock_file("lock")):
            busy.append(str(name))
        elif logs:
            left.append(str(name))
    if busy:
        yield Finding("in use", "note", f"being written to right now: {', '.join(busy)}")
    if left:
        yield Finding(
            "unfinished loads", "note", f"rows that never counted wait beside {', '.join(left)}",
            "the next load into the table, or VACUUM, takes them away.",
        )  # fmt: skip
