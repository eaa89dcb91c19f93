"""How the expectations of a pipeline's dataset fared, update by update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lakelet.lake import TableName
from lakelet.lake.names import literal

if TYPE_CHECKING:
    from lakelet.session.workspace import Workspace

__all__ = ("expectation_counts",)

_TABLE = TableName("system", "expectations")


def expectation_counts(
    workspace: Workspace, name: TableName, *, updates: int = 20
) -> list[dict[str, Any]]:
    """Counts of a dataset's expectations in its last updates, the newest first.

    Returns:
        ``update_id``, ``time``, ``expectation``, ``condition``, ``action``, ``kept`` and
        ``broken`` of each.
    """
    if not workspace.lake.exists(_TABLE):
        return []
    text = (
        "SELECT update_id, time, expectation, condition, action, kept, broken FROM this "
        f"WHERE dataset = {literal(str(name))} AND update_id IN (SELECT DISTINCT update_id "
        f"FROM this WHERE dataset = {literal(str(name))} ORDER BY 1 DESC LIMIT {updates}) "
        "ORDER BY update_id DESC, expectation"
    )
    return workspace.table(_TABLE).look(text).dicts()
