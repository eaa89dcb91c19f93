"""Language models on this machine: their files, and what the files say of them."""

from __future__ import annotations

from lakelet.models.adding import add_model
from lakelet.models.card import Card
from lakelet.models.converting import convert_model
from lakelet.models.found import FoundModel, found_models
from lakelet.models.gguf_header import GgufHeader, TensorInfo, read_gguf_header
from lakelet.models.licences import Licence
from lakelet.models.model import GivenFile, Model, ModelFile
from lakelet.models.store import ModelStore, default_store

__all__ = (
    "Card",
    "FoundModel",
    "GgufHeader",
    "GivenFile",
    "Licence",
    "Model",
    "ModelFile",
    "ModelStore",
    "TensorInfo",
    "add_model",
    "convert_model",
    "default_store",
    "found_models",
    "read_gguf_header",
)
