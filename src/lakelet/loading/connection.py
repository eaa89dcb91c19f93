"""The DuckDB connection a load works on: it holds one chunk at a time, and needs little memory."""

from __future__ import annotations

import duckdb

from lakelet.engines.connection import open_connection
from lakelet.workspace import WorkspaceFolder

__all__ = ("loading_connection",)

_MOST = 768 << 20
"""Bytes DuckDB may hold in a load, which works on one chunk at a time and needs no more."""


def loading_connection(workspace: WorkspaceFolder) -> duckdb.DuckDBPyConnection:
    """A connection of its own, with nothing in it."""
    return open_connection(workspace, most=_MOST)
