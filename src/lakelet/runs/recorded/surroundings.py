"""Where a run ran: command line, folder, packages, machine; and what it used of it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import resource
import shlex
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ("Meter", "command_line", "machine", "packages", "packages_digest", "shown_command")


def command_line() -> list[str]:
    """The command that started this process, its Python first."""
    return list(sys.orig_argv)


def shown_command(command: list[str]) -> str:
    """A command as one would type it."""
    if not command:
        return ""
    return shlex.join([Path(command[0]).name, *command[1:]])


def packages() -> dict[str, str]:
    """Every installed package and its version, told by the names of their folders.

    Source: Python packaging user guide, "Recording installed projects".
    """
    found: dict[str, str] = {}
    for place in sys.path:
        try:
            names = [entry.name for entry in Path(place or ".").iterdir()]
        except OSError:
            continue
        for name in names:
            if name.endswith(".dist-info") and "-" in name:
                package, _, version = name.removesuffix(".dist-info").rpartition("-")
                found.setdefault(package.replace("_", "-").lower(), version)
    return dict(sorted(found.items()))


def packages_digest(installed: dict[str, str]) -> str:
    """What tells one set of packages from another, the Python's version among them."""
    text = json.dumps([platform.python_version(), installed])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def machine() -> dict[str, Any]:
    """The machine in a few words and numbers; no name and no address of it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory": memory,
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()


def _cpu() -> float:
    """CPU seconds of this process and of children that ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


@dataclass
class Meter:
    """What a run uses, from when the meter was made."""

    _wall: float = field(default_factory=time.monotonic)
    _cpu: float = field(default_factory=_cpu)

    def read(self) -> dict[str, float | int]:
        """Wall and CPU seconds since then, and the process's peak memory so far in bytes."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {
            "wall_seconds": time.monotonic() - self._wall,
            "cpu_seconds": _cpu() - self._cpu,
            # Linux counts it in KiB, macOS in bytes (getrusage(2)).
            "peak_memory": peak if sys.platform == "darwin" else peak * 1024,
        }
