"""What this process may use: memory and threads, halved when another process is at work."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass

from lakelet.workspace.folder import WorkspaceFolder
from lakelet.workspace.quantities import parse_bytes

__all__ = ("Resources", "claim")


@dataclass(frozen=True, slots=True)
class Resources:
    """A process's share.

    Attributes:
        memory: bytes the SQL engine may hold before it spills.
        threads: threads it may run.
    """

    memory: int
    threads: int


_claims: dict[str, tuple[int, Resources]] = {}


def machine_memory() -> int:
    """Bytes of physical memory, or of the control group's limit where that is lower."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            with open(path, encoding="ascii") as file:  # noqa: PTH123 - a kernel file
                whole = min(whole, int(file.read()))
        except (OSError, ValueError):
            continue
    return whole


def claim(workspace: WorkspaceFolder) -> Resources:
    """This process's share, claimed once and kept until the process ends.

    A claim is a shared lock on ``.lakelet/working``. Who cannot take it alone first has company,
    and takes half.
    """
    key = str(workspace.root)
    if key in _claims:
        return _claims[key][1]
    settings = workspace.settings.resources
    memory = parse_bytes(settings.memory, whole=machine_memory())
    threads = settings.threads or os.cpu_count() or 1
    try:
        descriptor = os.open(workspace.private / "working", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    except OSError:  # a workspace on a read-only disk can still be read
        return Resources(memory, threads)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        memory, threads = memory // 2, max(1, threads // 2)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    found = Resources(memory, threads)
    _claims[key] = (descriptor, found)
    return found
