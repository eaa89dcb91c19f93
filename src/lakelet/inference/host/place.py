"""Where the engine host of a user is found: a lock, an address, a key, beside the models."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from lakelet.models import Model
from lakelet.workspace.steps import declare, make_folder, remove_tree, step, write_file

__all__ = ("KEEP_SECONDS", "Address", "HostPlace")

KEEP_SECONDS = 300.0
"""How long a model stays loaded that nobody uses."""

_FOLDER = declare("inference.host.folder", "the folder of the engine host is there")
_ADDRESS = declare("inference.host.address", "the engine host says where it is")
_MARK = declare("inference.mark", "a model that hung its engine is known as such")
_UNMARK = declare("inference.unmark", "a model that hung its engine may be tried again")
_GONE = declare("inference.host.gone", "the engine host says no more where it is")


@dataclass(frozen=True)
class Address:
    """Where a host can be asked.

    Attributes:
        url: on loopback.
        key: who shows it is let in.
        process: the host's.
    """

    url: str
    key: str
    process: int


class HostPlace:
    """The files by which a host is found.

    Args:
        root: the store of models.
    """

    def __init__(self, root: Path) -> None:
        self.folder = root / "host"

    @property
    def lock(self) -> Path:
        """Held by the host as long as it lives."""
        return self.folder / "lock"

    @property
    def log(self) -> Path:
        """What the host itself writes."""
        return self.folder / "host.log"

    def log_of(self, name: str) -> Path:
        """What a model's engine writes."""
        return self.folder / f"{name.replace(':', '-')}.log"

    def make(self) -> None:
        """Make the folder."""
        make_folder(_FOLDER, self.folder)

    def read(self) -> Address | None:
        """Where the host is; None where it does not say."""
        try:
            return Address(**json.loads(self._address.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def say(self, url: str) -> Address:
        """Say where the host is, readable by this user alone."""
        found = Address(url, secrets.token_urlsafe(32), os.getpid())
        part = self._address.with_suffix(f".{os.getpid()}")
        with step(_ADDRESS):
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(asdict(found), file)
            part.replace(self._address)
        return found

    def forget(self) -> None:
        """Say no more where the host is."""
        remove_tree(_GONE, self._address)

    def mark(self, model: Model, said: str) -> None:
        """Remember that a model hung its engine, so that it is not loaded again."""
        make_folder(_FOLDER, self._marks)
        write_file(_MARK, self._marks / model.identity, said.encode())

    def marked(self, model: Model) -> str:
        """Why a model is not loaded any more; '' where nothing is known against it."""
        try:
            return (self._marks / model.identity).read_text("utf-8")
        except OSError:
            return ""

    def unmark(self, model: Model) -> None:
        """Let a model be tried again."""
        remove_tree(_UNMARK, self._marks / model.identity)

    @property
    def _marks(self) -> Path:
        return self.folder / "hung"

    @property
    def _address(self) -> Path:
        return self.folder / "address.json"
