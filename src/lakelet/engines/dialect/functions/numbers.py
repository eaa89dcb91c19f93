"""Functions over numbers."""

from __future__ import annotations

from lakelet.engines.dialect.functions.entry import Function

__all__ = ("NUMBERS",)

NUMBERS: dict[str, Function] = {}
