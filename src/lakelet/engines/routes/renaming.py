"""Nested fields under column mapping: read by their physical names, shown by their own."""

from __future__ import annotations

from deltalake.schema import ArrayType, Field, MapType, StructType

from lakelet.engines.routes.duckdb_types import DeltaType
from lakelet.lake.names import quote

__all__ = ("physical_name", "physical_type", "renamed")


def physical_name(field: Field) -> str:
    """What files call a field (Delta Transaction Log Protocol, "Column Mapping")."""
    return str(field.metadata.get("delta.columnMapping.physicalName", field.name))


def physical_type(delta_type: DeltaType) -> DeltaType:
    """The same type with every nested field under its physical name."""
    if isinstance(delta_type, StructType):
        return StructType(
            [
                Field(physical_name(field), physical_type(field.type), nullable=field.nullable)
                for field in delta_type.fields
            ]
        )
    if isinstance(delta_type, ArrayType):
        return ArrayType(physical_type(delta_type.element_type))
    if isinstance(delta_type, MapType):
        return MapType(physical_type(delta_type.key_type), physical_type(delta_type.value_type))
    return delta_type


def renamed(expression: str, delta_type: DeltaType, depth: int = 0) -> str:
    """SQL that turns a value of ``physical_type(delta_type)`` into one of ``delta_type``."""
    item = f"item_{depth}"
    if isinstance(delta_type, StructType):
        parts = ", ".join(
            f"{quote(field.name)} := "
            + renamed(f"{expression}.{quote(physical_name(field))}", field.type, depth)
            for field in delta_type.fields
        )
        # A struct that is NULL stays NULL; packed again it would be a struct of NULLs.
        return f"CASE WHEN {expression} IS NOT NULL THEN struct_pack({parts}) END"
    if isinstance(delta_type, ArrayType):
        inner = renamed(item, delta_type.element_type, depth + 1)
        return f"list_transform({expression}, lambda {item}: {inner})"
    if isinstance(delta_type, MapType):
        key = renamed(f"{item}.key", delta_type.key_type, depth + 1)
        value = renamed(f"{item}.value", delta_type.value_type, depth + 1)
        entries = f"list_transform(map_entries({expression}), lambda {item}: "
        return f"map_from_entries({entries}struct_pack(key := {key}, value := {value})))"
    return expression
