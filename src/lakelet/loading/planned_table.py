"""A table as a load, or an update of a pipeline, is about to make it: columns without commits.

Rows that break a constraint must leave no column behind, so that they are staged, and checked,
before the table gets its columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lakelet.lake import LakeTable
from lakelet.lake.creation import NewTable, standing_in
from lakelet.lake.types import Column, DataType

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = ("PlannedTable",)


@dataclass(frozen=True)
class PlannedTable(LakeTable):
    """A table whose columns change in memory only.

    Attributes:
        planned: its columns so far.
        added: columns it is to get.
        grown: new types of STRUCT columns.
        partition_by: columns whose values are folders.
        properties: its properties; the constraints among them are checked.
    """

    planned: list[Column] = field(default_factory=list)
    added: list[Column] = field(default_factory=list)
    grown: dict[str, DataType] = field(default_factory=dict)
    partition_by: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, table: LakeTable) -> PlannedTable:
        """The table as it is, to be planned from."""
        metadata = table.open().metadata()
        return cls(
            table.workspace, table.name, table.location, list(table.columns()),
            partition_by=tuple(metadata.partition_columns), properties=metadata.configuration,
        )  # fmt: skip

    def open(self, version: int | None = None) -> DeltaTable:
        """What staging asks of a table."""
        new = NewTable(
            str(self.name), tuple(self.planned), self.partition_by, None, self.properties
        )
        return standing_in(new)

    def columns(self) -> tuple[Column, ...]:
        """Its columns as they will be."""
        return tuple(self.planned)

    def add_columns(self, columns: list[Column]) -> None:
        """Plan columns at the end."""
        self.planned.extend(columns)
        self.added.extend(columns)

    def grow_columns(self, grown: Mapping[str, DataType]) -> None:
        """Plan further fields of STRUCT columns."""
        self.planned[:] = [
            replace(c, type=grown[c.name]) if c.name in grown else c for c in self.planned
        ]
        self.grown.update(grown)

    def make_real(self, table: LakeTable) -> None:
        """Give the table what was planned."""
        if self.added:
            table.add_columns(self.added)
        if self.grown:
            table.grow_columns(self.grown)
