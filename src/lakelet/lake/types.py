"""Column types: one small tree for what Delta, DuckDB and people write differently.

The names are those of Databricks SQL ("Data types" in its SQL reference); the JSON form is that of
the Delta Transaction Log Protocol, "Schema Serialization Format".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lakelet.errors import SchemaError
from lakelet.lake.names import quote

__all__ = ("Array", "Column", "DataType", "Decimal", "Map", "Primitive", "Struct", "from_delta")


@dataclass(frozen=True, slots=True)
class Primitive:
    """A type without parts.

    Attributes:
        name: the Databricks name, such as ``BIGINT`` or ``TIMESTAMP_NTZ``.
    """

    name: str

    @property
    def sql(self) -> str:
        """The type as Databricks writes it."""
        return self.name

    @property
    def duckdb(self) -> str:
        """The type as DuckDB writes it."""
        return _DUCKDB.get(self.name, self.name)

    @property
    def delta(self) -> Any:
        """The type in a Delta schema's JSON."""
        return _DELTA[self.name]


@dataclass(frozen=True, slots=True)
class Decimal:
    """A decimal number of ``precision`` digits, ``scale`` of them behind the point."""

    precision: int
    scale: int

    @property
    def sql(self) -> str:
        """The type as Databricks writes it."""
        return f"DECIMAL({self.precision},{self.scale})"

    @property
    def duckdb(self) -> str:
        """The type as DuckDB writes it."""
        return self.sql

    @property
    def delta(self) -> Any:
        """The type in a Delta schema's JSON."""
        return f"decimal({self.precision},{self.scale})"


@dataclass(frozen=True, slots=True)
class Array:
    """A list of values of one type."""

    element: DataType

    @property
    def sql(self) -> str:
        """The type as Databricks writes it."""
        return f"ARRAY<{self.element.sql}>"

    @property
    def duckdb(self) -> str:
        """The type as DuckDB writes it."""
        return f"{self.element.duckdb}[]"

    @property
    def delta(self) -> Any:
        """The type in a Delta schema's JSON."""
        return {"type": "array", "elementType": self.element.delta, "containsNull": True}


@dataclass(frozen=True, slots=True)
class Map:
    """Values by key; keys are unique."""

    key: DataType
    value: DataType

    @property
    def sql(self) -> str:
        """The type as Databricks writes it."""
        return f"MAP<{self.key.sql}, {self.value.sql}>"

    @property
    def duckdb(self) -> str:
        """The type as DuckDB writes it."""
        return f"MAP({self.key.duckdb}, {self.value.duckdb})"

    @property
    def delta(self) -> Any:
        """The type in a Delta schema's JSON."""
        key, value = self.key.delta, self.value.delta
        return {"type": "map", "keyType": key, "valueType": value, "valueContainsNull": True}


@dataclass(frozen=True, slots=True)
class Struct:
    """Named fields, in order."""

    fields: tuple[tuple[str, DataType], ...]

    @property
    def sql(self) -> str:
        """The type as Databricks writes it."""
        return f"STRUCT<{', '.join(f'{_name(n)}: {t.sql}' for n, t in self.fields)}>"

    @property
    def duckdb(self) -> str:
        """The type as DuckDB writes it."""
        return f"STRUCT({', '.join(f'{quote(n)} {t.duckdb}' for n, t in self.fields)})"

    @property
    def delta(self) -> Any:
        """The type in a Delta schema's JSON."""
        return {"type": "struct", "fields": [Column(n, t).delta for n, t in self.fields]}


DataType = Primitive | Decimal | Array | Map | Struct

_DELTA = {
    "BIGINT": "long",
    "INT": "integer",
    "SMALLINT": "short",
    "TINYINT": "byte",
    "DOUBLE": "double",
    "FLOAT": "float",
    "BOOLEAN": "boolean",
    "STRING": "string",
    "BINARY": "binary",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP_NTZ": "timestamp_ntz",
}
_FROM_DELTA = {delta: name for name, delta in _DELTA.items()}
_DUCKDB = {
    "INT": "INTEGER",
    "STRING": "VARCHAR",
    "BINARY": "BLOB",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
    "TIMESTAMP_NTZ": "TIMESTAMP",
}


def _name(name: str) -> str:
    return name if name.isidentifier() else f"`{name.replace('`', '``')}`"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        name: its name.
        type: its type.
        nullable: whether NULL is allowed.
        comment: what a person wrote about it.
        metadata: whatever else the Delta schema keeps for it (generation expressions among it).
    """

    name: str
    type: DataType
    nullable: bool = True
    comment: str | None = None
    metadata: tuple[tuple[str, Any], ...] = ()

    @property
    def delta(self) -> dict[str, Any]:
        """The column as a field of a Delta schema's JSON."""
        metadata = dict(self.metadata)
        if self.comment is not None:
            metadata["comment"] = self.comment
        return {
            "name": self.name,
            "type": self.type.delta,
            "nullable": self.nullable,
            "metadata": metadata,
        }

    @classmethod
    def from_delta(cls, field: dict[str, Any]) -> Column:
        """A column from a field of a Delta schema's JSON."""
        metadata = dict(field.get("metadata") or {})
        comment = metadata.pop("comment", None)
        return cls(
            field["name"],
            from_delta(field["type"]),
            field.get("nullable", True),
            comment,
            tuple(sorted(metadata.items(), key=lambda item: item[0])),
        )


def from_delta(raw: Any) -> DataType:
    """A type from a Delta schema's JSON.

    Raises:
        SchemaError: a type this stack does not know (``variant`` and ``void`` among them).
    """
    if isinstance(raw, dict):
        kind = raw["type"]
        if kind == "struct":
            return Struct(tuple((f["name"], from_delta(f["type"])) for f in raw["fields"]))
        if kind == "array":
            return Array(from_delta(raw["elementType"]))
        if kind == "map":
            return Map(from_delta(raw["keyType"]), from_delta(raw["valueType"]))
    elif raw in _FROM_DELTA:
        return Primitive(_FROM_DELTA[raw])
    elif raw == "decimal":
        return Decimal(10, 0)
    elif str(raw).startswith("decimal("):
        precision, scale = raw[8:-1].split(",")
        return Decimal(int(precision), int(scale))
    raise SchemaError(f"the Delta type {raw!r} cannot be read or written on this stack.")
