"""What a dataset's function is given for each table it reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import duckdb

from lakelet.engines.connection import prepare
from lakelet.engines.dialect import TableReference, translate_query
from lakelet.engines.engine import duckdb_errors
from lakelet.engines.forms import Forms
from lakelet.errors import PipelineError, nearest
from lakelet.lake.names import quote
from lakelet.pipelines.definitions.streams import mark_streams, streamed

__all__ = ("Engine", "Relation")

_THIS = ("this",)


@dataclass
class Engine:
    """The SQL engine of a dataset's process.

    Attributes:
        connection: where every input is a view, under each name it may be called by.
        zone: the workspace's time zone.
        names: names of the views, in lower case, by what they may be called.
        streams: those of them that deliver new rows only.
    """

    connection: duckdb.DuckDBPyConnection
    zone: str
    names: dict[tuple[str, ...], str] = field(default_factory=dict)
    streams: set[tuple[str, ...]] = field(default_factory=set)

    def add(self, name: str, table: Sequence[str], select: str, *, stream: bool) -> None:
        """Make an input known.

        Args:
            name: what the function calls it.
            table: the schema and name of the table.
            select: its rows.
            stream: whether these are new rows only.
        """
        view = quote(f"lakelet input {name}")
        with duckdb_errors():
            self.connection.execute(f"CREATE VIEW {view} AS {select}")
        for called in ((name.lower(),), tuple(table)):
            self.names.setdefault(called, view)
            if stream:
                self.streams.add(called)

    def relation(self, name: str) -> Relation:
        """An input."""
        return Relation(self, f"SELECT * FROM {self.names[(name.lower(),)]}")

    def view(self, reference: TableReference) -> str:
        """The view that a name in a query means.

        Raises:
            PipelineError: nothing that the function reads.
        """
        parts = streamed(reference.parts) or reference.parts
        found = self.names.get(tuple(part.lower() for part in parts))
        if found is None:
            raise unknown_name(parts, self.names)
        if streamed(reference.parts) and parts not in self.streams:
            raise PipelineError(
                f"STREAM {'.'.join(parts)}: the function reads all of it.",
                hint=f'stream=["{parts[-1]}"] in the decorator makes it deliver new rows only.',
            )
        return found

    def make(self, reference: TableReference) -> None:
        """Let a query read an input under the name it uses."""
        schema, dot, _ = reference.view.partition('"."')
        with duckdb_errors():
            if dot:
                self.connection.execute(f'CREATE SCHEMA IF NOT EXISTS {schema}"')
            self.connection.execute(
                f"CREATE VIEW IF NOT EXISTS {reference.view} AS "
                f"SELECT * FROM {self.view(reference)}"
            )

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection to the same inputs, for one result: results do not disturb one another."""
        cursor = self.connection.cursor()
        prepare(cursor, self.zone)
        return cursor


def unknown_name(parts: Sequence[str], known: Mapping[tuple[str, ...], Any]) -> PipelineError:
    """The error for a name in a query that the function does not read."""
    shown = ".".join(parts)
    close = nearest(shown, [".".join(one) for one in known])
    return PipelineError(
        f"the query reads {shown}, which the function does not say it reads.",
        hint=f"did you mean {close}?"
        if close
        else f'make it a parameter, or give reads={{"{parts[-1]}": "{shown}"}}.',
    )


class Relation(Forms):
    """The rows of a table, or what was made of them: nothing is read before it is asked for.

    Conditions and queries are in Databricks' SQL, as in ``.sql`` files.
    """

    def __init__(self, engine: Engine, select: str, macros: tuple[str, ...] = ()) -> None:
        self._engine = engine
        self._select = select
        self._macros = macros

    def __repr__(self) -> str:
        return f"<relation of {', '.join(self.columns)}>"

    def filter(self, condition: str) -> Relation:
        """The rows for which a condition is true.

        Raises:
            SqlError: it is wrong.
        """
        return self.sql(f"SELECT * FROM this WHERE {condition}")

    def select(self, *expressions: str) -> Relation:
        """Some columns, or expressions over them: ``posts.select("id", "score * 2 AS twice")``.

        Raises:
            SqlError: one is wrong.
        """
        return self.sql(f"SELECT {', '.join(expressions)} FROM this")

    def sql(self, query: str) -> Relation:
        """A query, in which ``this`` is these rows; the function's other inputs have their names.

        Raises:
            SqlError: it is wrong.
            PipelineError: it reads what the function does not say it reads.
        """
        engine = self._engine

        def columns(reference: TableReference) -> Sequence[tuple[str, str]]:
            if reference.parts == _THIS:
                return self.typed
            return Relation(engine, f"SELECT * FROM {engine.view(reference)}").typed

        found = translate_query(mark_streams(query), columns=columns)
        if found.calls:
            raise PipelineError(
                f"{found.calls[0].name} cannot be read by a function's query.",
                hint="a dataset in SQL reads files; the function reads that dataset.",
            )
        select = found.sql
        for one in found.tables:
            if one.parts != _THIS:
                engine.make(one)
                continue
            # Not a view: every relation has its own ``this``.
            select = f"WITH {one.view} AS ({self._select}) SELECT * FROM ({found.sql})"
        made = Relation(engine, select, tuple(dict.fromkeys((*self._macros, *found.macros))))
        # Binds it: what is wrong is told where it is written.
        assert made.typed is not None
        return made

    @cached_property
    def typed(self) -> list[tuple[str, str]]:
        """Names and DuckDB types of the columns."""
        found = self.relation
        with duckdb_errors():
            return [
                (str(name), str(kind))
                for name, kind in zip(found.columns, found.types, strict=True)
            ]

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return [name for name, _ in self.typed]

    @property
    def relation(self) -> duckdb.DuckDBPyRelation:
        """DuckDB's own relation, to filter, join and aggregate further."""
        with duckdb_errors():
            return self._cursor().sql(self._select)

    def _formed(self) -> duckdb.DuckDBPyRelation:
        return self.relation

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        cursor = self._engine.cursor()
        for macro in self._macros:
            cursor.execute(macro)
        return cursor

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows as dictionaries, some thousand of them held at a time."""
        names = self.columns
        with duckdb_errors():
            cursor = self._cursor()
            cursor.execute(self._select)
            while many := cursor.fetchmany(2048):
                for row in many:
                    yield dict(zip(names, row, strict=True))
