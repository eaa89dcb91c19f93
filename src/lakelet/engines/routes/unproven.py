"""The private signal that the direct reading of files cannot be vouched for."""

from __future__ import annotations

__all__ = ("NotProvenError",)


class NotProvenError(Exception):
    """Reading a snapshot's files directly is not provably exact; the text says why."""
