"""Which files of a table's log make up one version."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from lakelet.engines.routes.duckdb_types import glob_literal

__all__ = ("LogSegment", "log_segment", "newest_checkpoint")

_COMMIT = re.compile(r"(\d{20})\.json")
_SINGLE = re.compile(r"(\d{20})\.checkpoint(?:\.[0-9a-fA-F-]{36})?\.(?:parquet|json)")
_PART = re.compile(r"(\d{20})\.checkpoint\.(\d{10})\.(\d{10})\.parquet")


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


def newest_checkpoint(names: Iterable[str], version: int) -> tuple[int, list[str]] | None:
    """Version and files of the newest checkpoint up to ``version`` that lacks no part."""
    complete: dict[int, list[str]] = {}
    parts: dict[tuple[int, int], list[str]] = {}
    for name in sorted(names):
        if match := _SINGLE.fullmatch(name):
            complete[int(match[1])] = [name]
        elif match := _PART.fullmatch(name):
            parts.setdefault((int(match[1]), int(match[3])), []).append(name)
    for (at, total), found in parts.items():
        if len(found) == total:
            complete.setdefault(at, found)
    start = max((at for at in complete if at <= version), default=None)
    return None if start is None else (start, complete[start])
