"""Requests about texts without a conversation: going on with one, and vectors of several.

Source: OpenAI's API reference, "Completions" (legacy) and "Embeddings".
"""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass
from typing import Any

from lakelet.errors import CommandError
from lakelet.inference.backend import Conversation, Embeddings, Message
from lakelet.inference.gateway.openai_api import (
    ChatRequest,
    left_out,
    sampling_of,
    whole_of,
)

__all__ = ("EmbeddingsRequest", "as_embeddings", "read_embeddings", "read_text")

_MOST_TEXTS = 2048


def read_text(body: Any) -> ChatRequest:
    """A request to go on with a text.

    Raises:
        CommandError: it is none, or asks for what is not there; nothing of it is left out silently.
    """
    if not isinstance(body, dict):
        raise CommandError("the request is no JSON object.")
    for name in ("suffix", "logprobs", "echo"):
        if body.get(name):
            raise CommandError(f"{name} is not there; nothing was asked.")
    for name in ("n", "best_of"):
        if whole_of(body, name) not in (None, 1):
            raise CommandError(f"{name} is 1 here: one answer at a time; nothing was asked.")
    prompt = body.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        (prompt,) = prompt
    if not isinstance(prompt, str) or not prompt:
        raise CommandError("prompt is one text here; nothing was asked.")
    options = body.get("stream_options") or {}
    return ChatRequest(
        str(body.get("model") or ""), Conversation((Message("user", prompt),), raw=True),
        sampling_of(body), bool(body.get("stream")),
        bool(isinstance(options, dict) and options.get("include_usage")),
        ignored=left_out(body),
    )  # fmt: skip


@dataclass(frozen=True)
class EmbeddingsRequest:
    """What a client wants vectors of.

    Attributes:
        model: by name; '' for the one that is meant.
        texts: in order.
        packed: whether vectors are told as bytes in base 64.
    """

    model: str
    texts: list[str]
    packed: bool


def read_embeddings(body: Any) -> EmbeddingsRequest:
    """A request for vectors.

    Raises:
        CommandError: it is none, or asks for what is not there.
    """
    if not isinstance(body, dict):
        raise CommandError("the request is no JSON object.")
    texts = body.get("input")
    texts = [texts] if isinstance(texts, str) else texts
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
        raise CommandError("input is no text, and no list of texts; nothing was asked.")
    if len(texts) > _MOST_TEXTS or not all(texts):
        raise CommandError(f"input is 1 to {_MOST_TEXTS} texts, none empty; nothing was asked.")
    if body.get("dimensions") is not None:
        raise CommandError(
            "dimensions is not there: vectors are the model's own; nothing was asked."
        )
    packed = body.get("encoding_format", "float")
    if packed not in ("float", "base64"):
        raise CommandError("encoding_format is float or base64; nothing was asked.")
    return EmbeddingsRequest(str(body.get("model") or ""), texts, packed == "base64")


def as_embeddings(found: Embeddings, model: str, *, packed: bool) -> dict[str, Any]:
    """Vectors in the shape of OpenAI's."""

    def told(vector: list[float]) -> Any:
        if not packed:
            return vector
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()

    return {
        "object": "list", "model": model,
        "data": [{"object": "embedding", "index": number, "embedding": told(vector)}
                 for number, vector in enumerate(found.vectors)],
        "usage": {"prompt_tokens": found.tokens, "total_tokens": found.tokens},
    }  # fmt: skip
