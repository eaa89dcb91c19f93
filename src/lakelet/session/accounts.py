"""The account of loads: which files went into a table, and which rows were none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lakelet.engines.connection import open_connection
from lakelet.lake import LakeTable, TableName
from lakelet.lake.names import literal
from lakelet.lake.publications import Publications
from lakelet.loading.restored import standing_since
from lakelet.session.pinning import pin_table
from lakelet.session.result import Result

if TYPE_CHECKING:
    from lakelet.session.workspace import Workspace

__all__ = ("loaded_files", "rejected_rows")


def loaded_files(workspace: Workspace, table: LakeTable) -> list[dict[str, Any]]:
    """The ledger's entries for a table, the newest first, with the version each made.

    Of files that came again in the place of their earlier rows, and of batches that were taken
    back, the earlier entries keep no rows.
    """
    ledger = TableName("system", "loaded_files")
    if not workspace.lake.exists(ledger):
        return []
    rows = _read(
        workspace,
        ledger,
        "SELECT file, size, modified, batch, kept, rescued, rejected, state, reason, "
        f"loaded_at, flow FROM account WHERE table_name = {literal(str(table.name))} "
        "ORDER BY batch DESC, file",
        of=[table.name],
    )
    versions = {
        int(commit.parameters["lakelet.batch"]): commit.version
        for commit in table.history()
        if "lakelet.batch" in commit.parameters
    }
    versions |= _published_batches(workspace, table, {row["batch"] for row in rows} - set(versions))
    standing = standing_since(table)
    by: dict[tuple[str, str | None], int] = {}
    found = []
    for row in rows:
        state, file = row["state"], (row["file"], row.pop("flow"))
        if standing is not None:
            aside = row["reason"] is not None
            state = standing.state(state, row["batch"], quarantined=aside)
        newer = by.get(file)
        if state == "loaded":
            by.setdefault(file, row["batch"])
        if state in ("undone", "retry undone"):
            row |= {"kept": 0, "rescued": 0, "rejected": 0}
        elif state in ("loaded", "retried") and newer is not None:
            state = "replaced"
            row |= {"kept": 0, "rescued": 0, "rejected": 0}
        replaced = newer if state == "replaced" else None
        version = versions.get(row["batch"])
        found.append({**row, "state": state, "replaced_by": replaced, "version": version})
    return found


def _published_batches(workspace: Workspace, table: LakeTable, batches: set[int]) -> dict[int, int]:
    """The versions in which batches of a pipeline's table were published.

    One commit of an update may hold the batches of several flows, so the commit names none of them;
    its publication says how far each flow was.
    """
    found: dict[int, int] = {}
    if not batches:
        return found
    for published in Publications(workspace.lake).each(table.name):
        states = [state for state in published.inputs.values() if isinstance(state, dict)]
        reached = max((int(state.get("batch") or 0) for state in states), default=0)
        for batch in sorted(batches - set(found)):
            if batch <= reached:
                found[batch] = published.version
    return found


def rejected_rows(
    workspace: Workspace, table: LakeTable, *, limit: int | None = None
) -> list[dict[str, Any]]:
    """The rows of a table's files that were not records, the newest batch first."""
    companion = table.name.rejected
    if not workspace.lake.exists(companion):
        return []
    end = "" if limit is None else f" LIMIT {limit}"
    return _read(
        workspace,
        companion,
        "SELECT rejected_at, batch, file, line, reason, expectations, record "
        f"FROM account ORDER BY batch DESC, file, line{end}",
    )


def _read(
    workspace: Workspace, name: TableName, query: str, *, of: list[TableName] | None = None
) -> list[dict[str, Any]]:
    connection = open_connection(workspace.folder)
    pin_table(workspace, workspace.lake.table(name), of=of).attach(connection, "account")
    return Result(connection.sql(query)).dicts()
