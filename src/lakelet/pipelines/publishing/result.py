"""What an update wants to make of one table: staged files, and the commit that will adopt them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from lakelet.lake import TableName
from lakelet.lake.staging import Staged
from lakelet.lake.types import Column

__all__ = ("Mode", "Result")

Mode = Literal["replace", "append", "files"]


@dataclass(frozen=True, slots=True)
class Result:
    """A dataset's result, staged and not committed.

    Attributes:
        table: the table.
        kind: ``materialized view``, ``streaming table``, ``rejected rows`` or ``changes``.
        mode: whether the staged files take the place of all files, come beside them, or take the
            place of some.
        columns: the table's columns afterwards.
        staged: the files.
        removed: paths, as the log spells them, of files that go in the mode ``files``.
        renew: whether the table is made anew on its log, whatever its columns were.
        transactions: application ids and numbers committed with the rows.
        definition: fingerprint of what made it.
        text: the query or function, for people.
        inputs: what was read, by name.
        partition_by: columns whose values are folders.
        comment: what is said about the table.
        properties: its Delta table properties.
        rows: rows in the staged files.
    """

    table: TableName
    kind: str
    mode: Mode
    columns: tuple[Column, ...]
    staged: tuple[Staged, ...] = ()
    removed: tuple[str, ...] = ()
    renew: bool = False
    transactions: tuple[tuple[str, int], ...] = ()
    definition: str = ""
    text: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    partition_by: tuple[str, ...] = ()
    comment: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    rows: int = 0

    def to_json(self) -> dict[str, Any]:
        """As plain values, for the journal."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "table": str(self.table),
            "columns": [column.delta for column in self.columns],
            "staged": [asdict(one) for one in self.staged],
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Result:
        """From the values of `to_json`, also when they have been text meanwhile."""
        plain = {name: raw[name] for name in _PLAIN}
        for name in ("removed", "partition_by"):
            plain[name] = tuple(plain[name])
        plain["transactions"] = tuple((name, number) for name, number in plain["transactions"])
        return cls(
            table=TableName.parse(raw["table"]),
            columns=tuple(Column.from_delta(field) for field in raw["columns"]),
            staged=tuple(
                Staged(one["folder"], tuple(one["adds"]), one["rows"]) for one in raw["staged"]
            ),
            **plain,
        )

    def __str__(self) -> str:
        return json.dumps(self.to_json())


_PLAIN = (
    "kind", "mode", "removed", "renew", "transactions", "definition", "text", "inputs",
    "partition_by", "comment", "properties", "rows",
)  # fmt: skip
