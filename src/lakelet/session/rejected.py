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

__all__ = ("Group", "RejectedRows", "alike")

# What differs from row to row in a reason: numbers, and what is quoted.
_VARIES = r"'[^']*'|\"[^\"]*\"|[0-9]+"
_ORDER = "ORDER BY batch DESC, file, line"
_COLUMNS = ("rejected_at", "batch", "file", "line", "reason", "expectations", "record")


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


class RejectedRows:
    """The rejected rows of a table's files, all looked at in one state."""

    def __init__(self, workspace: Workspace, table: Table) -> None:
        """Look at a table's.

        Args:
            workspace: the workspace.
            table: the table.
        """
        name = table.qualified.rejected
        self._look = workspace.table(name).held() if workspace.lake.exists(name) else None

    def groups(self, until: datetime | None = None) -> list[Group]:
        """Those rejected by a moment, or all, by reason, the most frequent first."""
        if self._look is None:
            return []
        rows = self._look(
            f"SELECT regexp_replace(reason, {literal(_VARIES)}, '…', 'g') AS reason, "
            "count(*) AS rows, count(DISTINCT file) AS files, max(rejected_at) AS last "
            f"FROM this WHERE {_by(until)} GROUP BY 1 ORDER BY 2 DESC, 1"
        )
        return [Group(**row) for row in rows.dicts()]

    def some(
        self, *, file: str = "", reason: str = "", until: datetime | None = None, limit: int
    ) -> list[dict[str, Any]]:
        """Some of them, the newest batch first.

        Args:
            file: only those of a raw file.
            reason: only those of a group.
            until: only those rejected by then.
            limit: how many at most.
        """
        if self._look is None:
            return []
        where, params = [_by(until)], []
        if file:
            where.append("file = ?")
            params.append(file)
        if reason:
            where.append(f"regexp_replace(reason, {literal(_VARIES)}, '…', 'g') = ?")
            params.append(reason)
        return self._look(
            f"SELECT {', '.join(_COLUMNS)} FROM this "
            f"WHERE {' AND '.join(where)} {_ORDER} LIMIT {limit}",
            params,
        ).dicts()

    def every(self) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """All of them, with the names of their columns."""
        if self._look is None:
            return list(_COLUMNS), iter(())
        found = self._look(f"SELECT {', '.join(_COLUMNS)} FROM this {_ORDER}")
        return list(_COLUMNS), chain.from_iterable(found.portions())


def _by(moment: datetime | None) -> str:
    if moment is None:
        return "true"
    return f"rejected_at <= {literal(moment.isoformat())}::TIMESTAMPTZ"
