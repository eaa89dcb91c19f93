"""The shape of a loaded table: its columns, and the raw field each one takes its values from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from lakelet.lake.types import Column, DataType, Primitive, Struct

__all__ = (
    "ALIASES_KEY",
    "FIELD_KEY",
    "MAX_COLUMNS",
    "METADATA",
    "RESCUED",
    "Field",
    "Shape",
    "column_for",
    "service_columns",
)

RESCUED = "_rescued_data"
METADATA = "_metadata"
FIELD_KEY = "lakelet.field"
"""Key of a column's Delta metadata under which the raw field's own name stands."""
ALIASES_KEY = "lakelet.aliases"
"""Key of a column's Delta metadata for further fields that fill it, as a JSON list."""
MAX_COLUMNS = 2000

_UNFIT = re.compile(r"[ ,;{}()\n\t=\x00]")


def service_columns() -> tuple[Column, Column]:
    """The last two columns of every loaded table.

    ``_metadata`` carries Databricks' names ("File metadata column"); ``line`` is known for rows
    with rescued values only.
    """
    metadata = Struct(
        (
            ("file_path", Primitive("STRING")),
            ("file_modification_time", Primitive("TIMESTAMP")),
            ("line", Primitive("BIGINT")),
        )
    )
    return (
        Column(RESCUED, Primitive("STRING"), comment="values that fit no column, as JSON by path"),
        Column(METADATA, metadata, comment="the raw file a row came from"),
    )


@dataclass(frozen=True, slots=True)
class Field:
    """A column and the key of the raw record that fills it."""

    column: Column
    key: str

    @property
    def type(self) -> DataType:
        """The column's type."""
        return self.column.type


@dataclass(frozen=True)
class Shape:
    """The data columns of a table, without the service columns.

    Attributes:
        fields: in the table's order.
        partitions: names of the columns it is partitioned by. No empty text fits in one: Delta
            keeps it as NULL (Transaction Log Protocol, "Partition Value Serialization").
    """

    fields: tuple[Field, ...]
    partitions: frozenset[str] = frozenset()

    @classmethod
    def of(cls, columns: Iterable[Column], partitions: Iterable[str] = ()) -> Shape:
        """The shape of a table with these columns, partitioned by some of them."""
        data = (column for column in columns if column.name not in (RESCUED, METADATA))
        return cls(
            tuple(
                Field(column, str(dict(column.metadata).get(FIELD_KEY, column.name)))
                for column in data
            ),
            frozenset(partitions),
        )

    @cached_property
    def texts_not_empty(self) -> tuple[int, ...]:
        """The numbers of the fields in which no empty text fits."""
        text = Primitive("STRING")
        return tuple(
            number
            for number, field in enumerate(self.fields)
            if field.type == text and field.column.name in self.partitions
        )

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns themselves."""
        return tuple(field.column for field in self.fields)

    @cached_property
    def by_key(self) -> dict[str, Field]:
        """Fields by the exact key of the raw record."""
        return {field.key: field for field in self.fields}

    @cached_property
    def by_folded(self) -> dict[str, Field]:
        """Fields by key, column name and further keys, in lower case."""
        folded = {field.column.name.lower(): field for field in self.fields}
        aliases = {
            alias.lower(): field
            for field in self.fields
            for alias in json.loads(str(dict(field.column.metadata).get(ALIASES_KEY, "[]")))
        }
        return aliases | {field.key.lower(): field for field in self.fields} | folded

    def find(self, key: str) -> Field | None:
        """The field a raw key fills: by its exact name first, else whatever its case."""
        return self.by_key.get(key) or self.by_folded.get(key.lower())

    def with_columns(self, columns: Iterable[Column]) -> Shape:
        """This shape with further columns."""
        return Shape(self.fields + Shape.of(columns).fields, self.partitions)


def column_for(key: str, kind: DataType, taken: set[str]) -> Column | None:
    """A new column for a raw field, or None where its name, but for case, is taken.

    Characters Delta does not allow in a name become ``_``; the original name then stands in the
    comment and in the column's metadata.

    Args:
        key: the field's name.
        kind: its type.
        taken: names of columns, in lower case.
    """
    name = _UNFIT.sub("_", key) or "_"
    if name.lower() in taken:
        return None
    if name == key:
        return Column(name, kind)
    return Column(name, kind, comment=f"raw field {key!r}", metadata=((FIELD_KEY, key),))
