"""What a model takes in memory before it is loaded: an estimate, and called so.

Weights as the file has them, keys and values for each token of each conversation, and 15 % for what
the engine needs besides.
"""

from __future__ import annotations

from pathlib import Path

from lakelet.models import Card
from lakelet.workspace.resources import machine_memory

__all__ = ("available_memory", "default_window", "estimated_memory")

_MORE = 1.15
_SHARE = 0.8
_MOST_WINDOW = 32_768
_STEP = 256


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
