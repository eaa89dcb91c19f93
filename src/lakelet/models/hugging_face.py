"""Models of Hugging Face by their names: which files are meant, and fetching them.

`huggingface_hub` says what there is, who may have it, where it lies, and what its cache holds: that
is linked, and not fetched again. The bytes come as those of any address do, since what the library
fetched is thrown away where it breaks off (as of 2.4), and here it is gone on with.

Source: the documentation of huggingface_hub (`model_info`, `get_hf_file_metadata`,
`try_to_load_from_cache`).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from lakelet.errors import CommandError, LakeletError, MissingExtraError
from lakelet.models.digest import Progress, digest_of, refuse_without_room
from lakelet.models.downloading import Wanted, fetch_blob
from lakelet.models.model import GivenFile
from lakelet.models.parts import names_of_parts
from lakelet.models.store import ModelStore
from lakelet.workspace.quantities import format_bytes
from lakelet.workspace.steps import declare, make_folder

__all__ = ("HUGGING_FACE", "HubFile", "Meant", "fetch_from_hugging_face", "meant")

HUGGING_FACE = "hf:"
_FOLDER = declare("models.hub", "the store of models is there, for what is fetched into it")
_SECONDS = 4.5
"""How long it may take to be told what files there are."""
_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_USUAL = "Q4_K_M"
_FOLDER_OF_WEIGHTS = re.compile(  # others are the same weights for other programs
    r"(model[\w-]*\.safetensors|model\.safetensors\.index\.json|(generation_)?config\.json|"
    r"tokenizer\.(json|model)|(tokenizer_config|special_tokens_map|vocab)\.json|merges\.txt|"
    r"chat_template\.jinja|README\.md)"
)
_WEIGHTS = re.compile(r"model[\w-]*\.safetensors")


@dataclass(frozen=True)
class HubFile:
    """A file of a repository.

    Attributes:
        path: in the repository.
        size: its bytes.
        sha256: its SHA-256, '' where none is promised.
    """

    path: str
    size: int
    sha256: str = ""


@dataclass(frozen=True)
class Meant:
    """The files of a repository that make one model.

    Attributes:
        weights: GGUF files in order, or all files of a folder with safetensors.
        projector: that belongs to them; None where there is none.
    """

    weights: tuple[HubFile, ...]
    projector: HubFile | None = None

    @property
    def files(self) -> tuple[HubFile, ...]:
        """All of them."""
        return (*self.weights, *([self.projector] if self.projector else []))


def meant(files: Sequence[HubFile], name: str, wanted: str = "") -> Meant:
    """Which files of a repository are meant.

    Args:
        files: all that it has.
        name: the repository's, for messages.
        wanted: a quantization such as ``Q4_K_M``, or a file's name, in any case; without it
            Q4_K_M, or the only one there is.

    Raises:
        CommandError: none is meant, or several are; with the choices.
    """
    every = {one.path: one for one in files}
    projectors = [one for one in files if _is_gguf(one) and "mmproj" in _last(one).lower()]
    models = _models([one for one in files if _is_gguf(one) and one not in projectors])
    if not models:
        if not wanted and "config.json" in every and any(map(_WEIGHTS.fullmatch, every)):
            return Meant(tuple(one for one in files if _FOLDER_OF_WEIGHTS.fullmatch(one.path)))
        raise CommandError(
            f"{name} has no GGUF file; nothing was fetched.",
            hint=f"without :{wanted} its safetensors are fetched." if wanted and
            "config.json" in every else "look for one whose name ends in GGUF.",
        )  # fmt: skip
    found = [one for one in models if _fits(one[0].path, wanted or _USUAL)]
    if not found and not wanted and len(models) == 1:
        found = models
    if len(found) != 1:
        which = f"{len(found)} models that are {wanted or _USUAL}" if found else (
            f"no model that is {wanted or _USUAL}")  # fmt: skip
        shown = "\n".join(
            f"  {_label(one[0].path):<40} {format_bytes(sum(part.size for part in one)):>9}"
            for one in (found or models)[:40]
        )
        raise CommandError(
            f"{name} has {which}; nothing was fetched.",
            hint=f"say which, as {HUGGING_FACE}{name}:…\n{shown}",
        )
    return Meant(tuple(found[0]), _best_projector(projectors))


def _is_gguf(one: HubFile) -> bool:
    return one.path.lower().endswith(".gguf") and "imatrix" not in _last(one).lower()


def _last(one: HubFile) -> str:
    return PurePosixPath(one.path).name


def _models(files: Sequence[HubFile]) -> list[list[HubFile]]:
    """The files of each model: a split one has several, and its first stands for it."""
    every = {one.path: one for one in files}
    found: dict[str, list[HubFile]] = {}
    for one in sorted(files, key=lambda one: one.path):
        folder = PurePosixPath(one.path).parent
        parts = [str(folder / part) for part in names_of_parts(_last(one))]
        if all(part in every for part in parts):
            found.setdefault(parts[0], [every[part] for part in parts])
    return list(found.values())


def _fits(path: str, wanted: str) -> bool:
    """Whether a file's name says a quantization, or is the name that is wanted."""
    if wanted.lower() in (path.lower(), PurePosixPath(path).name.lower(), _label(path).lower()):
        return True
    return re.search(rf"(?<![a-z0-9]){re.escape(wanted)}(?![a-z0-9_])", path, re.I) is not None


def _label(path: str) -> str:
    """A file's name as a choice: without its end, and without which part it is."""
    return re.sub(r"(-\d{5}-of-\d{5})?\.gguf$", "", PurePosixPath(path).name, flags=re.I)


def _best_projector(files: Sequence[HubFile]) -> HubFile | None:
    """At 16 bits, which every machine reads; the only one, or the smallest, else."""
    half = [one for one in files if re.search(r"(?<![a-z0-9])f16", _last(one), re.I)]
    return min(half or files, key=lambda one: (one.size, one.path), default=None)


def fetch_from_hugging_face(
    store: ModelStore, source: str, progress: Progress
) -> tuple[str, list[GivenFile]]:
    """Fetch a model: what to call it, and its files.

    Args:
        store: where what is fetched is kept.
        source: ``hf:ORG/NAME`` or ``hf:ORG/NAME:QUANT``.
        progress: told of bytes that have come, and of all.

    Raises:
        CommandError: there is none of that name, or nobody is reached; what has come is kept.
        MissingExtraError: without the package `huggingface_hub`.
        ModelFileError: a file is not the one promised; it is deleted.
        StorageError: the disk has no room.
    """
    name, _, wanted = source.removeprefix(HUGGING_FACE).partition(":")
    if not _NAME.fullmatch(name):
        raise CommandError(
            f"{source} names no model of Hugging Face; nothing was fetched.",
            hint=f"it is {HUGGING_FACE}ORG/NAME, or {HUGGING_FACE}ORG/NAME:Q4_K_M.",
        )
    hub = _library()
    with _told(name):
        said = _soon(lambda: hub.HfApi().model_info(name, files_metadata=True, timeout=_SECONDS))
    files = [HubFile(one.rfilename, one.size or 0, one.lfs.sha256 if one.lfs else "")
             for one in said.siblings or ()]  # fmt: skip
    chosen = meant(files, name, wanted)
    come = _Coming(store, hub, name, said.sha, progress)
    found = come.fetch(chosen.files)
    if not chosen.weights[0].path.lower().endswith(".gguf"):
        return name.rpartition("/")[2], found
    return _label(chosen.weights[0].path), found


class _Coming:
    """The files of one version of a repository on their way."""

    def __init__(
        self, store: ModelStore, hub: Any, name: str, commit: str, progress: Progress
    ) -> None:
        self.store, self.hub, self.name, self.commit = store, hub, name, commit
        self.progress = progress

    def fetch(self, files: Sequence[HubFile]) -> list[GivenFile]:
        """All of them; those that Hugging Face's cache holds are linked."""
        there = {one: self._cached(one) for one in files}
        if None in there.values():  # what an engine wants beside one another comes together
            there = dict.fromkeys(files)
        make_folder(_FOLDER, self.store.root)
        missing = sum(one.size for one in files if there[one] is None)
        refuse_without_room(self.store.root, missing, self.name)
        whole, before = sum(one.size for one in files), 0
        found = []
        for one in files:
            path = there[one] or self._fetched(one, before, whole)
            before += one.size
            self.progress(before, whole)
            role = "weights" if one.path.endswith((".gguf", ".safetensors")) else "other"
            if "mmproj" in _last(one).lower():
                role = "projector"
            found.append(GivenFile(role, path, _last(one)))
        return sorted(found, key=lambda one: one.role == "other")

    def _cached(self, one: HubFile) -> Path | None:
        """Where Hugging Face's cache has a file, whole and as it is promised."""
        found = self.hub.try_to_load_from_cache(self.name, one.path, revision=self.commit)
        if not isinstance(found, str) or Path(found).stat().st_size != one.size:
            return None
        return Path(found) if digest_of(Path(found)) == one.sha256 or not one.sha256 else None

    def _fetched(self, one: HubFile, before: int, whole: int) -> Path:
        address = self.hub.hf_hub_url(self.name, one.path, revision=self.commit)
        with _told(self.name):
            said = self.hub.get_hf_file_metadata(address, timeout=_SECONDS)
        # A large file lies elsewhere, at an address that is good for a while and wants no token.
        same = urlsplit(said.location).netloc == urlsplit(address).netloc
        headers = self.hub.utils.build_hf_headers() if same else {}
        wanted = Wanted(
            said.location, f"{HUGGING_FACE}{self.name}/{one.path} ({self.commit[:12]})",
            one.sha256, headers, b"GGUF" if _is_gguf(one) else b"",
        )  # fmt: skip
        return fetch_blob(
            self.store, wanted, lambda read, _whole: self.progress(before + read, whole)
        )


def _library() -> Any:
    try:
        import huggingface_hub
    except ImportError:
        raise MissingExtraError.needs("models", "fetching from Hugging Face") from None
    return huggingface_hub


def _soon(ask: Callable[[], Any]) -> Any:
    """What an answer is, if it comes soon: a name that is looked up may hang for minutes.

    Raises:
        TimeoutError: it did not come.
    """
    answer: list[Any] = []
    wrong: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(ask())
        except BaseException as error:  # it is raised again where it was asked
            wrong.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(_SECONDS)
    if wrong:
        raise wrong[0]
    if not answer:
        raise TimeoutError("no answer came in time")
    return answer[0]


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn what the library raises into one sentence, and what to do."""
    from huggingface_hub import errors

    def wrong(said: str, hint: str) -> CommandError:
        return CommandError(f"{name}: {said}; nothing was added.", hint=hint)

    try:
        yield
    except LakeletError:
        raise
    except errors.GatedRepoError:
        raise wrong(
            "its makers let only those in whom they know",
            "agree to their terms on its page, then `hf auth login` tells who you are.",
        ) from None
    except errors.RepositoryNotFoundError:
        raise wrong(
            "Hugging Face has no model of that name, or shows it not to you",
            "look at the name; for one that is not public, `hf auth login` tells who you are.",
        ) from None
    except errors.EntryNotFoundError:
        raise wrong("a file of it is gone", "try again.") from None
    except errors.OfflineModeIsEnabled:
        raise wrong(
            "HF_HUB_OFFLINE is set, so nobody is asked",
            "`lakelet models found` lists what its cache holds.",
        ) from None
    except errors.HfHubHTTPError as error:
        later = error.response.headers.get("retry-after")
        again = f"in {later} seconds" if later and later.isdecimal() else "later"
        raise wrong(
            f"Hugging Face answers {error.response.status_code}", f"try again {again}."
        ) from None
    except Exception as error:
        # The library lets through what the transport below it raises, by several names.
        said = str(error).strip().partition("\n")[0] or type(error).__name__
        raise wrong(
            f"Hugging Face is not reached, or broke off ({said[:160]})",
            "the same command goes on with what has come; without a network, `lakelet models "
            "found` lists what is on this machine.",
        ) from None
