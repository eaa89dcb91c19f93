"""Raw files as a person looks at them: folders of volumes, the text of a file, where it went.

Only what lies in a volume is shown, or is known to the account of loads by its very name: pages
must not become a way to read the whole disk.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakelet.errors import InvalidNameError, LakeletError
from lakelet.lake.storage import is_remote, join, storage_for
from lakelet.lake.volumes import refuse_links_out, resolve_path, volumes
from lakelet.session.loads import look_at_loads

if TYPE_CHECKING:
    from lakelet.session.workspace import Workspace

__all__ = (
    "Destination",
    "FolderEntry",
    "Place",
    "Preview",
    "destinations",
    "look_at",
    "preview",
    "rows_of_parquet",
)

_SHOWN = 64 << 10
"""Characters of a file that are shown."""
_LOOKED_AT = 64 << 20
"""Bytes that are read on the way to a line."""
_AROUND = 20
_ENTRIES = 1000
PATTERN = re.compile(r"[*?[]")
"""What makes a path one of many files."""
IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif")


@dataclass(frozen=True)
class FolderEntry:
    """A file or folder of a folder.

    Attributes:
        name: its name.
        path: what to ask for to see it.
        folder: whether it is a folder.
        bytes: a file's size.
        modified: when a file was changed.
    """

    name: str
    path: str
    folder: bool
    bytes: int | None = None
    modified: dt.datetime | None = None


@dataclass(frozen=True)
class Place:
    """What lies at a path.

    Attributes:
        path: what a person asked for.
        name: what the account of loads calls it.
        kind: ``folder``, ``file`` or ``gone``.
        location: where it is.
        bytes: a file's size.
        modified: when a file was changed.
        entries: what is in a folder, folders first; at most a thousand.
        more: whether a folder holds more.
    """

    path: str
    name: str
    kind: str
    location: str
    bytes: int | None = None
    modified: dt.datetime | None = None
    entries: list[FolderEntry] = field(default_factory=list)
    more: bool = False


@dataclass(frozen=True)
class Destination:
    """A table that a file went into.

    Attributes:
        table: its name.
        batch: the load's number there.
        kept: rows that are in the table.
        rescued: rows of these with a rescued value.
        rejected: rows that were none.
        state: what became of the file.
        loaded_at: when.
    """

    table: str
    batch: int
    kept: int
    rescued: int
    rejected: int
    state: str
    loaded_at: dt.datetime


@dataclass(frozen=True)
class Preview:
    """The beginning of a file, or what is around one of its lines.

    Attributes:
        kind: ``text``, ``rows``, ``image``, ``binary`` or ``unreadable``.
        first: the number of the first line shown, from 1.
        lines: lines of text.
        columns: the columns of a Parquet file.
        rows: some of its rows, as text.
        more: whether there is more.
        said: why it cannot be shown.
    """

    kind: str
    first: int = 1
    lines: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    more: bool = False
    said: str = ""


def _resolved(workspace: Workspace, path: str) -> tuple[str, str, bool]:
    """Place and ledger name of a path, and whether what lies there may be looked at."""
    folder = workspace.folder
    place = resolve_path(folder, path, base=folder.root)
    name = place if is_remote(place) else place.removeprefix(str(folder.root) + "/")
    for volume, root in volumes(folder).items():
        inside = place.removeprefix(root.rstrip("/")).lstrip("/")
        if place == root.rstrip("/") or place.startswith(root.rstrip("/") + "/"):
            resolve_path(folder, f"{volume}:{inside}", base=folder.root)
            if inside:
                refuse_links_out(folder, f"{volume}:{inside}", [place])
            return place, name, True
    return place, name, bool(destinations(workspace, name))


def look_at(workspace: Workspace, path: str) -> Place:
    """What lies at a path of a volume, or at one that a load has read.

    Of a folder outside the volumes, and of a pattern such as ``files/*.json``, it is the files
    that loads have read.

    Raises:
        InvalidNameError: it may not be looked at.
    """
    try:
        place, name, shown = _resolved(workspace, path)
    except (OSError, ValueError) as error:
        if isinstance(error, LakeletError):
            raise
        raise InvalidNameError(f"what was asked for is no path of a file: {error}.") from None
    storage = storage_for(workspace.folder, place)
    local = not is_remote(place)
    entry = storage.entry(place) if shown else None
    if entry is None and (not shown or PATTERN.search(name)):
        read = [FolderEntry(one, one, folder=False) for one in _read(workspace, name)]
        if read or not shown:
            return _of_loads(path, name, place, read)
    if entry is not None and not (local and Path(place).is_dir()):
        modified = dt.datetime.fromtimestamp(entry.modified / 1e6, dt.UTC)
        return Place(path, name, "file", place, entry.size, modified)
    entries = list(_entries(workspace, place, name))
    if not entries and not (local and Path(place).is_dir()):
        return Place(path, name, "gone", place)
    return Place(
        path, name, "folder", place, entries=entries[:_ENTRIES], more=len(entries) > _ENTRIES
    )


def _of_loads(path: str, name: str, place: str, read: list[FolderEntry]) -> Place:
    """A place that is what loads have read there.

    Raises:
        InvalidNameError: they have read nothing.
    """
    if not read:
        raise InvalidNameError(
            f"{path} lies in no volume, and no load has read it; nothing was shown.",
            hint="[volumes] in lakelet.toml names folders whose files are shown.",
        )
    more = len(read) > _ENTRIES
    return Place(path, name, "folder", place, entries=read[:_ENTRIES], more=more)


def _read(workspace: Workspace, name: str) -> list[str]:
    """Files that loads have read below a folder, or whose names fit a pattern."""
    pattern = PATTERN.search(name)
    below = name[: pattern.start()] if pattern else name.rstrip("/") + "/"
    rows = look_at_loads(
        workspace, "SELECT DISTINCT file FROM this WHERE starts_with(file, ?) "
        "ORDER BY file", [below],
        where="starts_with(file, ?)",
    )  # fmt: skip
    files = [str(row["file"]) for row in rows]
    return [one for one in files if fnmatchcase(one, name)] if pattern else files


def _entries(workspace: Workspace, place: str, name: str) -> Iterator[FolderEntry]:
    if not is_remote(place):
        if not Path(place).is_dir():
            return
        inside = [one for one in Path(place).iterdir() if not one.name.startswith(".")]
        for one in sorted(inside, key=lambda one: (not one.is_dir(), one.name))[: _ENTRIES + 1]:
            status = one.stat() if one.exists() else None
            modified = status and dt.datetime.fromtimestamp(status.st_mtime, dt.UTC)
            size = status.st_size if status and not one.is_dir() else None
            yield FolderEntry(one.name, join(name, one.name), one.is_dir(), size, modified)
        return
    storage = storage_for(workspace.folder, place)
    for folder in storage.folders(place):
        yield FolderEntry(folder, join(place, folder), folder=True)
    for entry in storage.files(place):
        rest = entry.path.removeprefix(place.rstrip("/") + "/")
        if "/" not in rest:
            modified = dt.datetime.fromtimestamp(entry.modified / 1e6, dt.UTC)
            yield FolderEntry(rest, entry.path, False, entry.size, modified)


def destinations(workspace: Workspace, name: str) -> list[Destination]:
    """The tables a file went into, by the name the account of loads has for it."""
    rows = look_at_loads(
        workspace,
        'SELECT table_name AS "table", batch, kept, rescued, rejected, state, loaded_at FROM this '
        "WHERE file = ? ORDER BY loaded_at DESC",
        [name],
        where="file = ?",
    )
    return [Destination(**row) for row in rows]


def preview(workspace: Workspace, place: Place, *, line: int | None = None) -> Preview:
    """The beginning of a file, or what is around a line of it."""
    from lakelet.loading.records.block import FileUnreadableError
    from lakelet.loading.records.bytes import byte_blocks

    ending = Path(place.location).suffix.lower()
    if ending in IMAGES:
        return Preview("image")
    if ending == ".parquet":
        if is_remote(place.location):
            return Preview(
                "unreadable", said="Parquet files of buckets are shown once they are loaded"
            )
        return rows_of_parquet(place.location, 100)
    try:
        with storage_for(workspace.folder, place.location).open(place.location) as file:
            return _text(byte_blocks(file), line)
    except (FileUnreadableError, LakeletError, OSError) as error:
        return Preview("unreadable", said=getattr(error, "message", str(error)))


def _text(blocks: Iterator[bytes], line: int | None) -> Preview:
    if line is None or line < 1:
        data = next(blocks, b"")
        if b"\0" in data[:1024]:
            return Preview("binary", said="it holds bytes that are no text")
        lines = data[:_SHOWN].decode("utf-8", "replace").split("\n")
        return Preview("text", 1, lines, more=len(data) > _SHOWN or next(blocks, None) is not None)
    begin, rest, number, seen = max(1, line - _AROUND), b"", 1, 0
    shown: list[bytes] = []
    for block in blocks:
        seen += len(block)
        *whole, rest = (rest + block).split(b"\n")
        wanted = whole[max(0, begin - number) : max(0, line + _AROUND + 1 - number)]
        shown += wanted
        number += len(whole)
        if number > line + _AROUND or seen > _LOOKED_AT:
            break
    if rest and begin <= number <= line + _AROUND:
        shown.append(rest)
    texts = [one[: _SHOWN // 8].decode("utf-8", "replace") for one in shown]
    return Preview("text", begin, texts, more=True, said="" if shown else "it has no such line")


def rows_of_parquet(path: str, most: int) -> Preview:
    """The first rows of a Parquet file on this machine, at most so many."""
    from lakelet.engines.engine import duckdb_errors
    from lakelet.lake.names import literal
    from lakelet.lake.small_engine import small_engine

    engine = small_engine()
    try:
        with duckdb_errors():
            relation = engine.sql(f"SELECT * FROM read_parquet({literal(path)}) LIMIT {most + 1}")
            columns, rows = list(relation.columns), relation.fetchall()
    except LakeletError as error:
        return Preview("unreadable", said=error.message)
    finally:
        engine.close()
    texts = [[_cell(value) for value in row] for row in rows[:most]]
    return Preview("rows", columns=columns, rows=texts, more=len(rows) > most)


def _cell(value: Any) -> str:
    return "NULL" if value is None else str(value)[:300]
