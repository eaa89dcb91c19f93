"""What a person names, as the files of one model: a GGUF, a folder, a model fetched by its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lakelet.errors import CommandError
from lakelet.models.digest import Progress
from lakelet.models.downloading import download, forget, is_address, name_of_address
from lakelet.models.found import ollama_files
from lakelet.models.gguf_header import read_gguf_header
from lakelet.models.model import Model
from lakelet.models.parts import joined, parts_of, role_of
from lakelet.models.safetensors_folder import card_of_folder, safetensors_files
from lakelet.models.smollm2 import SMOLLM2, fetch_smollm2
from lakelet.models.store import ModelStore
from lakelet.workspace.steps import declare, step

__all__ = ("add_model",)

_OLLAMA = "ollama:"
_MOVED = declare(
    "models.fetched_file", "a file that was fetched is among the store's, without a name"
)
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
        files: role and place of each.
        copy: whether the store must have files of its own.
    """

    name: str
    files: list[tuple[str, Path]]
    copy: bool = False


def add_model(
    store: ModelStore,
    source: str,
    *,
    name: str = "",
    beside: Sequence[Path] = (),
    copy: bool = False,
    over: bool = False,
    sha256: str = "",
    progress: Progress = lambda _read, _all: None,
) -> Model:
    """Give a model a name in the store.

    Args:
        store: the store.
        source: a ``.gguf`` file, a folder, the address of a file, ``ollama:NAME``, or ``smollm2``.
        name: its name; by the file's own without it.
        beside: a projector file and adapters that belong to it.
        copy: whether the store takes files of its own; they are linked without it.
        over: whether a name that is there gets another meaning.
        sha256: what the SHA-256 of a file that is fetched has to be; unsaid without it.
        progress: told of bytes read, and of all.

    Raises:
        CommandError: nothing that can be added is there, or several models are.
        ModelFileError: a file is no model's, or is cut off.
        StorageError: the disk has no room.
    """
    found = _found(store, source, progress, sha256)
    files = [*found.files, *((_role_beside(path), path) for path in beside)]
    return store.add(
        name or found.name, source, files, copy=copy or found.copy, over=over, progress=progress
    )


def _found(store: ModelStore, source: str, progress: Progress, sha256: str) -> _Found:
    if is_address(source):
        return _fetched(store, source, progress, sha256)
    if sha256:
        raise CommandError("a SHA-256 is promised for what is fetched from an address only.")
    path = Path(source).expanduser()
    if source.startswith(_OLLAMA) and not path.exists():
        return _Found(*ollama_files(source.removeprefix(_OLLAMA)))
    if source.lower() == SMOLLM2 and not path.exists():
        return _Found(SMOLLM2, [("weights", fetch_smollm2(store, progress))])
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
    """A file from an address, in the store."""
    come = download(address, store.root / "downloads", progress, sha256=sha256)
    if (role := role_of(read_gguf_header(come.path))) != "weights":
        raise CommandError(f"{address} is a {role} for a model, and none by itself.")

    def moved(part: Path) -> str:
        with step(_MOVED):
            come.path.replace(part)
        return come.digest

    place = store.take_blob(moved)
    forget(come.path)
    return _Found(_plain(Path(name_of_address(address))), [("weights", place)])


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
    return _Found(_plain(parts[0]), [("weights", part) for part in parts])


def _of_folder(path: Path) -> _Found:
    if safetensors_files(path) and (path / "config.json").is_file():
        card_of_folder(path)
        others = [("other", path / one) for one in _BESIDE if (path / one).is_file()]
        tensors = [("weights", one) for one in safetensors_files(path)]
        return _Found(path.resolve().name, [*tensors, *others])
    weights: list[Path] = []
    beside: list[tuple[str, Path]] = []
    for one in sorted(path.glob("*.gguf")):
        role = role_of(read_gguf_header(one))
        if role == "weights":
            weights.append(one)
        else:
            beside.append((role, one))
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


def _role_beside(path: Path) -> str:
    role = role_of(read_gguf_header(path))
    if role == "weights":
        raise CommandError(
            f"{path} is a model by itself, no projector and no adapter; nothing was added."
        )
    return role


def _plain(path: Path) -> str:
    """A file's name without what says that it is one of several."""
    stem = path.name.removesuffix(".gguf")
    head, mark, rest = stem.rpartition("-of-")
    if mark and rest.isdigit():
        head, _, number = head.rpartition("-")
        return head if number.isdigit() else stem
    return stem
