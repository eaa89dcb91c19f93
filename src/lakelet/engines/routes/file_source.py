"""DuckDB reading a snapshot's Parquet files itself, as the text of a SELECT."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from lakelet.engines.routes.columns import Column
from lakelet.engines.routes.deletions import Deletions
from lakelet.engines.routes.duckdb_types import (
    VIRTUAL_COLUMNS,
    glob_literal,
    to_duckdb_type,
)
from lakelet.engines.routes.renaming import renamed
from lakelet.lake.names import literal, quote

__all__ = ("PLACE_FILE", "PLACE_ROW", "FileGroup", "FilesSource")

PLACE_FILE = '"lakelet file"'
"""Column that tells which file a row is in."""
PLACE_ROW = '"lakelet row"'
"""Column that tells a row's position in its file, from 0."""


@dataclass(frozen=True, slots=True)
class FileGroup:
    """Files that are read alike.

    Attributes:
        uris: the files.
        clocks: names of the columns that these files hold as UTC wall clocks.
        unchanged: whether every file holds every column under the table's own name and type, so
            that DuckDB needs no instructions (giving them costs it file statistics).
        deletions: whether rows of these files are deleted.
    """

    uris: tuple[str, ...]
    clocks: frozenset[str]
    unchanged: bool
    deletions: bool


@dataclass(frozen=True, slots=True)
class FilesSource:
    """A snapshot's rows straight from its files.

    Attributes:
        columns: the table's columns in order.
        groups: all files, grouped by how they are read.
        partitions: for each partition column its value in each file, as text by uri.
        hive: whether DuckDB may take the partition values from the folders' names.
        deletions: the deleted positions, or None where no row is deleted.
    """

    columns: tuple[Column, ...]
    groups: tuple[FileGroup, ...]
    partitions: Mapping[str, Mapping[str, str | None]]
    hive: bool
    deletions: Deletions | None

    def relation(
        self, connection: duckdb.DuckDBPyConnection, label: str, *, places: bool = False
    ) -> str:
        """A SELECT over the files; deleted positions become a temporary table.

        Args:
            connection: where that table is made.
            label: what its name is derived from.
            places: whether each row's place comes with it, in `PLACE_FILE` and `PLACE_ROW`.
        """
        deleted = quote(f"lakelet deletions of {label}")
        if self.deletions:
            self.deletions.fill(connection, deleted)
        return " UNION ALL ".join(self._group(group, deleted, places) for group in self.groups)

    def select(self) -> str | None:
        """A SELECT over the files alone, if no row of them is deleted."""
        if self.deletions:
            return None
        return " UNION ALL ".join(self._group(group, "", False) for group in self.groups)

    def only(self, uris: Collection[str]) -> FilesSource:
        """The same source over some of its files."""
        groups = (
            replace(group, uris=tuple(uri for uri in group.uris if uri in uris))
            for group in self.groups
        )
        return replace(self, groups=tuple(group for group in groups if group.uris))

    def _group(self, group: FileGroup, deleted: str, places: bool) -> str:
        stored = [column for column in self.columns if not column.partition]
        as_is = group.unchanged and not any(c.name.lower() in VIRTUAL_COLUMNS for c in stored)
        if as_is:
            expressions = {column.name: f"stored.{quote(column.name)}" for column in stored}
        else:
            expressions = {column.name: _expression(column, group.clocks) for column in stored}
        for name, texts in self.partitions.items():
            expressions[name] = self._partition(name, texts, group.uris)
        selected = ", ".join(f"{expressions[c.name]} AS {quote(c.name)}" for c in self.columns)
        if places:
            selected += f", stored.filename AS {PLACE_FILE}, stored.file_row_number AS {PLACE_ROW}"
        files = ", ".join(literal(glob_literal(uri)) for uri in group.uris)
        schema = ", ".join(_entry(column, group.clocks) for column in stored)
        options = f", schema=MAP {{{schema}}}" if schema and not as_is else ""
        # Never left to DuckDB's own guess: a folder above the table may be called id=3.
        options += f", hive_partitioning={str(self.hive).lower()}"
        if any("DOUBLE" in column.sql_type or "FLOAT" in column.sql_type for column in stored):
            # Writers leave NaN out of a file's bounds (Parquet, "Statistics"), and NaN is greater
            # than any of them here: without this, `d > 5` and even `isnan(d)` would not find it.
            options += ", can_have_nan=true"
        if self.hive:
            kinds = ", ".join(f"{literal(name)}: VARCHAR" for name in self.partitions)
            options += f", hive_types={{{kinds}}}"
        select = f"SELECT {selected} FROM read_parquet([{files}]{options}) AS stored"
        if not group.deletions:
            return select
        return (
            f"{select} ANTI JOIN temp.main.{deleted} AS deleted "
            "ON stored.filename = deleted.file AND stored.file_row_number = deleted.position"
        )

    def _partition(self, name: str, texts: Mapping[str, str | None], uris: Sequence[str]) -> str:
        """A file's constant, looked up by its name so that a filter on it skips whole files."""
        column = next(column for column in self.columns if column.name == name)
        if self.hive:
            value = f"stored.{quote(name)}"
            return value if column.sql_type == "VARCHAR" else f"CAST({value} AS {column.sql_type})"
        values = [texts[uri] for uri in uris]
        if len(set(values)) == 1:
            return f"CAST({_text(values[0])} AS {column.sql_type})"
        keys = ", ".join(map(literal, uris))
        listed = ", ".join(map(_text, values))
        return f"(MAP([{keys}], [{listed}]::{column.sql_type}[]))[stored.filename]"


def _text(value: str | None) -> str:
    return "NULL" if value is None else literal(value)


def _stored_name(column: Column) -> str:
    """The column's name inside the scan; never one of DuckDB's virtual columns."""
    return f"column {column.name}" if column.name.lower() in VIRTUAL_COLUMNS else column.name


def _expression(column: Column, clocks: frozenset[str]) -> str:
    name = f"stored.{quote(_stored_name(column))}"
    # Not a cast, which would take the wall clock for one of the session's zone.
    if column.name in clocks:
        return f"timezone('UTC', {name})"
    return renamed(name, column.delta_type) if column.renamed_inside else name


def _entry(column: Column, clocks: frozenset[str]) -> str:
    key = literal(column.key) if isinstance(column.key, str) else str(column.key)
    kind = to_duckdb_type(column.stored_type) if column.renamed_inside else column.sql_type
    if column.name in clocks:
        kind = "TIMESTAMP"
    name = literal(_stored_name(column))
    return f"{key}: {{name: {name}, type: {literal(kind)}, default_value: NULL}}"
