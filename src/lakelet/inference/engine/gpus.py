"""The GPUs that this machine shows, and which of them the engine's build can use.

The prebuilt library knows what it was built for: it is asked, in a process of its own. What the
machine shows is read where the kernel tells it; no driver is needed for that.

Sources: the PCI ID Repository (vendors); Linux, Documentation/ABI/testing/sysfs-bus-pci; NVIDIA's
driver, ``/proc/driver/nvidia/gpus``.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ("Gpu", "engine_devices", "seen_gpus")

_VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}
_CODE = (
    "import json, xllamacpp; print(json.dumps([[one['name'], one['description'], "
    "one['type'].name] for one in xllamacpp.get_device_info()]))"
)
_SECONDS = 30


@dataclass(frozen=True)
class Gpu:
    """A GPU that this machine shows.

    Attributes:
        maker: who made it.
        name: what it is called; the maker's number where nobody says.
    """

    maker: str
    name: str

    def __str__(self) -> str:
        return f"{self.maker} {self.name}"


def seen_gpus(root: Path = Path("/")) -> list[Gpu]:
    """The GPUs of this machine.

    Args:
        root: where ``sys`` and ``proc`` are.
    """
    if platform.system() == "Darwin" and root == Path("/"):
        return [Gpu("Apple", "GPU")] if platform.machine() == "arm64" else []
    found = []
    names = _nvidia_names(root)
    for card in sorted((root / "sys/class/drm").glob("card[0-9]*")):
        if "-" in card.name:  # an outlet of a card
            continue
        vendor, device = (_text(card / "device" / one) for one in ("vendor", "device"))
        maker = _VENDORS.get(vendor)
        if maker is None:
            continue
        name = names.pop(0) if maker == "NVIDIA" and names else f"device {device}"
        found.append(Gpu(maker, name))
    return found + [Gpu("NVIDIA", name) for name in names]


def _nvidia_names(root: Path) -> list[str]:
    """What NVIDIA's driver calls its cards; it also drives some that show no picture."""
    found = []
    for told in sorted((root / "proc/driver/nvidia/gpus").glob("*/information")):
        for line in _text(told).splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "Model":
                found.append(value.strip().removeprefix("NVIDIA "))
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def engine_devices() -> list[str] | None:
    """The GPUs that the engine's build can use, by its own words; None where it cannot be asked."""
    try:
        told = subprocess.run(
            [sys.executable, "-c", _CODE], capture_output=True, text=True, timeout=_SECONDS,
            check=True,
        )  # fmt: skip
        devices = json.loads(told.stdout.splitlines()[-1])
        return [f"{name} {said}" for name, said, kind in devices if kind.endswith(("_GPU", "IGPU"))]
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
