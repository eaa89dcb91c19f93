"""What a statement needs while it runs: the lake, a connection, and what the session lends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import duckdb

from lakelet.engines.connection import open_connection
from lakelet.engines.dialect import (
    TableFunctionCall,
    TableReference,
    Translation,
    translate_expression,
    translate_query,
)
from lakelet.engines.engine import Attached, attach_view, duckdb_errors
from lakelet.engines.statements.markers import bind_markers, number_markers, with_variables
from lakelet.engines.statements.syntax.upkeep import CopyInto
from lakelet.lake import Lake, LakeTable, TableName

__all__ = ("Answer", "Context", "Lent")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement says when it is done: a small table.

    Attributes:
        columns: names and DuckDB types.
        rows: the values.
    """

    columns: tuple[tuple[str, str], ...] = (("status", "VARCHAR"),)
    rows: Sequence[tuple[Any, ...]] = ()


class Lent(Protocol):
    """What higher layers do for statements."""

    def pin(self, reference: TableReference) -> Attached:
        """Pin a table that a query names."""
        ...

    def call(self, call: TableFunctionCall) -> Attached:
        """Pin the result of a table function."""
        ...

    def restore(self, table: LakeTable, version: int | None, moment: str | None) -> int:
        """Make a table equal an earlier version or moment; how many raw files were taken back."""
        ...

    def rename_table(self, table: LakeTable, name: TableName) -> None:
        """Give a table another name, and what belongs to it with it."""
        ...

    def copy(self, statement: CopyInto) -> dict[str, int]:
        """Load files; rows and files by what became of them, by name."""
        ...

    def changing(self, table: TableName, what: str) -> AbstractContextManager[None]:
        """Let the body change a table, if it may be changed so."""
        ...

    def removing(self, table: TableName) -> None:
        """Learn what is needed of a table, before files of old versions are removed."""
        ...

    def say(self, text: str) -> None:
        """Tell the person something before a long step."""
        ...


@dataclass
class Context:
    """A statement on its way.

    Attributes:
        lake: the tables.
        lent: what the session does for it.
        dialect: whose SQL the expressions are.
        positional: values of ``?`` markers.
        named: values of named markers.
        markers: names of all markers of the statement.
    """

    lake: Lake
    lent: Lent
    dialect: Literal["databricks", "duckdb"]
    positional: Sequence[object] = ()
    named: Mapping[str, object] = field(default_factory=dict)
    markers: Sequence[str] = ()

    def number(self, text: str) -> str:
        """The statement with every marker named; the names are kept."""
        text, self.markers = number_markers(text, self.dialect)
        return text

    def connection(self) -> duckdb.DuckDBPyConnection:
        """A connection that knows the markers' values."""
        made = open_connection(self.lake.workspace)
        with duckdb_errors():
            bind_markers(made, self.markers, self.positional, self.named)
        return made

    def query(self, text: str) -> Translation:
        """A query inside the statement, for DuckDB."""
        return self._with_variables(translate_query(text, dialect=self.dialect))

    def expression(self, text: str) -> Translation:
        """A value or condition inside the statement, for DuckDB."""
        if self.dialect == "databricks":
            return self._with_variables(translate_expression(text))
        found = translate_query(f"SELECT {text}", dialect="duckdb")
        sql = f"({found.sql.strip().removeprefix('SELECT').strip()})"
        return self._with_variables(
            Translation(sql, found.tables, found.calls, found.parameters, found.macros)
        )

    def _with_variables(self, found: Translation) -> Translation:
        sql = with_variables(found.sql, self.markers)
        return Translation(sql, found.tables, found.calls, (), found.macros)

    def attach(self, connection: duckdb.DuckDBPyConnection, *parts: Translation) -> None:
        """Pin what some expressions and queries read, and make it known to a connection."""
        for part in parts:
            for macro in part.macros:
                connection.execute(macro)
            for reference in part.tables:
                attach_view(connection, reference.view, self.lent.pin(reference))
            for call in part.calls:
                attach_view(connection, call.view, self.lent.call(call))

    def writable(self, name: TableName) -> LakeTable:
        """A table that a statement may change.

        Raises:
            OwnedTableError: it is one that Lakelet keeps itself.
            TableNotFoundError: there is none.
        """
        name.refuse_own()
        return self.lake.table(name)
