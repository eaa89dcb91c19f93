"""A dataset's query on a connection: its sources attached, its columns known, its rows not yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import duckdb

from lakelet.engines.connection import close_engine, open_connection
from lakelet.engines.dialect import (
    Edit,
    TableFunctionCall,
    TableReference,
    Translation,
    translate_expression,
    translate_query,
)
from lakelet.engines.duckdb_types import from_duckdb
from lakelet.engines.engine import Attached, attach_view, duckdb_errors
from lakelet.engines.wording import PLACED, place
from lakelet.errors import LakeletError, PipelineError
from lakelet.lake.creation import partition_names
from lakelet.lake.names import quote
from lakelet.lake.types import Column
from lakelet.pipelines.definitions.dataset import Dataset, Flow, Place
from lakelet.pipelines.definitions.streams import mark_streams
from lakelet.workspace import WorkspaceFolder

__all__ = (
    "BoundQuery", "Sources", "at_place", "bind_query", "condition_sql", "expression_sql",
    "result_columns",
)  # fmt: skip


class Sources(Protocol):
    """What tells a query where its rows come from."""

    def table(self, parts: tuple[str, ...], reference: TableReference) -> Attached:
        """The rows of a table, or those of it that are new."""
        ...

    def call(self, call: TableFunctionCall) -> Attached:
        """The rows of a table function."""
        ...


@dataclass
class BoundQuery:
    """A query that DuckDB has bound and not run.

    Attributes:
        connection: where.
        sql: its text for DuckDB.
        columns: the columns it gives.
        what: what to call it in messages.
    """

    connection: duckdb.DuckDBPyConnection
    sql: str
    columns: tuple[Column, ...]
    what: str = "query"


class at_place:  # noqa: N801 - used like a function
    """Lead the errors of the body to the place in the pipeline's files they come from.

    Args:
        flow: whose query or function it is.
        what: what it fills.
    """

    def __init__(self, flow: Flow, what: object) -> None:
        self.flow = flow
        self.what = what

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Name the place, once."""
        written = self.flow.place
        if not isinstance(error, LakeletError) or f"{written.file}:" in error.message:
            return
        query = self.flow.query
        if query is not None and written.file.endswith(".sql"):
            # The text of a query is behind as many empty lines as are before it in its file.
            place(error, query, "databricks")
            if (found := PLACED.search(error.message)) is not None:
                written = Place(written.file, int(found[1]))
        error.say(f"{written}: {self.what}: {error.message}")


def bind_query(
    workspace: WorkspaceFolder,
    text: str,
    sources: Sources,
    *,
    most: int | None = None,
    connection: duckdb.DuckDBPyConnection | None = None,
    edit: Edit | None = None,
) -> BoundQuery:
    """Translate a query, attach what it reads, and let DuckDB bind it.

    Args:
        workspace: whose settings count.
        text: the query, with STREAM where it reads what is new.
        sources: where its rows come from.
        most: bytes the connection may hold.
        connection: where; one of its own without it. What it has attached is attached anew.
        edit: changes the query's syntax tree before it is translated.

    Raises:
        SqlError: the query is wrong, or not among what runs with exactly its meaning.
    """
    attached: dict[str, Attached] = {}

    def pin(reference: TableReference) -> Attached:
        if reference.view not in attached:
            attached[reference.view] = sources.table(reference.parts, reference)
        return attached[reference.view]

    def columns(reference: TableReference) -> Sequence[tuple[str, str]] | None:
        return getattr(pin(reference), "typed", None)

    translation = translate_query(mark_streams(text), columns=columns, edit=edit)
    if translation.parameters:
        raise PipelineError("a dataset's query takes no parameters.")
    own = connection is None
    engine = open_connection(workspace, most=most) if connection is None else connection
    try:
        with duckdb_errors():
            _attach(engine, translation, pin, sources.call)
            relation = engine.sql(translation.sql)
            given = zip(relation.columns, relation.types, strict=True)
            found = tuple(Column(str(name), from_duckdb(str(kind))) for name, kind in given)
    except BaseException:
        if own:
            close_engine(engine)
        raise
    return BoundQuery(engine, translation.sql, found)


def _attach(
    connection: duckdb.DuckDBPyConnection,
    translation: Translation,
    pin: Callable[[TableReference], Attached],
    call: Callable[[TableFunctionCall], Attached],
) -> None:
    for macro in translation.macros:
        connection.execute(macro)
    for reference in translation.tables:
        attach_view(connection, reference.view, pin(reference))
    for called in translation.calls:
        attach_view(connection, called.view, call(called))


def condition_sql(bound: BoundQuery, condition: str, sources: Sources) -> str:
    """An expectation's condition for DuckDB, over the query's columns.

    Raises:
        SqlError: it is wrong, or no condition.
    """
    sql, kind = expression_sql(bound, condition, sources)
    if kind not in ("BOOLEAN", '"NULL"'):
        raise PipelineError(f"EXPECT ({condition}) is {kind}, not true or false.")
    return sql


def expression_sql(bound: BoundQuery, text: str, sources: Sources) -> tuple[str, str]:
    """An expression over the query's columns, for DuckDB, and its type there.

    Raises:
        SqlError: it is wrong.
    """
    translation = translate_expression(text)
    with duckdb_errors():
        for macro in translation.macros:
            bound.connection.execute(macro)
        for reference in translation.tables:
            attach_view(bound.connection, reference.view, sources.table(reference.parts, reference))
        kind = bound.connection.sql(f"SELECT {translation.sql} FROM ({bound.sql}) LIMIT 0").types[0]
    return translation.sql, str(kind)


def result_columns(dataset: Dataset, bound: BoundQuery) -> tuple[tuple[Column, ...], str]:
    """The columns a dataset stores, and the SELECT that gives them from the query.

    Declared columns are enforced: every one must be there, by name, and its type must take the
    query's without loss of meaning (a CAST in the query says what is wanted).

    Raises:
        PipelineError: columns that are missing, too many, or of another type.
        SchemaError: it is partitioned by what cannot partition it.
    """
    columns, select = _stored_columns(dataset, bound)
    partition_names(dataset.partition_by, columns, str(dataset.name))
    return columns, select


def _stored_columns(dataset: Dataset, bound: BoundQuery) -> tuple[tuple[Column, ...], str]:
    given = {column.name.lower(): column for column in bound.columns}
    if len(given) < len(bound.columns):
        names = [c.name for c in bound.columns]
        twice = next(n for n in names if [m.lower() for m in names].count(n.lower()) > 1)
        raise PipelineError(f"the {bound.what} gives two columns {twice}.")
    if dataset.columns is None:
        selected = ", ".join(
            f"CAST({quote(c.name)} AS {c.type.duckdb}) AS {quote(c.name)}" for c in bound.columns
        )
        return bound.columns, f"SELECT {selected} FROM ({bound.sql})"
    declared = {column.name.lower() for column in dataset.columns}
    missing = [c.name for c in dataset.columns if c.name.lower() not in given]
    extra = [c.name for c in bound.columns if c.name.lower() not in declared]
    if missing or extra:
        parts = [f"the {bound.what} does not give {', '.join(missing)}"] if missing else []
        parts += [f"{', '.join(extra)} is not declared"] if extra else []
        raise PipelineError(f"{' and '.join(parts)}.")
    for column in dataset.columns:
        found = given[column.name.lower()].type
        if not _takes(column, found):
            raise PipelineError(
                f"{column.name} is declared {column.type.sql} and the {bound.what} gives "
                f"{found.sql}.",
                hint=f"CAST({column.name} AS {column.type.sql}) in the {bound.what} converts it.",
            )
    selected = ", ".join(
        f"CAST({quote(c.name)} AS {c.type.duckdb}) AS {quote(c.name)}" for c in dataset.columns
    )
    return dataset.columns, f"SELECT {selected} FROM ({bound.sql})"


_INTEGERS = ("TINYINT", "SMALLINT", "INT", "BIGINT")


def _takes(column: Column, given: object) -> bool:
    wanted, found = column.type.sql, getattr(given, "sql", "")
    if wanted == found:
        return True
    if wanted in _INTEGERS and found in _INTEGERS:
        return _INTEGERS.index(wanted) >= _INTEGERS.index(found)
    return wanted in ("DOUBLE",) and found in ("FLOAT", *_INTEGERS[:3])
