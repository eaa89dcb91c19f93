"""Batches whose rows are in a table no more, or once more: restores, and tables made anew.

The table's own history says which they are, so that what another program did counts as well as
`lakelet restore`. A table that is created under the name of a dropped one, or by CREATE OR REPLACE
TABLE, goes on in the same log, and holds none of the batches before.
"""

from __future__ import annotations

from lakelet.lake import Lake, LakeTable
from lakelet.lake.history import Commit
from lakelet.loading.connection import loading_connection
from lakelet.loading.ledger import Ledger, Standing

__all__ = ("mark_restored", "restore_table", "standing_batches", "standing_since")

_OLDER = 0
"""Stands for all batches whose commits the history does not keep any more."""


def standing_batches(commits: list[Commit]) -> Standing:
    """Which batches a table's rows come from, and which not any more.

    Args:
        commits: a table's whole history, the newest first.
    """
    live_at: dict[int, frozenset[int]] = {}
    begun = bool(commits) and commits[-1].version == 0
    live: frozenset[int] = frozenset() if begun else frozenset([_OLDER])
    seen: set[int] = set()
    for commit in reversed(commits):
        batch = commit.parameters.get("lakelet.batch")
        if batch is not None:
            live |= {int(batch)}
            seen.add(int(batch))
        elif commit.operation == "RESTORE":
            live = live_at.get(_target(commit), live)
        elif _makes_anew(commit):
            live = frozenset()
        live_at[commit.version] = live
    older = 0 if begun or _OLDER in live else min(seen, default=0)
    return Standing(frozenset(live - {_OLDER}), frozenset(seen - live), older)


def _makes_anew(commit: Commit) -> bool:
    return commit.operation.startswith(("CREATE", "REPLACE"))


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
    """Mark in the ledger what happened to batches since the last load.

    Returns:
        How many files count as not loaded.
    """
    standing = standing_since(table)
    return ledger.settle(table.name, standing) if standing is not None else 0


def standing_since(table: LakeTable) -> Standing | None:
    """Which batches a table's rows come from; None where nothing happened since the last load."""
    recent = table.history(limit=1)
    limit = 32
    while recent and not any("lakelet.batch" in commit.parameters for commit in recent):
        whole = table.history(limit=limit)
        if len(whole) == len(recent):
            break
        recent, limit = whole, limit * 4
    for commit in recent:
        if "lakelet.batch" in commit.parameters:
            break
        if commit.operation == "RESTORE" or (_makes_anew(commit) and commit.version):
            return standing_batches(table.history())
    return None
