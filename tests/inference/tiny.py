"""The models that are trained here, in a store of their own."""

from __future__ import annotations

from pathlib import Path

from lakelet.models import ModelStore, add_model
from lakelet.workspace.locks import hold
from small_models.training import MODELS, make

__all__ = ("tiny_store",)

CACHE = Path(__file__).parents[2] / ".cache" / "models"


def tiny_store(folder: Path) -> ModelStore:
    """A store with all of them; they are trained where they are not there yet."""
    store = ModelStore(folder / "store")
    CACHE.mkdir(parents=True, exist_ok=True)
    with hold(CACHE / "lock"):
        for name in MODELS:
            add_model(store, str(make(name, CACHE)))
    return store
