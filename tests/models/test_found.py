"""Models that other programs hold: found where they keep them, and linked from there."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lakelet.errors import CommandError
from lakelet.models import ModelStore, add_model, found_models
from models.files import write_gguf


def ollama(home: Path, name: str, *roles: str) -> list[Path]:
    """A model as Ollama keeps it: blobs by digest, and a manifest with their media types."""
    root = home / ".ollama" / "models"
    (root / "blobs").mkdir(parents=True, exist_ok=True)
    layers, blobs = [], []
    for role in (*roles, "license"):
        kind = {"projector": "clip"}.get(role, "llama")
        file = write_gguf(
            home / "part.gguf", architecture=kind, said={"general.name": f"{name} {role}"}
        )
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        blobs.append(file.rename(root / "blobs" / f"sha256-{digest}"))
        layers.append({"mediaType": f"application/vnd.ollama.image.{role}", "digest": f"sha256:{digest}",
                       "size": blobs[-1].stat().st_size})  # fmt: skip
    manifest = root / "manifests" / name.replace(":", "/")
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps({"schemaVersion": 2, "layers": layers}))
    return blobs


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home in which all three hold something, and something is broken."""
    home = tmp_path / "home"
    home.mkdir()
    ollama(home, "registry.ollama.ai/library/qwen3:4b", "model")
    ollama(home, "registry.ollama.ai/library/gemma:latest", "model", "projector")
    ollama(home, "registry.ollama.ai/someone/own:q8", "model")
    ollama(home, "hf.co/org/name-GGUF:Q4_K_M", "model")
    broken = home / ".ollama/models/manifests/registry.ollama.ai/library/broken/latest"
    broken.parent.mkdir()
    broken.write_text("{")
    studio = home / ".lmstudio" / "models" / "maker" / "repository"
    studio.mkdir(parents=True)
    write_gguf(studio / "one-Q4_K_M.gguf")
    write_gguf(studio / "mmproj-one.gguf", architecture="clip")
    write_gguf(studio / "split-00001-of-00002.gguf")
    write_gguf(studio / "split-00002-of-00002.gguf")
    (studio / "cut.gguf").write_bytes(b"GGUF")
    hub = home / ".cache/huggingface/hub/models--org--weights"
    snapshot = hub / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (hub / "blobs").mkdir()
    blob = write_gguf(hub / "blobs" / "w.gguf")
    (snapshot / "w-Q8_0.gguf").symlink_to(blob)
    (home / ".cache/huggingface/hub/models--org--empty/snapshots").mkdir(parents=True)
    return home


def test_each_program_is_looked_at(home: Path) -> None:
    found = {one.name: one for one in found_models({"HOME": str(home)})}
    assert sorted(found) == [
        "gemma:latest", "hf.co/org/name-GGUF:Q4_K_M", "maker/repository/one-Q4_K_M.gguf",
        "maker/repository/split-00001-of-00002.gguf", "org/weights/w-Q8_0.gguf", "qwen3:4b",
        "someone/own:q8",
    ]  # fmt: skip
    split = found["maker/repository/split-00001-of-00002.gguf"]
    assert split.bytes == 2 * split.path.stat().st_size and split.program == "LM Studio"
    assert found["gemma:latest"].source == "ollama:gemma:latest"
    assert found["org/weights/w-Q8_0.gguf"].program == "Hugging Face"


def test_places_may_be_elsewhere(home: Path, tmp_path: Path) -> None:
    nobody = {"HOME": str(tmp_path / "nobody")}
    assert found_models(nobody) == []
    moved = {**nobody, "OLLAMA_MODELS": str(home / ".ollama/models"),
             "HF_HOME": str(home / ".cache/huggingface")}  # fmt: skip
    assert {one.program for one in found_models(moved)} == {"Ollama", "Hugging Face"}
    (tmp_path / "nobody").mkdir()
    (tmp_path / "nobody/.lmstudio-home-pointer").write_text(str(home / ".lmstudio"))
    assert {one.program for one in found_models(nobody)} == {"LM Studio"}


def test_what_ollama_holds_is_linked(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(home))
    store = ModelStore(tmp_path / "store")
    model = add_model(store, "ollama:qwen3:4b")
    assert model.name == "qwen3-4b" and [one.owned for one in model.files] == [False]
    assert model.path.parent == home / ".ollama/models/blobs"
    assert model.digest == model.path.name.removeprefix("sha256-")
    both = add_model(store, "ollama:gemma")
    assert both.name == "gemma" and [one.role for one in both.files] == ["weights", "projector"]
    assert add_model(store, "ollama:someone/own:q8").name == "own-q8"
    with pytest.raises(CommandError, match=r"no model 'llama9:latest'.*gemma:latest"):
        add_model(store, "ollama:llama9")
    store.remove("gemma")
    assert both.path.exists()  # not the store's own


def test_the_command_lists_them(home: Path, tmp_path: Path) -> None:
    def lakelet(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "lakelet", *arguments], cwd=tmp_path / "ws", check=True,
            capture_output=True, text=True, env={**os.environ, "HOME": str(home)},
        ).stdout  # fmt: skip

    (tmp_path / "ws").mkdir()
    lakelet("init")
    text = lakelet("models", "found")
    assert "ollama:qwen3:4b" in text and "Hugging Face" in text and "cut.gguf" not in text
    lakelet("models", "add", "ollama:qwen3:4b")
    told = {one["name"]: one for one in json.loads(lakelet("models", "found", "--json"))}
    assert told["qwen3:4b"]["here"] == "qwen3-4b" and told["gemma:latest"]["here"] is None
    elsewhere = subprocess.run(
        [sys.executable, "-m", "lakelet", "models", "found"], cwd=tmp_path / "ws", check=True,
        capture_output=True, text=True, env={**os.environ, "HOME": str(tmp_path / "nobody")},
    ).stdout  # fmt: skip
    assert "Neither Ollama nor LM Studio" in elsewhere
