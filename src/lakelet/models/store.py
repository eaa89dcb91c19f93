"""The store of model files, one for each user: a file per SHA-256, a small record per name.

``blobs/sha256-…`` are the store's own files; files that other programs keep are linked where they
lie. ``names/NAME.json`` says which files a name means. A record is written last and goes first, so
that a name always means whole files; what a killed command left without a name is swept later.
``together/…`` has links by their first names to files that an engine wants beside one another.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from lakelet.errors import CommandError, ModelFileError, ModelNotFoundError, nearest
from lakelet.models.digest import Progress, copy_with_digest, digest_of
from lakelet.models.families import Template
from lakelet.models.model import GivenFile, Model, ModelFile
from lakelet.workspace.locks import hold
from lakelet.workspace.steps import declare, make_folder, remove_tree, step, write_file

__all__ = ("ModelStore", "default_store", "safe_model_name")

_FOLDER = declare("models.folder", "the folders of the store of models are there")
_BLOB = declare("models.blob", "a model's file is in the store under its digest")
_TOGETHER = declare("models.together", "files of a model stand beside one another by their names")
_RECORD = declare("models.record", "a name of the store means a model")
_FORGET = declare("models.forget", "a name of the store means nothing any more")
_SWEEP = declare("models.sweep", "a file of the store that no name means is gone")
_NAME = re.compile(r"[a-z0-9][a-z0-9._:-]{0,127}")
_LEFT_ALONE = 24 * 3600


def default_store() -> Path:
    """Where model files are kept unless a workspace says otherwise: in the user's data folder."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "lakelet" / "models"
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "lakelet" / "models"


def safe_model_name(name: str) -> str:
    """A model's name as the store has it: lower case, letters, digits and ``. _ - :``.

    Raises:
        CommandError: nothing is left of it.
    """
    kept = re.sub(r"[^a-z0-9._:-]+", "-", name.lower()).strip("-._:")[:128]
    if not _NAME.fullmatch(kept):
        raise CommandError(
            f"{name[:80]!r} is no name for a model; nothing was added.",
            hint="letters, digits, dots and dashes make one: --name qwen3-4b.",
        )
    return kept


class ModelStore:
    """The model files of a user.

    Args:
        root: the store's folder; it need not be there yet.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()  # workspaces reach it by different paths

    def __repr__(self) -> str:
        return f"ModelStore({str(self.root)!r})"

    def models(self) -> list[Model]:
        """All models, in order of their names."""
        found = [self._read(path) for path in sorted(self._names.glob("*.json"))]
        return [model for model in found if model is not None]

    def model(self, name: str) -> Model:
        """The model of a name, in any case.

        Raises:
            ModelNotFoundError: none; with the nearest there is.
        """
        wanted = re.sub(r"[^a-z0-9._:-]+", "-", name.lower()).strip("-._:")
        found = self._read(self._record(wanted)) if wanted else None
        if found is not None:
            return found
        known = [model.name for model in self.models()]
        close = nearest(name.lower(), known) or next(
            (one for one in known if one.startswith(wanted or "\0")), None
        )
        if not known:
            hint = "`lakelet models add smollm2` fetches a small one; `… add FILE` adds a file."
        else:
            hint = f"did you mean {close}?" if close else "`lakelet models` lists what is there."
        raise ModelNotFoundError(f"the store has no model {name!r}.", hint=hint)

    def add(
        self,
        name: str,
        source: str,
        files: Sequence[GivenFile],
        *,
        copy: bool = False,
        over: bool = False,
        template: Template | None = None,
        progress: Progress = lambda _read, _all: None,
    ) -> Model:
        """Give files a name.

        Args:
            name: the model's name.
            source: what a person asked for.
            files: its files, weights first.
            copy: whether the store takes files of its own, or links them where they lie.
            over: whether a name that is there gets another meaning.
            template: a chat template in the place of the file's own.
            progress: told of bytes read, and of all.

        Raises:
            CommandError: the name means other files already.
            ModelFileError: a file cannot be read.
            StorageError: the disk has no room.
        """
        name = safe_model_name(name)
        whole, before = sum(one.path.stat().st_size for one in files), 0

        def told(read: int, _all: int) -> None:
            progress(before + read, whole)

        with self._changing():
            taken = []
            for one in files:
                taken.append(self._taken(one, told, copy=copy, called=name))
                before += taken[-1].bytes
            model = Model(name, source, time.time(), tuple(taken), self._together(taken), template)
            there = self._read(self._record(name))
            if there is not None and _means(there) == _means(model):
                return there
            if there is not None and not over:
                raise CommandError(
                    f"the name {name} means another model already (from {there.source}); nothing "
                    "was added.",
                    hint="--name gives it another, --over gives the name to this one.",
                )
            _ = model.card  # what cannot be read gets no name
            self._write(model)
        return model

    def set_template(self, name: str, template: Template | None) -> Model:
        """Put a chat template in the place of a file's own; None brings that back.

        Raises:
            ModelNotFoundError: there is no such name.
        """
        with self._changing():
            model = replace(self.model(name), template=template)
            self._write(model)
        return model

    def _write(self, model: Model) -> None:
        record = json.dumps(model.as_record(), indent=1).encode()
        write_file(_RECORD, self._record(model.name), record)

    def take_blob(self, make: Callable[[Path], str]) -> Path:
        """Make a file of the store's own.

        Args:
            make: writes it at a path, and gives its SHA-256.

        Returns:
            Where it lies now.
        """
        with self._changing():
            part = self._blobs / f"{os.getpid()}-{time.time_ns()}.part"
            try:
                digest = make(part)
                place = self._blob(digest)
                with step(_BLOB):
                    part.replace(place)
            finally:
                if part.exists():
                    remove_tree(_SWEEP, part)
            return place

    def remove(self, name: str) -> list[Path]:
        """Take a name away, and the store's own files that no other name means.

        Files that are linked stay where they are.

        Returns:
            The files that are gone.

        Raises:
            ModelNotFoundError: there is no such name.
        """
        with self._changing():
            model = self.model(name)
            remove_tree(_FORGET, self._record(model.name))
            gone = self.only_of(model)
            for path in gone:
                remove_tree(_SWEEP, path)
            together = {Path(one.together).name for one in self.models()}
            if model.together and Path(model.together).name not in together:
                remove_tree(_SWEEP, Path(model.together))
        return gone

    def only_of(self, model: Model) -> list[Path]:
        """The store's own files that belong to this model alone."""
        others = {
            one.digest for other in self.models() if other.name != model.name
            for one in other.files if one.owned
        }  # fmt: skip
        return [
            one.path for one in model.files
            if one.owned and one.digest not in others and one.path.exists()
        ]  # fmt: skip

    def names_of(self, model: Model) -> list[str]:
        """Other names that share one of its files."""
        files = {_file(one) for one in model.files}
        return [
            other.name for other in self.models()
            if other.name != model.name and files & {_file(one) for one in other.files}
        ]  # fmt: skip

    @property
    def _names(self) -> Path:
        return self.root / "names"

    @property
    def _blobs(self) -> Path:
        return self.root / "blobs"

    def _record(self, name: str) -> Path:
        return self._names / f"{name.replace(':', '%3A')}.json"

    def _blob(self, digest: str) -> Path:
        return self._blobs / f"sha256-{digest}"

    def _read(self, path: Path) -> Model | None:
        try:
            return Model.of_record(json.loads(path.read_text("utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError):
            raise ModelFileError(
                f"{path} is no record of a model; something else wrote it.",
                hint="move it away, and add the model again.",
            ) from None

    def _together(self, files: Sequence[ModelFile]) -> str:
        """A folder in which files of the store's own have their names, where they must.

        The parts of a split GGUF are found by their names, as are weights and words of a folder.
        """
        weights = [one for one in files if one.role == "weights"]
        alone = len(weights) == 1 and not weights[0].name.endswith(".safetensors")
        if alone or not weights[0].owned:
            return ""
        shown = [one for one in files if one.owned and one.role in ("weights", "other")]
        told = hashlib.sha256("".join(f"{one.name}\0{one.digest}\0" for one in shown).encode())
        folder = self.root / "together" / told.hexdigest()
        make_folder(_FOLDER, folder)
        with step(_TOGETHER):
            for one in shown:
                link = folder / one.name
                link.unlink(missing_ok=True)
                link.symlink_to(Path(os.path.relpath(one.place, folder)))
        return str(folder)

    def _taken(self, given: GivenFile, told: Progress, *, copy: bool, called: str) -> ModelFile:
        # The name stays as it is: where it is a link, the file it leads to may have no name at all.
        role, path = given.role, given.path.parent.resolve() / given.path.name
        size = path.stat().st_size
        if path.parent == self._blobs.resolve():
            digest = path.name.removeprefix("sha256-")
            told(size, size)
            named = given.name or f"{called}.gguf"
            return ModelFile(role, named, digest, size, str(path), owned=True)
        if copy:
            part = self._blobs / f"{os.getpid()}-{time.time_ns()}.part"
            try:
                digest = copy_with_digest(path, part, told)
                place = self._blob(digest)
                with step(_BLOB):
                    part.replace(place)
            finally:
                if part.exists():
                    remove_tree(_SWEEP, part)
            return ModelFile(role, path.name, digest, size, str(place), owned=True)
        changed = path.stat().st_mtime_ns
        digest = given.sha256 or digest_of(path, told)
        return ModelFile(role, path.name, digest, size, str(path), owned=False, changed=changed)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Nobody else changes the store meanwhile; what killed commands left is swept."""
        make_folder(_FOLDER, self._names)
        make_folder(_FOLDER, self._blobs)
        with hold(self.root / "lock", what="the store of models"):
            # By their names, since a record may have another path to them.
            meant = {Path(one.place).name for model in self.models() for one in model.files}
            meant |= {Path(model.together).name for model in self.models()}
            for left in [*self._blobs.iterdir(), *(self.root / "together").glob("*")]:
                old = time.time() - left.stat().st_mtime > _LEFT_ALONE
                if old and left.name not in meant:
                    remove_tree(_SWEEP, left)
            yield


def _file(one: ModelFile) -> str:
    """By what a file is known: one of the store's own by its digest, another by its place."""
    return one.digest if one.owned else one.place


def _means(model: Model) -> set[tuple[str, str]]:
    files = {(one.role, one.digest) for one in model.files}
    return files | ({("template", model.template.text)} if model.template else set())
