"""The edges of lineage, kept in `system.lineage`: what updates find, and what statements make.

An update writes all edges of a dataset whose definition is new; those of the last one count. A
statement adds edges to its table; one that makes the table anew puts a row without a source before
them, behind which nothing older counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from lakelet.errors import VersionNotFoundError
from lakelet.lake import Lake, TableName
from lakelet.lake.delta import delta_errors
from lakelet.lake.opening import open_delta
from lakelet.lake.small_engine import small_engine
from lakelet.pipelines.events import LINEAGE, append_lineage

__all__ = ("Edge", "EdgesKept", "read_edges")

_COUNTING = (
    "SELECT DISTINCT target, target_column, source, source_column FROM (SELECT *, "
    "max(update_id) OVER (PARTITION BY target) AS newest, "
    "max(CASE WHEN source IS NULL OR pipeline IS NOT NULL THEN time END) "
    "OVER (PARTITION BY target) AS since FROM rows) "
    "WHERE source IS NOT NULL AND time >= coalesce(since, time) "
    "AND (pipeline IS NULL OR update_id = newest) ORDER BY ALL"
)


@dataclass(frozen=True, slots=True)
class Edge:
    """A table, or one of its columns, that comes from another.

    Attributes:
        target: the table that was made.
        target_column: its column; None where the whole table is meant.
        source: a table, or ``files: PATH``.
        source_column: its column, or None.
    """

    target: str
    target_column: str | None
    source: str
    source_column: str | None


def read_edges(lake: Lake, at: datetime | None = None) -> list[Edge]:
    """The edges that count, or that did at a moment."""
    if not lake.exists(LINEAGE):
        return []
    table = lake.table(LINEAGE)
    try:
        version = None if at is None else table.version_at(at)
    except VersionNotFoundError:  # nothing was known yet
        return []
    with delta_errors(str(LINEAGE)):
        options = table.storage.options
        stream = open_delta(table.location, version=version, options=options).scan()
    with small_engine() as engine:
        engine.register("rows", stream)
        return [Edge(*row) for row in engine.execute(_COUNTING).fetchall()]


@dataclass
class EdgesKept:
    """The edges that statements of one session make, written only where they are not known yet.

    What was read of the lake is kept until the lake's lineage has another version.
    """

    _version: int = -1
    _edges: frozenset[Edge] = field(default=frozenset())

    def note(self, lake: Lake, target: TableName, sources: Iterable[str], *, anew: bool) -> None:
        """Note what a statement made a table from.

        Args:
            lake: the lake.
            target: the table.
            sources: tables, and files as ``files: PATH``.
            anew: whether the table holds nothing that came from elsewhere before.

        Raises:
            LakeletError: it could not be written.
        """
        found = [Edge(str(target), None, source, None) for source in dict.fromkeys(sources)]
        known = {edge for edge in self._known(lake) if edge.target == str(target)}
        if anew and known.difference(found):
            append_lineage(lake, [_forgotten(target), *map(_row, found)])
        else:
            self._add(lake, [edge for edge in found if edge not in known])

    def renamed(self, lake: Lake, old: TableName, new: TableName) -> None:
        """Note for a table's new name what is known of the old one."""
        moved = []
        for edge in self._known(lake):
            target = str(new) if edge.target == str(old) else edge.target
            source = str(new) if edge.source == str(old) else edge.source
            if (target, source) != (edge.target, edge.source):
                moved.append(replace(edge, target=target, source=source))
        self._add(lake, moved)

    def _add(self, lake: Lake, edges: Collection[Edge]) -> None:
        if edges:
            append_lineage(lake, list(map(_row, edges)))

    def _known(self, lake: Lake) -> frozenset[Edge]:
        if not lake.exists(LINEAGE):
            return frozenset()
        version = lake.table(LINEAGE).newest_version()
        if version != self._version:
            self._version, self._edges = version, frozenset(read_edges(lake))
        return self._edges


def _row(edge: Edge) -> tuple[Any, ...]:
    target = (edge.target, edge.target_column, edge.source, edge.source_column)
    return (None, datetime.now(UTC), None, *target)


def _forgotten(target: TableName) -> tuple[Any, ...]:
    return (None, datetime.now(UTC), None, str(target), None, None, None)
