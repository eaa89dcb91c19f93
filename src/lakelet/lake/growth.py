"""New fields inside a STRUCT column: a commit that changes the schema and touches no file.

Delta allows a writer to add nullable fields at any depth; files written before lack them, and
readers give NULL (Delta Transaction Log Protocol, "Schema Serialization Format" and "Change
Metadata"). delta-rs has no call for it, but an append of no rows with schema evolution makes
exactly that commit, with its own checks of the protocol.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lakelet.lake.delta import delta_errors, retry_conflicts
from lakelet.lake.table import LakeTable
from lakelet.lake.types import Array, Column, DataType, Map, Struct
from lakelet.workspace.steps import declare, step

__all__ = ("grow_columns",)

_GROW = declare("table.grow", "STRUCT columns have new fields, NULL in all rows so far")


def grow_columns(table: LakeTable, grown: Mapping[str, DataType]) -> None:
    """Give STRUCT columns, or those nested in them, further fields.

    Args:
        table: the table.
        grown: by column name, its type with the new fields; what else differs is left as it is.

    Raises:
        ConflictError: writers on other machines were first for a whole minute.
    """
    from arro3.core import RecordBatchReader
    from deltalake import CommitProperties, Schema, write_deltalake

    said = {
        "lakelet.operation": "ADD FIELDS",
        "lakelet.change": ", ".join(f"{name} {kind.sql}" for name, kind in grown.items()),
    }

    def commit() -> None:
        opened = table.open()
        fields = json.loads(opened.schema().to_json())["fields"]
        changed = [
            _grown(field, grown[field["name"]]) for field in fields if field["name"] in grown
        ]
        schema = Schema.from_json(json.dumps({"type": "struct", "fields": changed})).to_arrow()
        with delta_errors(str(table.name)), step(_GROW):
            write_deltalake(
                opened,
                RecordBatchReader.from_batches(schema, []),
                mode="append",
                schema_mode="merge",
                commit_properties=CommitProperties(custom_metadata=said),
            )

    with table.lock():
        retry_conflicts(commit)


def _grown(field: dict[str, Any], kind: DataType) -> dict[str, Any]:
    return {**field, "type": _grown_type(field["type"], kind)}


def _grown_type(raw: Any, kind: DataType) -> Any:
    """A type of a Delta schema's JSON, comments and all, with the new fields of ``kind``."""
    if not isinstance(raw, dict):
        return raw
    if isinstance(kind, Array) and raw["type"] == "array":
        return {**raw, "elementType": _grown_type(raw["elementType"], kind.element)}
    if isinstance(kind, Map) and raw["type"] == "map":
        return {**raw, "valueType": _grown_type(raw["valueType"], kind.value)}
    if isinstance(kind, Struct) and raw["type"] == "struct":
        wanted = {name.lower(): inner for name, inner in kind.fields}
        there = {field["name"].lower() for field in raw["fields"]}
        old = [
            _grown(f, wanted[f["name"].lower()]) if f["name"].lower() in wanted else f
            for f in raw["fields"]
        ]
        new = [Column(name, inner).delta for name, inner in kind.fields]
        return {**raw, "fields": old + [f for f in new if f["name"].lower() not in there]}
    return raw
