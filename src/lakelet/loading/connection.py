"""The DuckDB connection a load works on: the workspace's zone, bounded memory, spilling to disk."""

from __future__ import annotations

import duckdb

from lakelet.lake.names import literal
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.resources import claim

__all__ = ("loading_connection", "prepare")

_MOST = 768 << 20
"""Bytes DuckDB may hold in a load, which works on one chunk at a time and needs no more."""


def loading_connection(workspace: WorkspaceFolder) -> duckdb.DuckDBPyConnection:
    """A connection of its own, with nothing in it."""
    share = claim(workspace)
    connection = duckdb.connect(
        config={
            "threads": share.threads,
            "memory_limit": f"{min(share.memory, _MOST) >> 20}MiB",
            "temp_directory": str(workspace.temp),
            # DuckDB would fetch an extension it lacks from the network, unasked.
            "autoinstall_known_extensions": False,
        }
    )
    prepare(connection, workspace.settings.time_zone)
    return connection


def prepare(connection: duckdb.DuckDBPyConnection, zone: str) -> None:
    """Settings that a cursor does not take over from its connection: time zone, no progress bar."""
    connection.execute(f"SET TimeZone = {literal(zone)}")
    connection.execute("SET enable_progress_bar = false")
