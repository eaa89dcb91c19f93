"""What differs between two versions of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from lakelet.engines.connection import open_connection
from lakelet.engines.engine import duckdb_errors
from lakelet.lake.names import quote

if TYPE_CHECKING:
    from lakelet.lake import LakeTable
    from lakelet.session.pinned import PinnedTable
    from lakelet.session.workspace import Workspace

__all__ = ("Diff", "diff_versions")


@dataclass(frozen=True)
class Diff:
    """Rows and columns that differ; a row that only moved to another file does not.

    Attributes:
        names: the columns both versions have, in which rows are compared.
        columns: changes of the schema, for a person.
        added: rows that only the second version has.
        removed: rows that only the first has.
    """

    names: list[str]
    columns: list[str]
    added: int
    removed: int
    connection: duckdb.DuckDBPyConnection

    def added_rows(self, *, limit: int | None = None) -> list[tuple[Any, ...]]:
        """Rows that only the second version has."""
        return self._rows("added", limit)

    def removed_rows(self, *, limit: int | None = None) -> list[tuple[Any, ...]]:
        """Rows that only the first version has."""
        return self._rows("removed", limit)

    def _rows(self, which: str, limit: int | None) -> list[tuple[Any, ...]]:
        end = "" if limit is None else f" LIMIT {limit}"
        return self.connection.execute(f"SELECT * FROM {which}{end}").fetchall()

    def as_dict(self) -> dict[str, Any]:
        """The whole difference, for programs."""
        return {
            "columns": self.columns,
            "added": [dict(zip(self.names, row, strict=True)) for row in self.added_rows()],
            "removed": [dict(zip(self.names, row, strict=True)) for row in self.removed_rows()],
        }


def diff_versions(workspace: Workspace, table: LakeTable, first: int, second: int) -> Diff:
    """Compare two versions row by row, equal rows cancelling out one for one.

    Raises:
        VersionNotFoundError: one of them is not there.
    """
    from lakelet.session.pinning import pin_table

    connection = open_connection(workspace.folder)
    pins = [pin_table(workspace, table, version) for version in (first, second)]
    with duckdb_errors():
        for pin, name in zip(pins, ("old", "new"), strict=True):
            pin.attach(connection, name)
        names = [name for name in pins[1].columns if name in set(pins[0].columns)]
        columns = ", ".join(map(quote, names)) or "1"
        for which, here, there in (("added", "new", "old"), ("removed", "old", "new")):
            connection.execute(
                f"CREATE TABLE {which} AS SELECT {columns} FROM {here} "
                f"EXCEPT ALL SELECT {columns} FROM {there}"
            )
        ((added, removed),) = connection.execute(
            "SELECT (SELECT count(*) FROM added), (SELECT count(*) FROM removed)"
        ).fetchall()
    return Diff(names, _schema_changes(*pins), added, removed, connection)


def _schema_changes(old: PinnedTable, new: PinnedTable) -> list[str]:
    before, after = dict(old.route.columns), dict(new.route.columns)
    found = [f"{name} was added ({kind})" for name, kind in after.items() if name not in before]
    found += [f"{name} was removed" for name in before if name not in after]
    found += [
        f"{name} changed from {before[name]} to {kind}"
        for name, kind in after.items()
        if name in before and before[name] != kind
    ]
    return found
