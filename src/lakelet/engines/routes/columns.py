"""A snapshot's columns: their names in the table, their names and numbers in the files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deltalake import DeltaTable
from deltalake.schema import ArrayType, Field, MapType, StructType

from lakelet.engines.routes.duckdb_types import DeltaType, to_duckdb_type
from lakelet.errors import UnsupportedTableError

__all__ = ("Column", "column_mapping", "read_columns")


@dataclass(frozen=True, slots=True)
class Column:
    """One top-level column.

    Attributes:
        name: the name people see.
        key: how Parquet files are asked for it: a name, or the field id in mapping mode ``id``.
        delta_type: its Delta type.
        sql_type: the DuckDB type of the result.
        partition: whether its values stand in the log instead of the files.
        renamed_inside: whether fields nested in it carry other names in the files.
    """

    name: str
    key: str | int
    delta_type: DeltaType
    sql_type: str
    partition: bool
    renamed_inside: bool = False


def column_mapping(table: DeltaTable) -> str:
    """The column mapping mode in force: ``none``, ``name`` or ``id``.

    The mode is a table property that counts only where the protocol allows it: reader version 2,
    or 3 with the feature (Delta Transaction Log Protocol, "Column Mapping").
    """
    protocol = table.protocol()
    mode = table.metadata().configuration.get("delta.columnMapping.mode", "none")
    allowed = protocol.min_reader_version == 2 or (
        "columnMapping" in (protocol.reader_features or ())
    )
    return mode if allowed else "none"


def read_columns(table: DeltaTable) -> tuple[Column, ...]:
    """The columns of a snapshot in the table's order.

    Raises:
        UnsupportedTableError: a column's type has no equal in DuckDB, or the mapping mode is
            unknown.
    """
    mode = column_mapping(table)
    if mode not in ("none", "name", "id"):
        raise UnsupportedTableError(
            f"{table.table_uri} maps its columns by {mode!r}, a mode this stack does not know.",
            hint="copy the table with the engine that wrote it.",
        )
    partitions = set(table.metadata().partition_columns)
    return tuple(_column(field, mode, field.name in partitions) for field in table.schema().fields)


def _column(field: Field, mode: str, partition: bool) -> Column:
    physical = field.metadata.get("delta.columnMapping.physicalName", field.name)
    key: str | int = field.name if mode == "none" else physical
    if mode == "id" and not partition:
        key = int(field.metadata["delta.columnMapping.id"])
    renamed = mode != "none" and any(_nested(field.type))
    sql_type = to_duckdb_type(field.type)
    return Column(field.name, key, field.type, sql_type, partition, renamed)


def _nested(delta_type: DeltaType) -> Iterator[Field]:
    if isinstance(delta_type, StructType):
        for field in delta_type.fields:
            yield field
            yield from _nested(field.type)
    elif isinstance(delta_type, ArrayType):
        yield from _nested(delta_type.element_type)
    elif isinstance(delta_type, MapType):
        yield from _nested(delta_type.key_type)
        yield from _nested(delta_type.value_type)
