"""Looking at the account of loads, which may speak of thousands of tables.

Whether an entry counts is known by the log of the table it speaks of. So it is first asked which
tables the wanted entries speak of, and only the logs of these are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lakelet.lake import TableName

if TYPE_CHECKING:
    from lakelet.session.workspace import Workspace

__all__ = ("look_at_loads",)

_LEDGER = TableName("system", "loaded_files")


def look_at_loads(
    workspace: Workspace, text: str, params: Sequence[object], *, where: str
) -> list[dict[str, Any]]:
    """Rows of a query over entries of the account of loads, by column name.

    Args:
        workspace: the workspace.
        text: the query in DuckDB's dialect; ``this`` are the entries, of which it wants some.
        params: values for its ``?`` markers, which are those of ``where``.
        where: which entries it wants at most, as SQL.
    """
    if not workspace.lake.exists(_LEDGER):
        return []
    ledger = workspace.table(_LEDGER)
    spoken_of = ledger.look(f"SELECT DISTINCT table_name FROM this WHERE {where}", params, of=[])
    names = [TableName(*name.split(".", 1)) for (name,) in spoken_of.rows()]
    return ledger.look(text, params, of=names).dicts() if names else []
