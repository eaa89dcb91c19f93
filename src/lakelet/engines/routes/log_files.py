"""Which files of a table's log make up one version."""

from __future__ import annotations

import re
from dataclasses import dataclass

import duckdb

from lakelet.engines.routes.duckdb_types import glob_literal
from lakelet.lake.checkpoints import newest_checkpoint

__all__ = ("LogSegment", "log_segment")

_COMMIT = re.compile(r"(\d{20})\.json")


@dataclass(frozen=True, slots=True)
class LogSegment:
    """The newest complete checkpoint up to a version, and the commits after it.

    Attributes:
        checkpoint: its files (one, or all its parts); empty where the log starts at version 0.
        commits: the commits to apply, oldest first.
    """

    checkpoint: tuple[str, ...]
    commits: tuple[str, ...]


def log_segment(root: str, version: int, connection: duckdb.DuckDBPyConnection) -> LogSegment:
    """The log files that make up ``version`` of the table at ``root`` (ends in a slash).

    Source: Delta Transaction Log Protocol, "Checkpoints" and "Action Reconciliation".
    """
    pattern = glob_literal(f"{root}_delta_log/") + "*"
    listed = [
        row[0] for row in connection.execute("SELECT file FROM glob(?)", [pattern]).fetchall()
    ]
    names = {path.rsplit("/", 1)[-1]: path for path in listed}
    start, checkpoint = newest_checkpoint(names, version) or (-1, [])
    commits = sorted(
        name
        for name in names
        if (match := _COMMIT.fullmatch(name)) and start < int(match[1]) <= version
    )
    return LogSegment(
        tuple(names[name] for name in checkpoint), tuple(names[name] for name in commits)
    )
