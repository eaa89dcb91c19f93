"""A snapshot's columns: their names in the table, their names and numbers in the files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deltalake import DeltaTable
from deltalake.schema import ArrayType, Field, MapType, StructType

from lakelet.engines.routes.duckdb_types import DeltaType, to_duckdb_type
from lakelet.engines.routes.renaming import physical_name, physical_type
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
        stored_type: the Delta type with the names that nested fields have in the files.
        inner_ids: physical name and field id of each nested field, in mapping mode ``id``.
    """

    name: str
    key: str | int
    delta_type: DeltaType
    sql_type: str
    partition: bool
    stored_type: DeltaType
    inner_ids: tuple[tuple[str, int], ...] = ()

    @property
    def renamed_inside(self) -> bool:
        """Whether fields nested in it carry other names in the files."""
        return self.stored_type is not self.delta_type


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
    columns = []
    for field in table.schema().fields:
        try:
            columns.append(_column(field, mode, field.name in partitions))
        except UnsupportedTableError as error:
            raise UnsupportedTableError(
                f"{table.table_uri}, column {field.name!r}: {error.message}", hint=error.hint
            ) from error
    return tuple(columns)


def _column(field: Field, mode: str, partition: bool) -> Column:
    sql_type = to_duckdb_type(field.type)
    if mode == "none":
        return Column(field.name, field.name, field.type, sql_type, partition, field.type)
    inner = tuple(_nested(field.type))
    stored = physical_type(field.type) if inner else field.type
    if mode == "name" or partition:
        return Column(field.name, physical_name(field), field.type, sql_type, partition, stored)
    ids = tuple((physical_name(one), _field_id(one)) for one in inner)
    return Column(field.name, _field_id(field), field.type, sql_type, partition, stored, ids)


def _field_id(field: Field) -> int:
    return int(field.metadata["delta.columnMapping.id"])


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
