"""A table's lineage: what it comes from and what comes from it, in tables and in columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from lakelet.pipelines.edges import Edge, read_edges
from lakelet.pipelines.lineage import follow
from lakelet.session.moments import parse_moment
from lakelet.web.answer import At, Open
from lakelet.web.rooms.layout import MOST_DRAWN, Drawing, draw
from lakelet.web.rooms.table_head import Head, TableHead

__all__ = ("lineage",)

_SHOWN = 200


@dataclass(frozen=True)
class ColumnLineage:
    """A column that is made from columns, or that columns are made from.

    Attributes:
        name: the column.
        sources: table, or ``files: PATH``, and column of each it is made from.
        targets: table and column of each that is made from it.
    """

    name: str
    sources: list[tuple[str, str]]
    targets: list[tuple[str, str]]


@dataclass(frozen=True)
class LineagePage:
    """What a table comes from and what comes from it.

    Attributes:
        head: the table.
        upstream: edges towards it, with depths.
        downstream: edges from it, with depths.
        drawing: the tables and files around it; None where they are too many, or none.
        columns: its columns of which as much is known, in their order.
        more: how many of these are not shown.
    """

    head: Head
    upstream: list[dict[str, Any]]
    downstream: list[dict[str, Any]]
    drawing: Drawing | None
    columns: list[ColumnLineage]
    more: int


def lineage(head: TableHead, workspace: Open, at: At = None) -> LineagePage:
    """What a table comes from, and what comes from it."""
    moment = None if at is None else parse_moment(at, workspace.time_zone)
    edges = read_edges(workspace.lake, moment)

    def led(direction: Literal["upstream", "downstream"]) -> list[dict[str, Any]]:
        found = follow(edges, head.name, direction)
        return [{"depth": depth, **asdict(edge)} for depth, edge in found]

    up, down = led("upstream"), led("downstream")
    columns = _columns(head, edges)
    return LineagePage(
        head, up, down, _around(head.name, [*up, *down]), columns[:_SHOWN],
        max(0, len(columns) - _SHOWN),
    )  # fmt: skip


def _columns(head: Head, edges: Iterable[Edge]) -> list[ColumnLineage]:
    """The table's columns that edges lead to or from."""
    known = {
        column["name"].lower(): ColumnLineage(column["name"], [], []) for column in head.columns
    }
    for edge in edges:
        if edge.target_column is None or edge.source_column is None:
            continue
        if edge.target == head.name and (made := known.get(edge.target_column.lower())):
            made.sources.append((edge.source, edge.source_column))
        if edge.source == head.name and (used := known.get(edge.source_column.lower())):
            used.targets.append((edge.target, edge.target_column))
    return [one for one in known.values() if one.sources or one.targets]


def _around(name: str, edges: Sequence[dict[str, Any]]) -> Drawing | None:
    """The picture of what leads to a table and on from it."""
    reads: dict[str, set[str]] = {name: set()}
    for edge in edges:
        reads.setdefault(edge["source"], set())
        reads.setdefault(edge["target"], set()).add(edge["source"])
    if not 1 < len(reads) <= MOST_DRAWN:
        return None
    order: list[str] = []
    left = dict.fromkeys(reads)
    while left:
        # What reads itself, or stands in a circle, comes last in no order of its own.
        free = [one for one in left if not reads[one] & (left.keys() - {one})] or list(left)
        order += free
        for one in free:
            del left[one]
    return draw({one: sorted(reads[one] - {one}) for one in order})
