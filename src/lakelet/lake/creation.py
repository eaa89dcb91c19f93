"""The one commit that makes a table, or makes it anew on the same log, with or without rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from lakelet.errors import SchemaError, nearest
from lakelet.lake.delta import delta_errors
from lakelet.lake.staging import Staged, add_actions, forget, stage
from lakelet.lake.table import LakeTable
from lakelet.lake.types import Column, Decimal, Primitive
from lakelet.workspace.steps import Step, step

if TYPE_CHECKING:
    from deltalake import DeltaTable, Schema

__all__ = ("NewTable", "commit_new", "partition_names", "standing_in")

_CONSTRAINT = "delta.constraints."


@dataclass(frozen=True, slots=True)
class NewTable:
    """What a table is to be.

    Attributes:
        name: its name.
        columns: its columns.
        partition_by: names of columns whose values become folders.
        comment: what it is for.
        properties: its Delta table properties, constraints among them.
    """

    name: str
    columns: tuple[Column, ...]
    partition_by: tuple[str, ...]
    comment: str | None
    properties: Mapping[str, str]

    @property
    def partitions(self) -> list[str]:
        """What it is partitioned by, as its columns are spelled.

        Raises:
            SchemaError: something that cannot partition it.
        """
        return partition_names(self.partition_by, self.columns, self.name)

    def schema(self) -> Schema:
        """Its columns for delta-rs."""
        from deltalake import Schema

        fields = [column.delta for column in self.columns]
        return Schema.from_json(json.dumps({"type": "struct", "fields": fields}))


def partition_names(names: Sequence[str], columns: Sequence[Column], table: str) -> list[str]:
    """Names of columns that are to partition a table, as the columns are spelled.

    Raises:
        SchemaError: one is no column or has a nested type or comes twice, or no column is left.
    """
    known = {column.name.lower(): column for column in columns}
    found: list[str] = []
    for name in names:
        column = known.get(name.lower())
        if column is None or not isinstance(column.type, Primitive | Decimal):
            close = None if column is not None else nearest(name, known)
            raise SchemaError(
                f"{table}: {name} cannot partition the table; nothing was changed.",
                hint=f"did you mean {known[close].name}?"
                if close
                else "name one of its columns that has a plain type.",
            )
        if column.name in found:
            raise SchemaError(f"{table}: it is partitioned by {name} twice; nothing was changed.")
        found.append(column.name)
    if found and len(found) == len(columns):
        raise SchemaError(
            f"{table}: a column must be left beside the partition's; nothing was changed."
        )
    return found


def commit_new(
    named: Step,
    table: LakeTable,
    new: NewTable,
    rows: Any = None,
    *,
    over: bool = False,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Make a table in one commit; called under its lock.

    Rows are staged first: a process killed before the commit leaves files that no log names.

    Args:
        named: the commit's step.
        table: where.
        new: what.
        rows: an Arrow stream of its first rows, or None.
        over: whether a log is there, on which a replacement is committed.
        metadata: what the commit of an empty table says about itself.

    Raises:
        SchemaError: rows together with properties that only an empty table can be made with.
    """
    if rows is None:
        _commit_empty(named, table, new, over=over, metadata=metadata)
        return
    if own := [name for name in new.properties if not name.startswith("delta.")]:
        raise SchemaError(
            f"{new.name}: the property {own[0]} cannot be set in the commit that brings the rows; "
            "no table was made.",
            hint=f"ALTER TABLE {new.name} SET TBLPROPERTIES sets it afterwards.",
        )
    staged = stage(standing_in(new), table.location, table.storage, rows, label="create-")
    _commit_rows(named, table, new, staged, over=over)
    forget(table.location, table.storage, [staged])


def standing_in(new: NewTable) -> DeltaTable:
    """What staging asks of a table, for one that is not there yet."""
    metadata = SimpleNamespace(
        name=new.name,
        configuration={n: v for n, v in new.properties.items() if n.startswith(_CONSTRAINT)},
        partition_columns=new.partitions,
    )
    standing = SimpleNamespace(schema=new.schema, metadata=lambda: metadata)
    return cast("DeltaTable", standing)


def _commit_empty(
    named: Step,
    table: LakeTable,
    new: NewTable,
    *,
    over: bool,
    metadata: Mapping[str, str] | None,
) -> None:
    from deltalake import CommitProperties, DeltaTable

    said = CommitProperties(custom_metadata=dict(metadata)) if metadata else None
    with delta_errors(new.name), step(named):
        DeltaTable.create(
            table.location,
            new.schema(),
            mode="overwrite" if over else "error",
            partition_by=new.partitions or None,
            name=new.name,
            description=new.comment,
            configuration=dict(new.properties),
            storage_options=table.storage.options or None,
            commit_properties=said,
            raise_if_key_not_exists=False,
        )


def _commit_rows(
    named: Step, table: LakeTable, new: NewTable, staged: Staged, *, over: bool
) -> None:
    from deltalake import CommitProperties
    from deltalake.transaction import create_table_with_add_actions

    metadata = {"lakelet.rows": str(staged.rows)}
    with delta_errors(new.name), step(named):
        create_table_with_add_actions(
            table.location,
            new.schema(),
            add_actions([staged]),
            "overwrite" if over else "error",
            partition_by=new.partitions,
            name=new.name,
            description=new.comment,
            configuration=dict(new.properties),
            storage_options=table.storage.options or None,
            commit_properties=CommitProperties(custom_metadata=metadata),
        )
