"""From what a person names as a source to the list of its files.

A source is a file, a folder, a glob, a path of a volume, or a URL. Listing is all that is done
here; no file is opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path

from lakelet.errors import LoadError
from lakelet.lake.storage import FileEntry, Storage, is_remote, storage_for
from lakelet.lake.volumes import refuse_links_out, resolve_path
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.notices import FilesRead, heard, tell
from lakelet.workspace.secrets import redact

__all__ = ("FoundFile", "NothingThereError", "discover", "tell_files")

_EACH = 20
"""More files than these are told of as one source."""
_GLOB = re.compile(r"[*?\[]")


class NothingThereError(LoadError):
    """A folder, or a pattern, without a file so far."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of a source.

    Attributes:
        name: its path from the workspace's folder where it lies in it, else its absolute path or
            URI; so a workspace that moves as a whole still knows its files.
        entry: the file as listed.
        storage: where it is.
    """

    name: str
    entry: FileEntry
    storage: Storage


def discover(workspace: WorkspaceFolder, source: str, *, base: Path) -> list[FoundFile]:
    """The files of a source, in the order of their paths.

    Args:
        workspace: whose volumes count.
        source: what a person named.
        base: where a relative path starts.

    Raises:
        LoadError: there is no such file or folder.
        InvalidNameError: it leaves the volume it names, by a link too.
        NothingThereError: no file in it, or none that the pattern meets.
    """
    path = resolve_path(workspace, source, base=base)
    storage = storage_for(workspace, path)
    found = [
        FoundFile(_name(workspace, entry.path), entry, storage) for entry in _entries(storage, path)
    ]
    if not found:
        may_come = is_remote(path) or Path(path).is_dir() or _GLOB.search(path)
        raise (NothingThereError if may_come else LoadError)(
            f"there is nothing to load at {redact(source)}.",
            hint="name a file, a folder with files, a pattern such as 'posts/*.json', or a URL.",
        )
    refuse_links_out(workspace, source, (file.entry.path for file in found))
    return found


def tell_files(workspace: WorkspaceFolder, source: str, found: Sequence[FoundFile]) -> None:
    """Give notice that files are read: of each, or of very many as one."""
    if not heard(workspace):
        return
    listed = [(file.name, file.entry.size, file.entry.etag) for file in found]
    if len(listed) > _EACH:
        tell(workspace, FilesRead.of(redact(source), listed))
        return
    for one in listed:
        tell(workspace, FilesRead.of(one[0], [one]))


def _entries(storage: Storage, path: str) -> Iterator[FileEntry]:
    single = storage.entry(path)
    if single is not None and not (not is_remote(path) and Path(path).is_dir()):
        yield single
        return
    match = _GLOB.search(path)
    if match is None:
        yield from _listed(storage, path)
        return
    folder = path[: path.rfind("/", 0, match.start())] or "/"
    pattern = _pattern(path)
    yield from (entry for entry in _listed(storage, folder) if pattern.fullmatch(entry.path))


def _listed(storage: Storage, folder: str) -> Iterator[FileEntry]:
    if not is_remote(folder) and not Path(folder).exists():
        return
    yield from storage.files(folder)


def _pattern(path: str) -> re.Pattern[str]:
    """A glob as a regular expression in which ``*`` stays within one folder and ``**`` does not."""
    parts = []
    for part in re.split(r"(\*\*/?)", path):
        if part.startswith("**"):
            parts.append("(?:.*/)?" if part.endswith("/") else ".*")
        else:
            body = translate(part).removeprefix("(?s:").removesuffix(r")\Z").removesuffix(r")\z")
            parts.append(body.replace(".*", "[^/]*").replace("(?>", "(?:"))
    return re.compile("".join(parts))


def _name(workspace: WorkspaceFolder, path: str) -> str:
    if is_remote(path):
        return path
    root = str(workspace.root) + "/"
    return path.removeprefix(root)
