"""One seed for every source of chance that is in the process."""

from __future__ import annotations

import random
import sys

from lakelet.errors import CommandError

__all__ = ("plant",)

_MOST = 2**32


def plant(seed: int) -> None:
    """Seed Python, NumPy and, where it was imported, torch.

    Raises:
        CommandError: it is no whole number that all of them take.
    """
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < _MOST:
        raise CommandError(
            f"seed is {seed!r}; no run was started.",
            hint=f"it is a whole number from 0 to {_MOST - 1}.",
        )
    random.seed(seed)
    import numpy

    numpy.random.seed(seed)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed)
