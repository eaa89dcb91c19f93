"""Versions of a table that runs are pinned to, and the files they need.

Pins stand in the metadata store, where the layer of runs writes them. A table is known by its
place or by Delta's id, so that one that was renamed keeps its pins.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

from lakelet.errors import LakeletError
from lakelet.lake.delta import delta_errors
from lakelet.lake.table import LakeTable
from lakelet.workspace.store import open_store

__all__ = ("files_of_versions", "pinned_versions")


def pinned_versions(table: LakeTable) -> dict[int, int]:
    """Versions that are there and that runs which were not deleted read, with how many did."""
    with delta_errors(str(table.name)):
        snapshot = table.open()
        newest, table_id = int(snapshot.version()), str(snapshot.metadata().id)
    with open_store(table.workspace) as store:
        rows = store.execute(
            "SELECT i.version, count(DISTINCT i.run_id) AS many FROM run_inputs i "
            "LEFT JOIN runs r ON r.id = i.run_id "
            "WHERE (i.location = ? OR i.table_id = ?) AND i.version <= ? "
            "AND NOT coalesce(r.deleted, 0) GROUP BY i.version ORDER BY i.version",
            (table.location, table_id, newest),
        ).fetchall()
    return {row["version"]: row["many"] for row in rows if _is_there(table, row["version"])}


def _is_there(table: LakeTable, version: int) -> bool:
    try:
        table.open(version)
    except LakeletError:
        return False
    return True


def files_of_versions(table: LakeTable, versions: Iterable[int]) -> set[str]:
    """The data files that some versions need, by their paths in the table's folder."""
    found: set[str] = set()
    for version in versions:
        with delta_errors(str(table.name)):
            paths = table.open(version).get_add_actions().column("path").to_pylist()
        found.update(unquote(path) for path in paths)
    return found
