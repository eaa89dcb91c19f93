"""Connections to DuckDB: the workspace's zone and share of the machine, and no surprises."""

from __future__ import annotations

import time

import duckdb

from lakelet.interrupts import stoppable
from lakelet.lake.names import literal
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.resources import claim

__all__ = ("close_engine", "engine_settings", "open_connection", "prepare")


_LOOKS, _LOOK = 100, 0.01


def open_connection(
    workspace: WorkspaceFolder, *, most: int | None = None
) -> duckdb.DuckDBPyConnection:
    """A connection with nothing in it: the workspace's zone, memory, threads and spill folder.

    Args:
        workspace: whose settings count.
        most: bytes it may hold at the most, if that is less than the process's share.
    """
    connection = duckdb.connect(config=engine_settings(workspace, most))
    prepare(connection, workspace.settings.time_zone)
    return connection


def engine_settings(
    workspace: WorkspaceFolder, most: int | None = None
) -> dict[str, str | bool | int | float | list[str]]:
    """What DuckDB is told when a connection is opened: see `open_connection`."""
    share = claim(workspace)
    memory = share.memory if most is None else min(share.memory, most)
    return {
        "threads": share.threads,
        "memory_limit": f"{memory >> 20}MiB",
        "temp_directory": str(workspace.temp),
        # DuckDB would fetch an extension it lacks from the network, unasked.
        "autoinstall_known_extensions": False,
    }


def prepare(connection: duckdb.DuckDBPyConnection, zone: str) -> None:
    """What a cursor does not take over from its connection.

    The time zone; no progress bar, which DuckDB would draw into whatever is written to; and that
    Ctrl-C stops it.
    """
    stoppable(connection)
    connection.execute(f"SET TimeZone = {literal(zone)}")
    connection.execute("SET enable_progress_bar = false")


def close_engine(connection: duckdb.DuckDBPyConnection) -> None:
    """Close a connection from which a thread may still be reading: it is told to stop first.

    One that does not stop, since its own input does not come, closes when it does.
    """
    for _ in range(_LOOKS):
        try:
            connection.close()
            return
        except duckdb.ResourceInUseException:
            connection.interrupt()
            time.sleep(_LOOK)
