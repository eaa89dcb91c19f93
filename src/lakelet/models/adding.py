"""What a person names, as the files of one model: a GGUF, a folder, a model fetched by its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lakelet.errors import CommandError, ModelFileError
from lakelet.models.digest import Progress
from lakelet.models.downloading import (
    Wanted,
    address_beside,
    fetch_blob,
    is_address,
    name_of_address,
)
from lakelet.models.families import template_of
from lakelet.models.found import ollama_files
from lakelet.models.gguf_header import read_gguf_header
from lakelet.models.hugging_face import HUGGING_FACE, fetch_from_hugging_face
from lakelet.models.model import GivenFile, Model
from lakelet.models.parts import joined, names_of_parts, parts_of, role_of
from lakelet.models.safetensors_folder import safetensors_files
from lakelet.models.smollm2 import SMOLLM2, fetch_smollm2
from lakelet.models.store import ModelStore

__all__ = ("add_model",)

_OLLAMA = "ollama:"
_BESIDE = (
    "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
    "tokenizer.model", "special_tokens_map.json", "chat_template.jinja", "merges.txt",
    "vocab.json", "model.safetensors.index.json", "README.md",
)  # fmt: skip


@dataclass(frozen=True)
class _Found:
    """The files of one model.

    Attributes:
        name: what it is called unless a person says otherwise.
        files: its files.
        copy: whether the store must have files of its own.
    """

    name: str
    files: list[GivenFile]
    copy: bool = False


def add_model(
    store: ModelStore,
    source: str,
    *,
    name: str = "",
    beside: Sequence[str | Path] = (),
    copy: bool = False,
    over: bool = False,
    sha256: str = "",
    template: str = "",
    progress: Progress = lambda _read, _all: None,
) -> Model:
    """Give a model a name in the store.

    Args:
        store: the store.
        source: a ``.gguf`` file, a folder, the address of a file, ``hf:ORG/NAME[:QUANT]``,
            ``ollama:NAME``, or ``smollm2``.
        name: its name; by the file's own without it.
        beside: a projector file and adapters that belong to it, by path or address.
        copy: whether the store takes files of its own; they are linked without it.
        over: whether a name that is there gets another meaning.
        sha256: what the SHA-256 of a file that is fetched has to be; unsaid without it.
        template: a file with a chat template, or a family, for a template in the place of its own.
        progress: told of bytes read, and of all.

    Raises:
        CommandError: nothing that can be added is there, or several models are.
        ModelFileError: a file is no model's, or is cut off.
        StorageError: the disk has no room.
    """
    instead = template_of(template) if template else None
    try:
        found = _found(store, source, progress, sha256)
        files = [*found.files, *(_beside(store, str(one), progress) for one in beside)]
        local = Path(source).expanduser()
        return store.add(
            name or found.name,
            str(local.resolve()) if local.exists() else source,  # workspaces share the store
            files,
            copy=copy or found.copy,
            over=over,
            template=instead,
            progress=progress,
        )
    except ModelFileError as error:
        if "nothing was" not in error.message.lower():
            error.say(f"{error.message} Nothing was added.")
        raise


def _found(store: ModelStore, source: str, progress: Progress, sha256: str) -> _Found:
    if sha256 and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise CommandError(f"{sha256!r} is no SHA-256: that has 64 digits; nothing was fetched.")
    if is_address(source):
        return _fetched(store, source, progress, sha256)
    if sha256:
        raise CommandError("a SHA-256 is promised for what is fetched from an address only.")
    path = Path(source).expanduser()
    if source.startswith(HUGGING_FACE) and not path.exists():
        return _Found(*fetch_from_hugging_face(store, source, progress))
    if source.startswith(_OLLAMA) and not path.exists():
        name, files = ollama_files(source.removeprefix(_OLLAMA))
        return _Found(name, [GivenFile(*one) for one in files])
    if source.lower() == SMOLLM2 and not path.exists():
        return _Found(SMOLLM2, [GivenFile("weights", fetch_smollm2(store, progress))])
    if path.is_dir():
        return _of_folder(path)
    if path.is_file():
        return _of_file(path)
    raise CommandError(
        f"{source} is neither a file nor a folder; nothing was added.",
        hint=f"name a .gguf file or a folder, or `{SMOLLM2}`, a small model to look around with; "
        "`lakelet models found` lists what other programs hold.",
    )


def _fetched(store: ModelStore, address: str, progress: Progress, sha256: str) -> _Found:
    """A model from an address, with all parts of a split one, in the store."""
    named = name_of_address(address)
    names = names_of_parts(named)
    if sha256 and len(names) > 1:
        raise CommandError(
            f"{named} is one of {len(names)} parts, and one SHA-256 was said; nothing was fetched."
        )
    files: list[GivenFile] = []
    come = 0
    for number, name in enumerate(names):

        def told(
            read: int, whole: int, left: int = len(names) - number, before: int = come
        ) -> None:
            progress(before + read, before + whole * left)  # parts are about as long as one another

        found = _from_address(store, address_beside(address, name), told, sha256)
        if found.role != "weights":
            raise CommandError(
                f"{address} is a {found.role} for a model, and none by itself; nothing was added.",
                hint="`lakelet models add MODEL --with` this address adds it to its model.",
            )
        files.append(found)
        come += found.path.stat().st_size
    joined([read_gguf_header(one.path) for one in files])
    return _Found(_plain(Path(names[0])), files)


def _from_address(
    store: ModelStore, address: str, progress: Progress, sha256: str = ""
) -> GivenFile:
    """A file from an address, in the store."""
    place = fetch_blob(store, Wanted(address, sha256=sha256), progress)
    return GivenFile(role_of(read_gguf_header(place)), place, name_of_address(address))


def _of_file(path: Path) -> _Found:
    if path.suffix == ".safetensors":
        return _of_folder(path.parent)
    parts = parts_of(path)
    headers = [read_gguf_header(part) for part in parts]
    if (role := role_of(headers[0])) != "weights":
        raise CommandError(
            f"{path} is a {role} for a model, and none by itself; nothing was added.",
            hint="`lakelet models add MODEL.gguf --with` this file adds it to its model.",
        )
    joined(headers)
    return _Found(_plain(parts[0]), [GivenFile("weights", part) for part in parts])


def _of_folder(path: Path) -> _Found:
    if safetensors_files(path) and (path / "config.json").is_file():
        others = [GivenFile("other", path / one) for one in _BESIDE if (path / one).is_file()]
        tensors = [GivenFile("weights", one) for one in safetensors_files(path)]
        return _Found(path.resolve().name, [*tensors, *others])
    weights: list[Path] = []
    beside: list[GivenFile] = []
    for one in sorted(path.glob("*.gguf")):
        role = role_of(read_gguf_header(one))
        if role == "weights":
            weights.append(one)
        else:
            beside.append(GivenFile(role, one))
    models = list(dict.fromkeys(parts_of(one)[0] for one in weights))
    if len(models) == 1:
        found = _of_file(models[0])
        return _Found(found.name, [*found.files, *beside])
    if not models:
        raise CommandError(
            f"{path} holds no model: no .gguf file, and no config.json beside .safetensors; "
            "nothing was added."
        )
    shown = "\n".join(f"  lakelet models add {one}" for one in models[:20])
    raise CommandError(
        f"{path} holds {len(models)} models; nothing was added.", hint=f"name one:\n{shown}"
    )


def _beside(store: ModelStore, source: str, progress: Progress) -> GivenFile:
    """A projector or an adapter, by its path or address."""
    if is_address(source):
        found = _from_address(store, source, progress)
    else:
        path = Path(source).expanduser()
        found = GivenFile(role_of(read_gguf_header(path)), path)
    if found.role == "weights":
        raise CommandError(
            f"{source} is a model by itself, no projector and no adapter; nothing was added."
        )
    return found


def _plain(path: Path) -> str:
    """A file's name without what says that it is one of several."""
    stem = path.name.removesuffix(".gguf")
    head, mark, rest = stem.rpartition("-of-")
    if mark and rest.isdigit():
        head, _, number = head.rpartition("-")
        return head if number.isdigit() else stem
    return stem
