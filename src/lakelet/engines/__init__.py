"""Dialects, read routes, and the SQL engine behind one protocol."""

from __future__ import annotations

__all__ = ()
