"""Models that other programs of this machine hold already: Ollama, LM Studio, Hugging Face's cache.

Sources: Ollama's layout of manifests and blobs (docs/faq.md, "Where are models stored", and the
media types of its registry); LM Studio's documentation, "Import models"; Hugging Face Hub's
documentation, "Manage your cache".
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lakelet.errors import CommandError, ModelFileError
from lakelet.models.gguf_header import read_gguf_header
from lakelet.models.parts import role_of
from lakelet.models.safetensors_folder import safetensors_files

__all__ = ("FoundModel", "found_models", "ollama_files")

_MODEL = "application/vnd.ollama.image."
_ROLES = {"model": "weights", "projector": "projector", "adapter": "adapter"}
_LIBRARY = ("registry.ollama.ai", "library")
_DEEP = 4
"""Folders below a program's own in which files are looked for."""


@dataclass(frozen=True)
class FoundModel:
    """A model that another program holds.

    Attributes:
        name: what it is called there.
        program: which one holds it.
        source: what `lakelet models add` is told.
        path: its file, or its folder.
        bytes: of its files.
    """

    name: str
    program: str
    source: str
    path: Path
    bytes: int


def found_models(environment: Mapping[str, str] = os.environ) -> list[FoundModel]:
    """What is found, by program and name; each place is looked at, none is needed.

    Args:
        environment: where ``HOME``, ``OLLAMA_MODELS``, ``HF_HOME`` and ``HF_HUB_CACHE`` are said.
    """
    home = Path(environment.get("HOME", "~")).expanduser()
    found = [
        *(_of_ollama(root) for root in _ollama_roots(home, environment)),
        *(_of_lm_studio(root) for root in _lm_studio_roots(home)),
        _of_hugging_face(_hugging_face_root(home, environment)),
    ]
    every = {one for some in found for one in some}
    return sorted(every, key=lambda one: (one.program, one.name))


def ollama_files(
    name: str, environment: Mapping[str, str] = os.environ
) -> tuple[str, list[tuple[str, Path]]]:
    """A model that Ollama holds: what to call it, and its files with their roles.

    Raises:
        CommandError: it holds none of that name.
    """
    home = Path(environment.get("HOME", "~")).expanduser()
    wanted = name if ":" in name.rpartition("/")[2] else f"{name}:latest"
    known = []
    for root in _ollama_roots(home, environment):
        for called, manifest in _manifests(root):
            known.append(called)
            if called == wanted:
                files = _layers(root, manifest)
                if any(role == "weights" for role, _ in files):
                    own = called.removesuffix(":latest").rpartition("/")[2]
                    return own.replace(":", "-"), files
    there = f"it holds {', '.join(sorted(known)[:12])}" if known else "it holds none here"
    raise CommandError(
        f"Ollama holds no model {wanted!r} on this machine: {there}; nothing was added.",
        hint="`lakelet models found` lists what other programs hold.",
    )


def _ollama_roots(home: Path, environment: Mapping[str, str]) -> list[Path]:
    own = environment.get("OLLAMA_MODELS")
    usual = [home / ".ollama" / "models", Path("/usr/share/ollama/.ollama/models")]
    return [Path(own)] if own else usual


def _lm_studio_roots(home: Path) -> list[Path]:
    pointer = home / ".lmstudio-home-pointer"
    try:
        pointed = [Path(pointer.read_text("utf-8").strip()) / "models"]
    except (OSError, UnicodeDecodeError):
        pointed = []
    return [*pointed, home / ".lmstudio" / "models", home / ".cache" / "lm-studio" / "models"]


def _hugging_face_root(home: Path, environment: Mapping[str, str]) -> Path:
    if environment.get("HF_HUB_CACHE"):
        return Path(environment["HF_HUB_CACHE"])
    if environment.get("HF_HOME"):
        return Path(environment["HF_HOME"]) / "hub"
    return home / ".cache" / "huggingface" / "hub"


def _manifests(root: Path) -> Iterator[tuple[str, Path]]:
    """Manifests of Ollama with the names by which it knows them."""
    base = root / "manifests"
    for path in _files(base, "*"):
        parts = path.relative_to(base).parts
        if len(parts) < 3:
            continue
        *where, model, tag = parts
        if tuple(where[:2]) == _LIBRARY:
            where = where[2:]
        elif where[:1] == [_LIBRARY[0]]:
            where = where[1:]
        yield f"{'/'.join([*where, model])}:{tag}", path


def _layers(root: Path, manifest: Path) -> list[tuple[str, Path]]:
    """The files a manifest names, with their roles; what cannot be read names none."""
    try:
        layers = json.loads(manifest.read_text("utf-8"))["layers"]
        told = [(str(one["mediaType"]), str(one["digest"])) for one in layers]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    found = []
    for media, digest in told:
        role = _ROLES.get(media.removeprefix(_MODEL)) if media.startswith(_MODEL) else None
        blob = root / "blobs" / digest.replace(":", "-")
        if role is not None and blob.parent == root / "blobs" and blob.is_file():
            found.append((role, blob))
    return found


def _of_ollama(root: Path) -> Iterator[FoundModel]:
    for name, manifest in _manifests(root):
        files = _layers(root, manifest)
        weights = [path for role, path in files if role == "weights"]
        if weights:
            size = sum(path.stat().st_size for _, path in files)
            yield FoundModel(name, "Ollama", f"ollama:{name}", weights[0], size)


def _of_lm_studio(root: Path) -> Iterator[FoundModel]:
    yield from _of_files(root, "LM Studio")


def _of_hugging_face(root: Path) -> Iterator[FoundModel]:
    if not root.is_dir():
        return
    for repository in sorted(root.glob("models--*")):
        snapshots = repository / "snapshots"
        try:
            newest = max(snapshots.iterdir(), key=lambda one: one.stat().st_mtime)
        except (OSError, ValueError):
            continue
        called = repository.name.removeprefix("models--").replace("--", "/")
        if (newest / "config.json").is_file() and (tensors := safetensors_files(newest)):
            size = sum(one.stat().st_size for one in tensors)
            yield FoundModel(called, "Hugging Face", str(newest), newest, size)
        for one in _of_files(newest, "Hugging Face"):
            yield FoundModel(f"{called}/{one.name}", one.program, one.source, one.path, one.bytes)


def _of_files(root: Path, program: str) -> Iterator[FoundModel]:
    """GGUF files that are models by themselves; of a split one the first part, with all bytes."""
    split: dict[str, list[Path]] = {}
    for path in _files(root, "*.gguf"):
        stem, mark, _ = path.name.rpartition("-of-")
        whole = stem.rpartition("-")[0] if mark else path.name
        split.setdefault(str(path.parent / whole), []).append(path)
    for parts in split.values():
        first = parts[0]
        try:
            if role_of(read_gguf_header(first)) != "weights":
                continue
            size = sum(path.stat().st_size for path in parts)
        except (ModelFileError, OSError):
            continue
        yield FoundModel(first.relative_to(root).as_posix(), program, str(first), first, size)


def _files(root: Path, pattern: str) -> list[Path]:
    """Files below a folder, some deep; none where it cannot be read."""
    found: list[Path] = []
    for deep in range(_DEEP + 1):
        try:
            found += [one for one in root.glob("*/" * deep + pattern) if one.is_file()]
        except OSError:
            continue
    return sorted(found)
