"""Whether a table moved without a change of its rows: its files were only put together.

OPTIMIZE and its like mark each file they add or remove with ``dataChange`` false (Delta Transaction
Log Protocol, "Add File and Remove File").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lakelet.engines.change_feed import commit_actions
from lakelet.lake import LakeTable

__all__ = ("is_only_tidied",)

_MOST_COMMITS = 256
_SAYS_NOTHING = frozenset({"commitInfo", "txn", "checkpointMetadata", "sidecar"})


def is_only_tidied(table: LakeTable, before: Any, now: Any) -> bool:
    """Whether a table holds the same rows, in the same columns, in two of its states.

    Args:
        table: the table.
        before: its id and version then, as they are published with what read it.
        now: its id and version now.
    """
    if not isinstance(before, dict) or not isinstance(now, dict) or "version" not in now:
        return False
    since, upto = before.get("version"), now["version"]
    if before.get("id") != now.get("id") or since is None:
        return False
    if not 0 <= upto - since <= _MOST_COMMITS:
        return False
    return all(_is_tidying(table, version) for version in range(since + 1, upto + 1))


def _is_tidying(table: LakeTable, version: int) -> bool:
    actions = commit_actions(table, version)
    # One whose log entry is not kept any more may have done anything.
    return bool(actions) and all(_moves_nothing(action) for action in actions)


def _moves_nothing(action: Mapping[str, Any]) -> bool:
    return all(
        name in _SAYS_NOTHING or (name in ("add", "remove") and value.get("dataChange") is False)
        for name, value in action.items()
    )
