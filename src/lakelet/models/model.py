"""A model of the store: a name, and the files that belong to it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from lakelet.errors import LakeletError, ModelFileError
from lakelet.models.card import Card, card_of_gguf
from lakelet.models.digest import Progress, digest_of
from lakelet.models.families import Template
from lakelet.models.gguf_header import read_gguf_header
from lakelet.models.parts import joined
from lakelet.models.safetensors_folder import card_of_folder
from lakelet.models.thinking import thinking_policy

__all__ = ("GivenFile", "Model", "ModelFile")


@dataclass(frozen=True)
class GivenFile:
    """A file that is to be one of a model's.

    Attributes:
        role: as a model's file has it.
        path: where it lies.
        name: what it is called; '' for as its path ends.
        sha256: its SHA-256, where it was just taken; '' where it was not.
    """

    role: str
    path: Path
    name: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class ModelFile:
    """A file of a model.

    Attributes:
        role: ``weights``, ``projector``, ``adapter`` or ``other`` (a tokenizer's, a config).
        name: what it was called.
        digest: its SHA-256, in hexadecimal.
        bytes: its size.
        place: where it lies; in the store, or where it was found, for one that is linked.
        owned: whether it is the store's own.
        changed: when a linked one was changed last, in nanoseconds, as it was added.
    """

    role: str
    name: str
    digest: str
    bytes: int
    place: str
    owned: bool
    changed: int = 0

    @property
    def path(self) -> Path:
        """Where it lies."""
        return Path(self.place)

    def check(self, whose: str) -> None:
        """Refuse a file that is gone, or that changed since it was added.

        One that looks as it did (by size and time) is taken to be the same; one that does not is
        read whole.

        Args:
            whose: the model.

        Raises:
            ModelFileError: with both digests.
        """
        try:
            found = self.path.stat()
        except OSError:
            raise self._gone(whose) from None
        looks = (found.st_size, found.st_mtime_ns)
        if self.owned and found.st_size == self.bytes:
            return
        if not self.owned and looks == (self.bytes, self.changed):
            return
        self.verify(whose)

    def _gone(self, whose: str) -> ModelFileError:
        return ModelFileError(
            f"{self.place} is not there any more; it belongs to {whose}.",
            hint=f"bring it back, or `lakelet models remove {whose}` and add it anew.",
        )

    def verify(self, whose: str, progress: Progress = lambda _read, _all: None) -> None:
        """Read the whole file, and refuse it where it is not what was added.

        Args:
            whose: the model.
            progress: told of bytes read, and of all.

        Raises:
            ModelFileError: with both digests.
        """
        if not self.path.exists():
            raise self._gone(whose)
        now = digest_of(self.path, progress)
        if now != self.digest:
            raise ModelFileError(
                f"{self.place} of {whose} is not what was added: its SHA-256 was {self.digest} and "
                f"is {now}.",
                hint=f"`lakelet models remove {whose}`, and add it anew if it was changed on "
                "purpose.",
            )


@dataclass(frozen=True)
class Model:
    """A model of the store.

    Attributes:
        name: its name here.
        source: what was added: a path, ``smollm2``, ``hf:ORG/NAME``, an address.
        added: when, in seconds since 1970.
        files: its files, weights first.
        together: a folder in which files of the store's own stand under the names they had, where
            an engine has to find several beside one another; '' where it need not.
        template: a chat template in the place of its file's own; None for that.
    """

    name: str
    source: str
    added: float
    files: tuple[ModelFile, ...]
    together: str = ""
    template: Template | None = None

    @property
    def weights(self) -> tuple[ModelFile, ...]:
        """The files with its weights, in order."""
        return tuple(one for one in self.files if one.role == "weights")

    def paths_of(self, role: str) -> list[str]:
        """Where the files of a role lie."""
        return [one.place for one in self.files if one.role == role]

    @property
    def path(self) -> Path:
        """What an engine is told to load: the first file of a GGUF, the folder of safetensors."""
        first = self.weights[0].path
        if self.together:
            first = Path(self.together) / self.weights[0].name
        return first.parent if first.suffix == ".safetensors" else first

    @property
    def runs(self) -> bool:
        """Whether an engine here can run it: a GGUF, and no folder of safetensors."""
        return not self.weights[0].name.endswith(".safetensors")

    @property
    def digest(self) -> str:
        """The digest of its weights: of their one file, or of the digests of several, joined."""
        weights = self.weights
        if len(weights) == 1:
            return weights[0].digest
        return hashlib.sha256("".join(one.digest for one in weights).encode()).hexdigest()

    @property
    def identity(self) -> str:
        """What an engine has loaded of it: weights, what belongs to them, a replaced template."""
        beside = [one.digest for one in self.files if one.role in ("projector", "adapter")]
        if self.template is None and not beside:
            return self.digest
        text = self.template.text if self.template else ""
        return hashlib.sha256("\0".join([self.digest, *beside, text]).encode()).hexdigest()

    @property
    def bytes(self) -> int:
        """Bytes of all its files."""
        return sum(one.bytes for one in self.files)

    @property
    def card(self) -> Card:
        """What its files say of it; read again only where they are not as they were.

        Raises:
            ModelFileError: a file is gone, changed, or cannot be read.
        """
        for one in self.files:
            one.check(self.name)
        projectors = self.paths_of("projector")
        every = [*projectors, *(one.place for one in self.weights)]
        looks = tuple((place, Path(place).stat().st_mtime_ns) for place in every)
        card = _card_of(str(self.path), looks, len(projectors))
        if self.template is not None and card.format == "gguf":
            text = self.template.text
            card = replace(card, template=text, template_from=self.template.origin,
                           thinking=thinking_policy(text))  # fmt: skip
        return card

    def as_record(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self)

    @classmethod
    def of_record(cls, record: dict[str, Any]) -> Model:
        """What JSON kept."""
        files = tuple(ModelFile(**one) for one in record["files"])
        told = record.get("template")
        return cls(
            record["name"], record["source"], record["added"], files, record.get("together", ""),
            Template(**told) if told else None,
        )  # fmt: skip


@lru_cache(maxsize=64)
def _card_of(path: str, looks: tuple[tuple[str, int], ...], projectors: int) -> Card:
    """The card of files that look so: a gateway asks for it with every request.

    Args:
        path: what an engine loads.
        looks: projectors and weights, each with when it was changed.
        projectors: how many of them are projectors.
    """
    try:
        if Path(path).is_dir():
            return card_of_folder(Path(path))
        places = [Path(place) for place, _ in looks]
        card = card_of_gguf(joined([read_gguf_header(one) for one in places[projectors:]]))
        return _with_projectors(card, places[:projectors])
    except LakeletError:
        raise
    except Exception as error:  # whatever a file says, what it says is at fault
        raise ModelFileError(
            f"{path} says of itself what no model does ({type(error).__name__}: {error})."
        ) from None


def _with_projectors(card: Card, projectors: Sequence[Path]) -> Card:
    for one in projectors:
        said = read_gguf_header(one).metadata
        card = replace(
            card,
            vision=card.vision or said.get("clip.has_vision_encoder") is True,
            audio=card.audio or said.get("clip.has_audio_encoder") is True,
        )
    return card
