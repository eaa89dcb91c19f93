"""What differs between two versions of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb

from lakelet.engines.connection import open_connection
from lakelet.engines.duckdb_types import from_duckdb
from lakelet.engines.engine import duckdb_errors
from lakelet.lake.names import quote

if TYPE_CHECKING:
    from lakelet.lake import LakeTable
    from lakelet.session.pairing import Pairing
    from lakelet.session.pinned import PinnedTable
    from lakelet.session.workspace import Workspace

__all__ = ("Diff", "diff_versions")


@dataclass(frozen=True)
class Diff:
    """Rows and columns that differ; a row that only moved to another file does not.

    Attributes:
        names: the columns both versions have, in which rows are compared.
        added_names: the columns of `added_rows`: all that the second version has.
        removed_names: the columns of `removed_rows`: all that the first has.
        columns: changes of the schema, for a person.
        added: rows that only the second version has.
        removed: rows that only the first has.
        typed: the columns of the second version with DuckDB's names of their types.
        as_text: columns compared as text: their types became ones that differ in kind.
    """

    names: list[str]
    added_names: list[str]
    removed_names: list[str]
    columns: list[str]
    added: int
    removed: int
    connection: duckdb.DuckDBPyConnection
    typed: tuple[tuple[str, str], ...] = ()
    as_text: set[str] = field(default_factory=set)

    def paired(self, key: Sequence[str] | str = ()) -> Pairing | None:
        """The same with rows of the same key told as one row that changed.

        Args:
            key: the columns that say which rows are the same; guessed without them.

        Returns:
            None where no key was given, and none can be guessed.

        Raises:
            SchemaError: a column that not both versions have, or a key that several rows have.
        """
        from lakelet.session.pairing import guessed_key, pair_rows

        found = [key] if isinstance(key, str) and key else list(key) or guessed_key(self)
        return pair_rows(self, found) if found else None

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
            "added": _dicts(self.added_names, self.added_rows()),
            "removed": _dicts(self.removed_names, self.removed_rows()),
        }


def _dicts(names: list[str], rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in rows]


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
        as_text = _compared_as_text(*pins)
        for which, here, there, pin in (
            ("added", "new", "old", pins[1]), ("removed", "old", "new", pins[0]),
        ):  # fmt: skip
            select = _only_here(names, pin.columns, here, there, as_text)
            connection.execute(f"CREATE TABLE {which} AS {select}")
        ((added, removed),) = connection.execute(
            "SELECT (SELECT count(*) FROM added), (SELECT count(*) FROM removed)"
        ).fetchall()
    old, new = pins
    return Diff(
        names, new.columns, old.columns, _schema_changes(*pins), added, removed, connection,
        tuple(new.typed), as_text,
    )  # fmt: skip


def _compared_as_text(old: PinnedTable, new: PinnedTable) -> set[str]:
    """Columns whose types changed into one that not all values of the other can be read as."""
    before = dict(old.typed)
    return {
        name
        for name, kind in new.typed
        if name in before and before[name] != kind and _family(before[name]) != _family(kind)
    }


def _family(kind: str) -> str:
    """Types between which DuckDB compares by value have one."""
    word = kind.partition("(")[0]
    if word in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL"):
        return "number"
    return "moment" if word in ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE") else kind


def _only_here(names: list[str], shown: list[str], here: str, there: str, as_text: set[str]) -> str:
    """A SELECT of the rows that one version has more than the other.

    Args:
        names: the columns both have, in which rows are compared.
        shown: the columns of the rows.
        here: the version they are of.
        there: the other one.
        as_text: of the columns compared, those whose values are compared as text.
    """
    columns = ", ".join(map(quote, names)) or "NULL"
    if names == shown and not as_text:
        return f"SELECT {columns} FROM {here} EXCEPT ALL SELECT {columns} FROM {there}"

    def key(name: str) -> str:
        return f"CAST({quote(name)} AS VARCHAR)" if name in as_text else quote(name)

    keys = [(key(name), f'"lakelet key {number}"') for number, name in enumerate(names)]
    made = ", ".join(f"{value} AS {alias}" for value, alias in keys) or "NULL AS key"
    same = " AND ".join(f"h.{alias} IS NOT DISTINCT FROM t.{alias}" for _, alias in keys)
    by = ", ".join(alias for _, alias in keys) or "key"
    # Without a column in common every row is another.
    same = same or "false"
    return (
        f"SELECT {', '.join(f'h.{quote(name)}' for name in shown)} "
        f'FROM (SELECT *, row_number() OVER (PARTITION BY {by}) AS "lakelet place" '
        f"FROM (SELECT *, {made} FROM {here})) h LEFT JOIN (SELECT {made}, "
        f'count(*) AS "lakelet count" FROM {there} '
        f'GROUP BY ALL) t ON {same} WHERE "lakelet place" > coalesce("lakelet count", 0)'
    )


def _schema_changes(old: PinnedTable, new: PinnedTable) -> list[str]:
    before, after = (
        {name: from_duckdb(kind).sql for name, kind in pin.typed} for pin in (old, new)
    )
    found = [f"{name} was added ({kind})" for name, kind in after.items() if name not in before]
    found += [f"{name} was removed" for name in before if name not in after]
    found += [
        f"{name} changed from {before[name]} to {kind}"
        for name, kind in after.items()
        if name in before and before[name] != kind
    ]
    return found
