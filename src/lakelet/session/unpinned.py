"""What is held for a run alone: versions that nothing keeps once the run is put away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakelet.errors import LakeletError
from lakelet.lake import Lake, TableName
from lakelet.lake.health import data_files
from lakelet.lake.pins import files_of_versions, pinned_versions
from lakelet.workspace.store import open_store

if TYPE_CHECKING:
    from lakelet.runs.index.reading import RunRecord
    from lakelet.workspace import WorkspaceFolder

__all__ = ("Unpinned", "archived_runs", "run_state", "unpinned_by")


@dataclass(frozen=True)
class Unpinned:
    """A version of a table that only one run is pinned to.

    Attributes:
        table: the table.
        version: the version.
        bytes: of its files, the size of those that neither the newest version nor one that
            another run is pinned to needs: what a clean-up may remove after the retention.
    """

    table: str
    version: int
    bytes: int


def unpinned_by(lake: Lake, run: RunRecord) -> list[Unpinned]:
    """The versions that would be held for no run any more."""
    found = []
    for name in dict.fromkeys(i.name for i in run.inputs if i.version is not None):
        versions = {i.version for i in run.inputs if i.name == name and i.version is not None}
        try:
            table = lake.table(TableName.parse(name))
            pins = pinned_versions(table)
            alone = sorted(v for v in versions if pins.get(v) == 1)
            if not alone:
                continue
            others = [v for v in pins if v not in alone]
            kept = files_of_versions(table, [*others, table.newest_version()])
            sizes = data_files(table)
            found += [
                Unpinned(
                    name, version,
                    sum(sizes.get(p, 0) for p in files_of_versions(table, [version]) - kept),
                )
                for version in alone
            ]  # fmt: skip
        except LakeletError:  # a table that is gone keeps nothing
            continue
    return found


def run_state(folder: WorkspaceFolder, run_id: str) -> dict[str, Any] | None:
    """What is changed of a run, for the audit: folder, name, tags of a person, whether put away."""
    with open_store(folder) as store:
        row = store.execute(
            "SELECT experiment, name, deleted FROM runs WHERE id = ?", (run_id,)
        ).fetchone()
        tags = store.execute(
            "SELECT key, value FROM run_tags WHERE run_id = ? AND key NOT LIKE 'mlflow.%' "
            "AND key NOT LIKE 'lakelet.%' ORDER BY key",
            (run_id,),
        ).fetchall()
    if row is None:
        return None
    return {
        "folder": row["experiment"], "name": row["name"], "archived": bool(row["deleted"]),
        "tags": {one["key"]: one["value"] for one in tags},
    }  # fmt: skip


def archived_runs(folder: WorkspaceFolder, limit: int = 200) -> list[tuple[str, str, str]]:
    """Runs that were put away, the newest first: id, folder, name."""
    with open_store(folder) as store:
        rows = store.execute(
            "SELECT id, experiment, name FROM runs WHERE tracking = ? AND deleted "
            "ORDER BY started DESC LIMIT ?",
            (folder.settings.runs.tracking, limit),
        ).fetchall()
    return [(row["id"], row["experiment"], row["name"]) for row in rows]
