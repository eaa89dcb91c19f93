"""Files that are brought into a volume, and go on where they were cut off.

What has come so far lies in the workspace's private folder, under a name made of what the file is,
and is moved into the volume, whole, when the last byte has come. A file that is there already is
never written over: the new one gets a number.
"""

from __future__ import annotations

import filecmp
import hashlib
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lakelet.errors import CommandError, StorageError
from lakelet.lake.storage import is_remote
from lakelet.lake.volumes import resolve_path
from lakelet.session.audit import audited
from lakelet.session.raw_files import look_at
from lakelet.workspace.steps import declare, make_folder, remove_tree, step

if TYPE_CHECKING:
    from lakelet.session.workspace import Workspace

__all__ = (
    "Upload",
    "append",
    "begin_upload",
    "bring",
    "finish",
    "safe_name",
    "sweep_uploads",
    "take",
)

_FOLDER = declare("uploads.folder", "the folder for uploads is there")
_PART = declare("uploads.part", "more of an upload is there")
_PLACE = declare("uploads.place", "an upload is a file of the volume")
_SWEEP = declare("uploads.sweep", "an upload that nobody went on with is gone")
_MOST_BYTES = 255
"""The longest name that file systems take (NAME_MAX of Linux and macOS)."""
_KEPT_SECONDS = 7 * 24 * 3600
_NAMES = 1000
_BLOCK = 4 << 20


@dataclass(frozen=True)
class Upload:
    """A file on its way into a volume.

    Attributes:
        id: its name among uploads.
        folder: the folder it goes to.
        name: the file's name there.
        size: its bytes.
        part: where what has come lies.
    """

    id: str
    folder: Path
    name: str
    size: int
    part: Path

    @property
    def come(self) -> int:
        """Bytes that have come."""
        try:
            return self.part.stat().st_size
        except FileNotFoundError:
            return 0


def safe_name(name: str) -> str:
    """A file's name without what file systems, volumes or people misread.

    Raises:
        CommandError: nothing is left of it, or it is too long.
    """
    bare = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join("_" if not one.isprintable() or one in ':*?"<>|' else one for one in bare)
    kept = kept.strip().lstrip("._").rstrip(".")
    if not kept:
        raise CommandError(
            f"{name[:80]!r} is no name for a file; nothing was written.",
            hint="names that begin with a dot or an underscore are hidden from loads.",
        )
    length = len(kept.encode("utf-8", "replace"))
    if length > _MOST_BYTES:
        raise CommandError(
            f"the name {kept[:40]}… is {length:,} bytes long; a file's has at most {_MOST_BYTES}. "
            "Nothing was written.",
            hint="give it a shorter name.",
        )
    return kept


def begin_upload(workspace: Workspace, folder: str, name: str, size: int, modified: int) -> Upload:
    """An upload: a new one, or that of the same file that was cut off.

    Args:
        workspace: the workspace.
        folder: a folder of a volume on this machine.
        name: what the file is called where it comes from.
        size: its bytes.
        modified: when it was changed, in milliseconds; with name and size it tells files apart.

    Raises:
        CommandError: a name that cannot be one, a folder that is none, or of a bucket.
        StorageError: the disk has no room for it.
    """
    place = look_at(workspace, folder)
    if is_remote(place.location):
        raise CommandError(
            f"{folder} lies in a bucket; nothing was written.",
            hint="files are brought into volumes on this machine; other tools bring them there.",
        )
    if place.kind != "folder":
        raise CommandError(f"{folder} is no folder; nothing was written.")
    kept = safe_name(name)
    target = Path(resolve_path(workspace.folder, folder, base=workspace.folder.root))
    known = f"{target}\0{name}\0{size}\0{modified}".encode("utf-8", "surrogatepass")
    ident = hashlib.sha256(known).hexdigest()[:32]
    found = Upload(ident, target, kept, size, _parts(workspace) / f"{ident}.part")
    sweep_uploads(workspace)
    make_folder(_FOLDER, found.part.parent)
    free = shutil.disk_usage(found.part.parent).free
    if size - found.come > free:
        raise StorageError(
            f"{kept} has {size:,} bytes, and {free:,} are free; nothing was written.",
            hint="make room on the disk.",
        )
    return found


def append(upload: Upload, offset: int) -> int:
    """Open what has come of an upload, to go on writing at an offset; a file descriptor.

    Raises:
        CommandError: what has come ends elsewhere.
    """
    if upload.come != offset:
        raise CommandError(
            f"{upload.name}: {upload.come:,} bytes have come, not {offset:,}; nothing was written.",
            hint="go on from there.",
        )
    with step(_PART):
        return os.open(upload.part, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


def take(descriptor: int, data: bytes, upload: Upload) -> None:
    """Write more of an upload down.

    Args:
        descriptor: what `append` opened.
        data: what has come.
        upload: of what.

    Raises:
        StorageError: the disk takes no more; what was written is kept.
    """
    try:
        while data:  # house: what uploads hold is declared where they are opened
            data = data[os.write(descriptor, data) :]
    except OSError as error:
        raise StorageError(
            f"{upload.name}: the disk takes no more ({error.strerror}); what has come is kept.",
            hint="make room, and send the file again: it goes on where it was.",
        ) from None


def bring(
    workspace: Workspace,
    file: Path,
    folder: str,
    progress: Callable[[int, int], None] = lambda _come, _size: None,
) -> str:
    """Copy a file of this machine into a volume, as pages do with one dropped on them.

    Args:
        workspace: the workspace.
        file: where it lies.
        folder: a folder of a volume on this machine.
        progress: told of bytes that have come, and of all.

    Returns:
        The file's path as loads name it.

    Raises:
        CommandError: it is no file, its name cannot be one, or the folder is none.
        StorageError: it cannot be read, or the disk has no room for it.
    """
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "is not there"
        raise CommandError(f"{file} {what}; nothing was written.", hint="name files.")
    try:
        opened = file.open("rb")
    except OSError as error:
        raise StorageError(
            f"{file} cannot be read: {error.strerror}; nothing was written.",
            hint="make it readable.",
        ) from None
    with opened as source:
        known = os.fstat(source.fileno())
        changed = known.st_mtime_ns // 1_000_000
        upload = begin_upload(workspace, folder, file.name, known.st_size, changed)
        come = upload.come
        source.seek(come)
        descriptor = append(upload, come)
        try:
            while data := source.read(min(_BLOCK, known.st_size - come)):
                take(descriptor, data, upload)
                come += len(data)
                progress(come, known.st_size)
        finally:
            os.close(descriptor)
    return finish(workspace, upload, workspace.source)


def finish(workspace: Workspace, upload: Upload, source: str) -> str:
    """Move an upload that has come whole into its volume.

    Args:
        workspace: the workspace.
        upload: what has come.
        source: where it was asked for, as `system.audit` has it.

    Returns:
        The file's path as loads name it.

    Raises:
        CommandError: it has not come whole.
        StorageError: the disk said no.
    """
    if upload.come != upload.size:
        raise CommandError(
            f"{upload.name}: {upload.come:,} of {upload.size:,} bytes have come.",
            hint="go on with it.",
        )
    placed: list[str] = []
    folder = _named(workspace, upload.folder)
    with audited(workspace.folder, source, f"upload {upload.name}", folder, lambda: placed or None):
        placed.append(_named(workspace, _settled(upload)))
    return placed[0]


def _named(workspace: Workspace, place: Path) -> str:
    """A place as loads name it: within the workspace by its path there."""
    return str(place).removeprefix(f"{workspace.folder.root}/")


def _settled(upload: Upload) -> Path:
    """What has come, whole and on the disk, as a file of its volume."""
    try:
        make_folder(_FOLDER, upload.folder)
        if not upload.part.exists():  # a file without a byte
            os.close(append(upload, 0))
        descriptor = os.open(upload.part, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return _placed(upload)
    except OSError as error:
        raise StorageError(
            f"{upload.name} could not be put into {upload.folder}: {error.strerror}; what has come "
            "of it is kept.",
            hint="make it writable, and send the file again: it goes on where it was.",
        ) from None


def _placed(upload: Upload) -> Path:
    """Give what has come a name in the volume that nothing else there has."""
    stem, dot, ending = upload.name.partition(".")
    for number in range(1, _NAMES):
        name = upload.name if number == 1 else f"{stem} ({number}){dot}{ending}"
        target = upload.folder / name
        try:
            with step(_PLACE):
                # Linked, not renamed: a link is never made over a file that is there.
                os.link(upload.part, target)
        except OSError:
            if target.exists():
                if _same(target, upload):
                    remove_tree(_SWEEP, upload.part)
                    return target
                continue
            with step(_PLACE):  # a volume on another disk, or one without links
                shutil.move(upload.part, target)
            return target
        remove_tree(_SWEEP, upload.part)
        return target
    raise OSError(17, "there are a thousand files of that name")


def _same(there: Path, upload: Upload) -> bool:
    """Whether a file is what has come, byte for byte: sent twice, it is there once."""
    return there.stat().st_size == upload.size and filecmp.cmp(there, upload.part, shallow=False)


def sweep_uploads(workspace: Workspace) -> None:
    """Remove what came of uploads that nobody went on with for a week."""
    for part in _parts(workspace).glob("*.part"):
        try:
            old = time.time() - part.stat().st_mtime > _KEPT_SECONDS
        except FileNotFoundError:
            continue
        if old:
            remove_tree(_SWEEP, part)


def _parts(workspace: Workspace) -> Path:
    return workspace.folder.private / "uploads"
