"""Where code that is run from a checkout for a repeated run has its home."""

from __future__ import annotations

import os
from pathlib import Path

from lakelet.workspace.folder import REPEATS_IN

__all__ = ("at_home", "text_at_home")


def text_at_home(text: str) -> str:
    """A text that names a place in the checkout, with the place in the repository instead."""
    checkout, _, repository = os.environ.get(REPEATS_IN, "").partition(os.pathsep)
    return text.replace(checkout, repository) if checkout else text


def at_home(path: Path) -> Path:
    """A place in the repository, where what was found is its like in the checkout."""
    return Path(text_at_home(str(path)))
