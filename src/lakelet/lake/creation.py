"""The one commit that makes a table, or makes it anew on the same log, with or without rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from lakelet.errors import SchemaError
from lakelet.lake.delta import delta_errors
from lakelet.lake.staging import Staged, add_actions, forget, stage
from lakelet.lake.table import LakeTable
from lakelet.lake.types import Column
from lakelet.workspace.steps import Step, step

if TYPE_CHECKING:
    from deltalake import DeltaTable, Schema

__all__ = ("NewTable", "commit_new", "standing_in")

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

    def schema(self) -> Schema:
        """Its columns for delta-rs."""
        from deltalake import Schema

        fields = [column.delta for column in self.columns]
        return Schema.from_json(json.dumps({"type": "struct", "fields": fields}))


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
        partition_columns=list(new.partition_by),
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
            partition_by=list(new.partition_by) or None,
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
            partition_by=list(new.partition_by),
            name=new.name,
            description=new.comment,
            configuration=dict(new.properties),
            storage_options=table.storage.options or None,
            commit_properties=CommitProperties(custom_metadata=metadata),
        )
