"""Tables of SQL that are no Delta tables: views over the metadata store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lakelet.engines.duckdb_types import from_duckdb
from lakelet.session.audit import AuditTable
from lakelet.session.queries import QueriesTable
from lakelet.session.run_tables import RUN_TABLES, RunsTable

if TYPE_CHECKING:
    from lakelet.session.conversations import ConversationsTable
    from lakelet.session.workspace import Workspace
    from lakelet.workspace import WorkspaceFolder

__all__ = ("describe_view", "view_named")


def view_named(
    folder: WorkspaceFolder, parts: tuple[str, ...]
) -> QueriesTable | AuditTable | ConversationsTable | RunsTable | None:
    """The view of that name, ``("system", "queries")`` for example; None where it is none."""
    if len(parts) != 2 or parts[0] != "system":
        return None
    if parts[1] == "queries":
        return QueriesTable(folder)
    if parts[1] == "audit":
        return AuditTable(folder)
    if parts[1] == "conversations":
        from lakelet.session.conversations import ConversationsTable

        return ConversationsTable(folder)
    return RunsTable(folder, parts[1]) if parts[1] in RUN_TABLES else None


def describe_view(workspace: Workspace, name: str) -> dict[str, Any] | None:
    """What is to be known of a view; None where no view has the name."""
    parts = tuple(name.lower().split("."))
    view = view_named(workspace.folder, parts)
    if view is None:
        return None
    return {
        "name": ".".join(parts),
        "comment": "a view over the metadata store",
        "columns": [
            {"name": column, "type": from_duckdb(kind).sql, "nullable": True, "comment": None}
            for column, kind in view.typed
        ],
    }
