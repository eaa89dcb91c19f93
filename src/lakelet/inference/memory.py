"""What a model takes in memory before it is loaded: an estimate, and called so.

Weights as the file has them, keys and values for each token of each conversation, and 15 % for what
the engine needs besides.
"""

from __future__ import annotations

from pathlib import Path

from lakelet.models import Card
from lakelet.workspace.resources import machine_memory

__all__ = (
    "available_memory",
    "default_window",
    "estimated_memory",
    "longest_for_vector",
    "read_at_once",
)

_MORE = 1.15
_SHARE = 0.8
_MOST_WINDOW = 32_768
_STEP = 256
_AT_ONCE, _AT_ONCE_ENCODING = 512, 2048
_ENCODERS = ("bert", "embedding", "encoder")


def available_memory() -> int:
    """Bytes that can be taken without another program being swapped out, as the kernel thinks."""
    try:
        text = Path("/proc/meminfo").read_text("ascii")
    except OSError:
        return machine_memory() // 2  # macOS says nothing of the kind without a subprocess
    said = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    found = int(said["MemAvailable"].split()[0]) * 1024
    return min(found, machine_memory())


def estimated_memory(card: Card, window: int, slots: int = 1) -> int:
    """Bytes that a loaded model takes, as an estimate.

    Args:
        card: the model's card.
        window: tokens of one conversation.
        slots: how many conversations at once.
    """
    return int((card.bytes + card.kv_bytes_per_token * window * slots) * _MORE)


def default_window(card: Card, free: int, slots: int = 1) -> int:
    """The largest window up to 32k, and up to what was trained, that fits in 80 % of free memory.

    Args:
        card: the model's card.
        free: bytes that are free.
        slots: how many conversations at once.

    Returns:
        Tokens, a multiple of 256; 0 where not even the weights fit.
    """
    most = min(card.trained_context or card.context or 4096, _MOST_WINDOW)
    left = int(free * _SHARE / _MORE) - card.bytes
    if left <= 0:
        return 0
    if not card.kv_bytes_per_token:
        return most
    window = min(most, left // (card.kv_bytes_per_token * slots))
    return window if window == most else window // _STEP * _STEP


def read_at_once(card: Card, window: int) -> int:
    """Tokens that an engine reads in one go.

    An encoder reads a text in one, since each token sees all others. Of other models it would write
    down what each token of the text is followed by, which takes gigabytes with large vocabularies.

    Args:
        card: the model's card.
        window: tokens of one conversation.
    """
    return min(window, _AT_ONCE_ENCODING if _encodes(card) else _AT_ONCE)


def longest_for_vector(card: Card, window: int) -> int:
    """The most tokens that make one vector: those read in one go, or all where the last counts.

    Args:
        card: the model's card.
        window: tokens of one conversation.
    """
    if card.pooling == "last" and not _encodes(card):
        return window
    return read_at_once(card, window)


def _encodes(card: Card) -> bool:
    """Whether it is an encoder, as llama.cpp names their architectures."""
    return any(one in card.architecture for one in _ENCODERS)
