"""A model's card: what its file says of it, in the words people choose models by."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import Any, TypeGuard

from lakelet.models.gguf_header import ArrayOf, GgufHeader, TensorInfo
from lakelet.models.licences import Licence, licence_of
from lakelet.models.thinking import thinking_policy

__all__ = ("Card", "card_of_gguf", "card_of_name")

_SAMPLING = {"temp": "temperature", "top_p": "top_p", "top_k": "top_k", "min_p": "min_p",
             "penalty_repeat": "repeat_penalty"}  # fmt: skip
_EMBEDDINGS = ("token_embd.", "position_embd.", "token_types.", "per_layer_token_embd.")
_POOLING = {1: "mean", 2: "cls", 3: "last", 4: "rank"}
_FAMILIES = ("qwq", "smollm3", "smollm2", "smollm", "deepseek-r1", "mixtral", "mistral", "phi",
             "gpt-oss")  # fmt: skip


@dataclass(frozen=True)
class Card:
    """What is known of a model from its file alone.

    Attributes:
        title: what its makers call it.
        family: by which presets are found: ``llama``, ``qwen3``, ``qwq``.
        architecture: as the engine names it.
        format: ``gguf`` or ``safetensors``.
        parameters: weights in all.
        active: weights that each token goes through: fewer where experts are chosen.
        bytes: of the weights' file or files.
        quantization: the type most weights have, or what the file calls its mix.
        bits_per_weight: of the whole file, by its tensors' types.
        bits_without_embeddings: the same without the tables of embeddings.
        trained_context: tokens it was trained on, 0 where the file does not say.
        context: tokens it can take, by its own scaling; 0 where the file does not say.
        tokenizer: its kind.
        vocabulary: how many tokens there are.
        template: the chat template (Jinja); None for a base model.
        template_from: the family or file it is from, where it is not the model's own; '' else.
        thinking: what becomes of old thoughts, of `lakelet.models.thinking.POLICIES`.
        licence: its licence.
        languages: as the file says.
        vision: whether it takes pictures, with the files that are here.
        audio: whether it takes sound.
        layers: how many blocks.
        kv_bytes_per_token: bytes that a token of context takes at 16 bits; 0 where unknown.
        types: tensors by type: how many, and their bytes.
        sampling: how its file says it is to be sampled: ``temperature``, ``top_p``, ``top_k``,
            ``min_p``, ``repeat_penalty``.
        pooling: how an embedding model makes one vector of a text: ``mean``, ``cls``, ``last`` or
            ``rank``; '' for other models.
    """

    title: str
    family: str
    architecture: str
    format: str
    parameters: int
    active: int
    bytes: int
    quantization: str
    bits_per_weight: float
    bits_without_embeddings: float
    trained_context: int
    context: int
    tokenizer: str
    vocabulary: int
    template: str | None
    thinking: str
    licence: Licence
    languages: tuple[str, ...] = ()
    vision: bool = False
    audio: bool = False
    layers: int = 0
    kv_bytes_per_token: int = 0
    types: dict[str, tuple[int, int]] = field(default_factory=dict)
    sampling: dict[str, float] = field(default_factory=dict)
    pooling: str = ""
    template_from: str = ""


def card_of_gguf(header: GgufHeader) -> Card:
    """The card of a GGUF file, from its header.

    Args:
        header: what `read_gguf_header` found.
    """
    said = header.metadata
    architecture = _text(said.get("general.architecture"))
    own = {
        key.removeprefix(f"{architecture}."): value
        for key, value in said.items()
        if key.startswith(f"{architecture}.")
    }
    trained, extended = _context(own)
    types: dict[str, tuple[int, int]] = {}
    for tensor in header.tensors:
        name = tensor.kind.name if tensor.kind else f"type {tensor.number}"
        count, size = types.get(name, (0, 0))
        types[name] = (count + 1, size + tensor.bytes)
    weights = sum(tensor.weights for tensor in header.tensors)
    tokens = said.get("tokenizer.ggml.tokens")
    template = said.get("tokenizer.chat_template")
    template = template if isinstance(template, str) and template.strip() else None
    title = _text(said.get("general.name"))
    return Card(
        title=title,
        family=_family(architecture, _text(said.get("general.basename")) or title),
        architecture=architecture,
        format="gguf",
        parameters=weights,
        active=_active(header.tensors, own),
        bytes=header.size,
        quantization=_quantization(header.tensors),
        bits_per_weight=_bits(header.tensors),
        bits_without_embeddings=_bits(
            [one for one in header.tensors if not one.name.startswith(_EMBEDDINGS)]
        ),
        trained_context=trained,
        context=extended,
        tokenizer=" ".join(
            filter(None, (_text(said.get("tokenizer.ggml.model")),
                          _text(said.get("tokenizer.ggml.pre"))))
        ),
        vocabulary=tokens.length if isinstance(tokens, ArrayOf) else len(_list(tokens)),
        template=template,
        thinking=thinking_policy(template),
        licence=licence_of(said.get("general.license"), said.get("general.license.name")),
        languages=tuple(str(one) for one in _list(said.get("general.languages"))),
        vision=said.get("clip.has_vision_encoder") is True,
        audio=said.get("clip.has_audio_encoder") is True,
        layers=_number(own.get("block_count")),
        pooling=_POOLING.get(_number(own.get("pooling_type")), ""),
        kv_bytes_per_token=_kv_bytes(own),
        types=types,
        sampling={
            name: float(said[f"general.sampling.{key}"]) for key, name in _SAMPLING.items()
            if _finite(said.get(f"general.sampling.{key}"))
        },
    )  # fmt: skip


def card_of_name(name: str) -> Card:
    """The card of a model of which nothing is known but its name.

    Args:
        name: what a server calls it.
    """
    return Card(
        title=name, family=_family("", name), architecture="", format="", parameters=0, active=0,
        bytes=0, quantization="", bits_per_weight=0.0, bits_without_embeddings=0.0,
        trained_context=0, context=0, tokenizer="", vocabulary=0, template=None, thinking="strip",
        licence=licence_of(None, None),
    )  # fmt: skip


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _finite(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and isfinite(value)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _family(architecture: str, name: str) -> str:
    low = name.lower().replace(" ", "-")
    return next((one for one in _FAMILIES if one in low), architecture)


def _context(own: dict[str, Any]) -> tuple[int, int]:
    """The window a model was trained with, and the one its own scaling of places reaches."""
    said = _number(own.get("context_length"))
    original = _number(own.get("rope.scaling.original_context_length"))
    factor = own.get("rope.scaling.factor")
    reached = int(original * factor) if original and _finite(factor) else 0
    return min(filter(None, (original, said)), default=0), max(said, reached)


def _active(tensors: list[TensorInfo], own: dict[str, Any]) -> int:
    """Weights that each token goes through: of a layer's experts, only those that are chosen."""
    experts, used = _number(own.get("expert_count")), _number(own.get("expert_used_count"))
    share = used / experts if experts and used else 1.0
    return round(
        sum(one.weights * (share if "_exps." in one.name else 1.0) for one in tensors)
    )  # fmt: skip


def _bits(tensors: list[TensorInfo]) -> float:
    known = [one for one in tensors if one.kind]
    weights = sum(one.weights for one in known)
    return 8 * sum(one.bytes for one in known) / weights if weights else 0.0


def _quantization(tensors: list[TensorInfo]) -> str:
    """The type that most weights of the large matrices have."""
    held: dict[str, int] = {}
    for one in tensors:
        if len(one.shape) > 1 and one.kind and not one.name.startswith(_EMBEDDINGS):
            held[one.kind.name] = held.get(one.kind.name, 0) + one.weights
    return max(held, key=lambda name: held[name]) if held else ""


def _kv_bytes(own: dict[str, Any]) -> int:
    """Bytes of keys and values that a token of context takes in all layers, at 16 bits each."""
    said = own.get("attention.head_count")
    heads = max(map(_number, said), default=0) if isinstance(said, list) else _number(said)
    width = _number(own.get("embedding_length"))
    layers = _number(own.get("block_count"))
    if not heads or not layers:
        return 0
    key = _number(own.get("attention.key_length")) or width // heads
    value = _number(own.get("attention.value_length")) or width // heads
    kv_heads = own.get("attention.head_count_kv")
    if isinstance(kv_heads, list):
        each = sum(map(_number, kv_heads))
    else:  # where more are said than are kept, the most it can be
        each = (_number(kv_heads) or heads) * layers
    return each * (key + value) * 2
