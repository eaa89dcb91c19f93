"""How a table stands: small files, space by version, files that nothing refers to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from lakelet.lake.delta import delta_errors
from lakelet.lake.pins import files_of_versions, pinned_versions
from lakelet.lake.storage import join
from lakelet.lake.table import PRIVATE_FOLDER, LakeTable
from lakelet.workspace.quantities import counted

__all__ = ("SMALL_FILE", "Health", "VersionSpace", "data_files", "examine_table", "file_spans")

SMALL_FILE = 16 << 20
"""Bytes below which a data file is small."""
_MANY = 8


@dataclass(frozen=True, slots=True)
class VersionSpace:
    """What only one version needs: files it removed, by the version that removed them."""

    version: int
    time: datetime
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Health:
    """The state of a table's files.

    Attributes:
        table: its name.
        files: data files of the newest version.
        bytes: their size.
        small: of these, files smaller than `SMALL_FILE`.
        kept: files only older versions need, by the version that let go of them.
        expired: of these, files that `maintain` may remove: older than the retention.
        expired_bytes: their size.
        pinned: files that are older, too, and stay because runs are pinned to their versions.
        pinned_bytes: their size: what pins cost in space.
        runs: how many runs are pinned to a version of the table.
        stray: files no version in the log refers to.
        stray_bytes: their size.
        advice: what to do, for a person; '' where all is well.
    """

    table: str
    files: int
    bytes: int
    small: int
    kept: tuple[VersionSpace, ...]
    expired: int
    expired_bytes: int
    stray: int
    stray_bytes: int
    pinned: int = 0
    pinned_bytes: int = 0
    runs: int = 0

    @property
    def advice(self) -> str:
        """What to do, or '' where all is well."""
        found = []
        if self.small > _MANY:
            found.append(f"{counted(self.small, 'small file')} can be merged")
        if self.expired:
            found.append(
                f"{counted(self.expired, 'file is', 'files are')} older than the retention"
            )
        if self.stray:
            found.append(f"{counted(self.stray, 'file belongs', 'files belong')} to no version")
        return "; ".join(found)


def examine_table(table: LakeTable) -> Health:
    """Read a table's log and list its folder; no data file is opened.

    Raises:
        StorageError: the table cannot be read.
    """
    keep = table.workspace.settings.lake.keep
    with delta_errors(str(table.name)):
        snapshot = table.open()
        sizes = snapshot.get_add_actions().column("size_bytes").to_pylist()
    removed, known = _removals(table)
    there = data_files(table)
    kept, expired = _by_version(removed, there, keep)
    pins = pinned_versions(table)
    needed = files_of_versions(table, pins) if expired else set()
    pinned = {path: size for path, size in expired.items() if path in needed}
    expired = {path: size for path, size in expired.items() if path not in needed}
    stray = {path: size for path, size in there.items() if path not in known}
    return Health(
        table=str(table.name),
        files=len(sizes),
        bytes=sum(sizes),
        small=sum(size < SMALL_FILE for size in sizes),
        kept=tuple(kept),
        expired=len(expired),
        expired_bytes=sum(expired.values()),
        stray=len(stray),
        stray_bytes=sum(stray.values()),
        pinned=len(pinned),
        pinned_bytes=sum(pinned.values()),
        runs=sum(pins.values()),
    )


def _by_version(
    removed: Iterable[tuple[int, datetime, str]], there: dict[str, int], keep: timedelta
) -> tuple[list[VersionSpace], dict[str, int]]:
    spaces: dict[int, VersionSpace] = {}
    expired: dict[str, int] = {}
    limit = datetime.now(UTC) - keep
    for version, time, path in removed:
        size = there.get(path)
        if size is None:
            continue
        before = spaces.get(version, VersionSpace(version, time, 0, 0))
        spaces[version] = VersionSpace(version, time, before.files + 1, before.bytes + size)
        if time < limit:
            expired[path] = size
    return [spaces[version] for version in sorted(spaces, reverse=True)], expired


def _removals(table: LakeTable) -> tuple[list[tuple[int, datetime, str]], set[str]]:
    """Files removed and not added again, with version and time, and every file the log names."""
    live: dict[str, tuple[int, datetime]] = {}
    known: set[str] = set()
    for version, actions in _log(table):
        time = _time(actions)
        for action in actions:
            add, remove = action.get("add"), action.get("remove")
            if add:
                path = unquote(add["path"])
                known.add(path)
                live.pop(path, None)
            elif remove:
                path = unquote(remove["path"])
                known.add(path)
                live[path] = (version, _moment(remove.get("deletionTimestamp")) or time)
            elif "cdc" in action:
                known.add(unquote(action["cdc"]["path"]))
    return [(version, time, path) for path, (version, time) in live.items()], known


def file_spans(table: LakeTable) -> Iterable[tuple[str, int, int]]:
    """Files that versions let go of, with the first and the last version that needed each."""
    since: dict[str, int] = {}
    for version, actions in sorted(_log(table), key=lambda one: one[0]):
        for action in actions:
            if remove := action.get("remove"):
                path = unquote(remove["path"])
                yield path, since.pop(path, 0), version - 1
        for action in actions:
            if add := action.get("add"):
                # Statistics may be written anew for a file that is there.
                since.setdefault(unquote(add["path"]), version)


def _log(table: LakeTable) -> Iterable[tuple[int, list[dict[str, Any]]]]:
    folder = join(table.location, "_delta_log")
    for entry in table.storage.files(folder):
        name = entry.path.rsplit("/", 1)[-1]
        if not (name.endswith(".json") and name[:-5].isdecimal()):
            continue
        with table.storage.open(entry.path) as file:
            yield int(name[:-5]), [json.loads(line) for line in file if line.strip()]


def _time(actions: list[dict[str, Any]]) -> datetime:
    for action in actions:
        if "commitInfo" in action:
            return _moment(action["commitInfo"].get("timestamp")) or datetime.fromtimestamp(0, UTC)
    return datetime.fromtimestamp(0, UTC)


def _moment(milliseconds: Any) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def data_files(table: LakeTable) -> dict[str, int]:
    """Sizes of the files in the table's folder, by their path in it; logs are left out."""
    root = table.location.rstrip("/") + "/"
    found = {}
    for entry in table.storage.files(table.location):
        path = entry.path.removeprefix(root)
        if not path.startswith((PRIVATE_FOLDER, "_delta_log")) and "/_delta_log/" not in path:
            found[path] = entry.size
    return found
