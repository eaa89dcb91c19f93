"""The command `lakelet`."""

from __future__ import annotations

from lakelet.cli.app import main

__all__ = ("main",)
