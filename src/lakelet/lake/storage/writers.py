"""Who may write to a bucket: many processes where it honours conditional writes, else one.

Delta's commits rest on one thing: of two writers that put the same log file, one must fail. A store
that ignores the condition ``If-None-Match: *`` lets both succeed, and the first commit is lost
without a word. So every process asks before its first write, by writing one small object twice.
(Delta Transaction Log Protocol, "ACID Guarantees"; RFC 9110, section 13.1.2.)
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from lakelet.errors import LockedError, StorageError
from lakelet.lake.storage.find import join
from lakelet.workspace.locks import try_hold
from lakelet.workspace.steps import declare

if TYPE_CHECKING:
    from lakelet.lake.storage.bucket import BucketStorage

__all__ = ("claim_writing", "honours_conditions")

_PROBE = declare("bucket.probe", "the bucket has shown whether it honours conditional writes")
_PROBED = declare("bucket.probed", "the object it was tried with is gone")

_claims: dict[tuple[int, str, str], ExitStack | None] = {}


def honours_conditions(storage: BucketStorage, root: str) -> bool:
    """Whether the store refuses to overwrite an object that was to be new.

    Args:
        storage: the bucket.
        root: a folder in it that may be written to; the object is made there and removed.

    Raises:
        StorageError: the bucket cannot be written to, or knows no conditional writes at all.
    """
    path = join(root, "_lakelet", f"probe-{uuid.uuid4().hex}")
    if not storage.write_new(_PROBE, path, b"1"):
        raise StorageError(
            f"{root}: the store says that an object nobody has written is there already; "
            "nothing was changed.",
            hint="a lake needs a store that honours If-None-Match.",
        )
    try:
        return not storage.write_new(_PROBE, path, b"2")
    finally:
        storage.remove(_PROBED, path)


def claim_writing(storage: BucketStorage, root: str) -> None:
    """Make sure that this process may write Delta tables below ``root``; asked once a process.

    On a bucket that ignores conditions the first process to write keeps the right until it ends.

    Raises:
        LockedError: another process of this machine writes to such a bucket.
        StorageError: see `honours_conditions`.
    """
    key = (os.getpid(), storage.access.endpoint, storage.access.bucket)
    if key in _claims:
        return
    if honours_conditions(storage, root):
        _claims[key] = None
        return
    stack = ExitStack()
    if not stack.enter_context(try_hold(_lock_file(storage))):
        stack.close()
        raise LockedError(
            f"the bucket {storage.access.bucket} ignores conditional writes, so only one process "
            "may write to it, and another one does; nothing was changed.",
            hint="wait until the other one has ended, or keep the lake on a store that honours "
            "If-None-Match.",
        )
    _claims[key] = stack


def _lock_file(storage: BucketStorage) -> Path:
    """One file a machine and bucket, wherever the workspaces are that use it."""
    name = f"{storage.access.endpoint} {storage.access.bucket}"
    digest = hashlib.sha256(name.encode()).hexdigest()[:24]
    shared = Path("/tmp")  # not TMPDIR, which may differ between two processes
    base = shared if shared.is_dir() else Path(tempfile.gettempdir())
    return base / f"lakelet-{os.getuid()}" / f"{digest}.lock"
