"""The models that are trained here, in a store of their own."""

from __future__ import annotations

from pathlib import Path

from lakelet.models import ModelStore, add_model
from lakelet.workspace.locks import hold
from small_models.training import MODELS, make

__all__ = ("CALLS", "SPEAK", "tiny_store")

CACHE = Path(__file__).parents[2] / ".cache" / "models"


CALLS = "tiny-llama-calls"
"""The one that calls a tool, and knows nothing else."""
SPEAK = tuple(name for name in MODELS if name != CALLS)
"""Those that answer questions."""


def tiny_store(folder: Path, *, calls: bool = False) -> ModelStore:
    """A store with those that answer questions; they are trained where they are not there yet.

    Args:
        folder: where the store is made.
        calls: whether the one that calls tools is there too.
    """
    store = ModelStore(folder / "store")
    CACHE.mkdir(parents=True, exist_ok=True)
    with hold(CACHE / "lock"):
        for name in MODELS if calls else SPEAK:
            add_model(store, str(make(name, CACHE)))
    return store
