"""One small database in memory for bookkeeping: starting one costs more than what it is asked."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

__all__ = ("small_engine",)

_lock = threading.Lock()
_kept: list[duckdb.DuckDBPyConnection] = []


def small_engine() -> duckdb.DuckDBPyConnection:
    """A connection of its own to the process's small database, to be closed by the caller.

    What it makes must be temporary; its time zone is not set.
    """
    import duckdb

    with _lock:
        if not _kept:
            config: dict[str, str | bool | int | float | list[str]] = {
                "threads": 1, "autoinstall_known_extensions": False,
            }  # fmt: skip
            _kept.append(duckdb.connect(config=config))
        return _kept[0].cursor()
