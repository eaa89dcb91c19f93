"""Whether a process is still there."""

from __future__ import annotations

import os

__all__ = ("is_alive",)


def is_alive(process: int) -> bool:
    """Whether a process of that number runs; another one may have been given it since."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
