"""Batches that a restore took back: their files count as not loaded.

The table's own history says which they are, so that a restore by another program counts as well as
one by `lakelet restore`.
"""

from __future__ import annotations

from lakelet.lake import Lake, LakeTable
from lakelet.lake.history import Commit
from lakelet.loading.connection import loading_connection
from lakelet.loading.ledger import Ledger

__all__ = ("mark_restored", "restore_table", "undone_batches")


def undone_batches(commits: list[Commit]) -> list[int]:
    """Numbers of batches whose rows a later restore removed.

    Args:
        commits: a table's whole history, the newest first.
    """
    live_at: dict[int, frozenset[int]] = {}
    live: frozenset[int] = frozenset()
    seen: set[int] = set()
    for commit in reversed(commits):
        batch = commit.parameters.get("lakelet.batch")
        if batch is not None:
            live |= {int(batch)}
            seen.add(int(batch))
        elif commit.operation == "RESTORE":
            live = live_at.get(_target(commit), live)
        live_at[commit.version] = live
    return sorted(seen - live)


def _target(commit: Commit) -> int:
    raw = commit.parameters.get("version", commit.parameters.get("lakelet.restored"))
    return int(raw) if raw is not None and str(raw).isdecimal() else -1


def restore_table(lake: Lake, table: LakeTable, version: int) -> int:
    """Make a table equal an earlier version, and its later batches count as not loaded.

    A kill between the two is made good by the next load, which finds the restore in the history.

    Returns:
        How many files count as not loaded again.

    Raises:
        VersionNotFoundError: the version is not kept any more.
    """
    with table.load_lock():
        table.restore(version)
        connection = loading_connection(lake.workspace)
        try:
            return mark_restored(Ledger(lake, connection), table)
        finally:
            connection.close()


def mark_restored(ledger: Ledger, table: LakeTable) -> int:
    """Mark in the ledger what restores since the last load took back.

    Returns:
        How many files that are.
    """
    recent = table.history(limit=1)
    limit = 32
    while recent and not any("lakelet.batch" in commit.parameters for commit in recent):
        whole = table.history(limit=limit)
        if len(whole) == len(recent):
            break
        recent, limit = whole, limit * 4
    since = []
    for commit in recent:
        if "lakelet.batch" in commit.parameters:
            break
        since.append(commit)
    if not any(commit.operation == "RESTORE" for commit in since):
        return 0
    undone = undone_batches(table.history())
    return ledger.undo(table.name, undone) if undone else 0
