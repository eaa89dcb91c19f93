"""A table as an update is about to make it, for the loader: columns without commits."""

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
    """A table whose columns change in memory only, until the update commits them.

    Attributes:
        planned: its columns so far.
        partition_by: columns whose values are folders.
    """

    planned: list[Column] = field(default_factory=list)
    partition_by: tuple[str, ...] = ()

    def open(self, version: int | None = None) -> DeltaTable:
        """What staging asks of a table."""
        new = NewTable(str(self.name), tuple(self.planned), self.partition_by, None, {})
        return standing_in(new)

    def columns(self) -> tuple[Column, ...]:
        """Its columns as they will be."""
        return tuple(self.planned)

    def add_columns(self, columns: list[Column]) -> None:
        """Add columns at the end."""
        self.planned.extend(columns)

    def grow_columns(self, grown: Mapping[str, DataType]) -> None:
        """Give STRUCT columns further fields."""
        self.planned[:] = [
            replace(c, type=grown[c.name]) if c.name in grown else c for c in self.planned
        ]
