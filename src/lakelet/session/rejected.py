"""Rejected rows as a person goes through them: by reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from lakelet.lake.names import literal

if TYPE_CHECKING:
    from lakelet.session.table import Table
    from lakelet.session.workspace import Workspace

__all__ = ("Group", "alike", "all_rejected", "rejected_groups", "rejected_of")

# What differs from row to row in a reason: numbers, and what is quoted.
_VARIES = r"'[^']*'|\"[^\"]*\"|[0-9]+"
_ORDER = "ORDER BY batch DESC, file, line"


@dataclass(frozen=True)
class Group:
    """Rejected rows of one reason.

    Attributes:
        reason: the reason, with an ellipsis for what differs from row to row.
        rows: how many rows.
        files: in how many raw files.
        last: when the last was rejected.
    """

    reason: str
    rows: int
    files: int
    last: datetime


def alike(reason: str) -> str:
    """A reason without what differs from row to row."""
    return re.sub(_VARIES, "…", reason)


def rejected_groups(
    workspace: Workspace, table: Table, *, until: datetime | None = None
) -> list[Group]:
    """The rejected rows of a table's files by reason, the most frequent first.

    Args:
        workspace: the workspace.
        table: the table.
        until: only those rejected by then.
    """
    companion = _companion(workspace, table)
    if companion is None:
        return []
    before = (
        "true" if until is None else f"rejected_at <= {literal(until.isoformat())}::TIMESTAMPTZ"
    )
    rows = companion.look(
        f"SELECT regexp_replace(reason, {literal(_VARIES)}, '…', 'g') AS reason, "
        "count(*) AS rows, count(DISTINCT file) AS files, max(rejected_at) AS last "
        f"FROM this WHERE {before} GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    return [Group(**row) for row in rows.dicts()]


def rejected_of(
    workspace: Workspace,
    table: Table,
    *,
    file: str = "",
    reason: str = "",
    until: datetime | None = None,
    limit: int,
) -> list[dict[str, Any]]:
    """Rejected rows of a table's files, the newest batch first.

    Args:
        workspace: the workspace.
        table: the table.
        file: only those of a raw file.
        reason: only those of a group.
        until: only those rejected by then.
        limit: how many at most.
    """
    companion = _companion(workspace, table)
    if companion is None:
        return []
    where, params = ["true"], []
    if file:
        where.append("file = ?")
        params.append(file)
    if reason:
        where.append(f"regexp_replace(reason, {literal(_VARIES)}, '…', 'g') = ?")
        params.append(reason)
    if until is not None:
        where.append(_by(until))
    return companion.look(
        "SELECT rejected_at, batch, file, line, reason, expectations, record FROM this "
        f"WHERE {' AND '.join(where)} {_ORDER} LIMIT {limit}",
        params,
    ).dicts()


def all_rejected(workspace: Workspace, table: Table) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """All rejected rows of a table's files that count, with the names of their columns."""
    companion = _companion(workspace, table)
    names = ["rejected_at", "batch", "file", "line", "reason", "expectations", "record"]
    if companion is None:
        return names, iter(())
    found = companion.look(f"SELECT {', '.join(names)} FROM this {_ORDER}")
    return names, chain.from_iterable(found.portions())


def _companion(workspace: Workspace, table: Table) -> Table | None:
    name = table.qualified.rejected
    return workspace.table(name) if workspace.lake.exists(name) else None


def _by(moment: datetime) -> str:
    return f"rejected_at <= {literal(moment.isoformat())}::TIMESTAMPTZ"
