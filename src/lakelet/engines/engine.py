"""The embedded SQL engine: one query over one pinned set of snapshots."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import duckdb

from lakelet.engines.connection import open_connection
from lakelet.engines.dialect import (
    TableColumns,
    TableFunctionCall,
    TableReference,
    Translation,
    translate_query,
)
from lakelet.engines.failures import failed_in_python, said_by_duckdb
from lakelet.engines.kept import kept_connection
from lakelet.engines.wording import placed, reworded
from lakelet.errors import LakeletError, SqlError, StorageError
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.quantities import counted

__all__ = (
    "Attached", "Dialect", "Known", "Query", "attach_view", "duckdb_errors", "run_query",
)  # fmt: skip

Dialect = Literal["databricks", "duckdb"]


class Attached(Protocol):
    """Something a query reads, ready to become a view on a connection."""

    def attach(self, connection: duckdb.DuckDBPyConnection, view: str) -> None:
        """Create the view of that quoted name."""
        ...


@runtime_checkable
class Known(Attached, Protocol):
    """Something a query reads whose columns are known before it is attached."""

    @property
    def typed(self) -> Sequence[tuple[str, str]]:
        """Names and DuckDB types of its columns, in order."""
        ...

    def select(self) -> str | None:
        """A SELECT of its rows, or None where something must be made on the connection first."""
        ...


@dataclass(frozen=True)
class Query:
    """A query to run.

    Attributes:
        text: the SQL.
        dialect: whose SQL it is.
        positional: values of ``?`` markers.
        named: values of ``:name`` markers.
    """

    text: str
    dialect: Dialect = "databricks"
    positional: Sequence[object] = ()
    named: Mapping[str, object] | None = None


def run_query(
    workspace: WorkspaceFolder,
    query: Query,
    *,
    table: Callable[[TableReference], Attached],
    call: Callable[[TableFunctionCall], Attached],
) -> duckdb.DuckDBPyRelation:
    """Run a query on a connection that its result keeps alive.

    Every table is pinned before the query starts; what others commit afterwards is not seen.

    Args:
        workspace: whose settings count.
        query: the query.
        table: pins a table.
        call: pins the result of a table function of a higher layer.

    Raises:
        SqlError: the query is wrong, or not among what runs with exactly its meaning.
        TableNotFoundError, VersionNotFoundError: from ``table``.
    """
    with placed(query.text, query.dialect):
        return _run_query(workspace, query, table, call)


def _run_query(
    workspace: WorkspaceFolder,
    query: Query,
    table: Callable[[TableReference], Attached],
    call: Callable[[TableFunctionCall], Attached],
) -> duckdb.DuckDBPyRelation:
    tables: dict[str, Attached] = {}

    def pin(reference: TableReference) -> Attached:
        if reference.view not in tables:
            tables[reference.view] = table(reference)
        return tables[reference.view]

    def columns(reference: TableReference) -> Sequence[tuple[str, str]] | None:
        source = pin(reference)
        return source.typed if isinstance(source, Known) else None

    translation = _translated(query, columns)
    pinned = [(reference.view, pin(reference)) for reference in translation.tables]
    pinned += [(reference.view, call(reference)) for reference in translation.calls]
    views = {view: _select(source) for view, source in pinned}
    shared = {view: select for view, select in views.items() if select is not None}
    with duckdb_errors():
        if len(shared) == len(views):
            connection = kept_connection(workspace, shared, translation.macros)
        else:
            connection = open_connection(workspace)
            for macro in translation.macros:
                connection.execute(macro)
            for view, source in pinned:
                attach_view(connection, view, source)
        return _relation(connection, translation.sql, translation.parameters, query)


# Translations by text: parsing one takes 2 CPU-ms, and many programs ask the same again and again.
_TRANSLATED: dict[tuple[str, str], tuple[Translation, Mapping[str, object]]] = {}
_MOST_TRANSLATED = 256


def _translated(query: Query, columns: TableColumns) -> Translation:
    """The query's translation, which depends on its text and the columns of its tables alone."""
    key = (query.text, query.dialect)
    kept = _TRANSLATED.get(key)
    if kept is not None:
        translation, known = kept
        if all(columns(t) == known[t.view] for t in translation.tables if t.view in known):
            return translation
    told: dict[str, object] = {}

    def telling(reference: TableReference) -> Sequence[tuple[str, str]] | None:
        told[reference.view] = found = columns(reference)
        return found

    translation = translate_query(query.text, dialect=query.dialect, columns=telling)
    if len(_TRANSLATED) >= _MOST_TRANSLATED:
        _TRANSLATED.clear()
    _TRANSLATED[key] = (translation, told)
    return translation


def _select(source: Attached) -> str | None:
    return source.select() if isinstance(source, Known) else None


def attach_view(connection: duckdb.DuckDBPyConnection, view: str, source: Attached) -> None:
    """Make something a view of that quoted name, in the schema the name says."""
    schema, dot, _ = view.partition('"."')
    if dot:
        connection.execute(f'CREATE SCHEMA IF NOT EXISTS {schema}"')
    source.attach(connection, view)


def _relation(
    connection: duckdb.DuckDBPyConnection, sql: str, markers: tuple[str, ...], query: Query
) -> duckdb.DuckDBPyRelation:
    names = [name for name in markers if name != "?"]
    given = dict(query.named or {})
    if missing := [name for name in names if name not in given]:
        raise SqlError(
            f"the parameter :{missing[0]} has no value; nothing was run.",
            hint=f"--param {missing[0]}=VALUE, or params={{'{missing[0]}': …}}.",
        )
    marks = len(markers) - len(names)
    if marks != len(query.positional):
        raise SqlError(
            f"the query has {counted(marks, '? marker')}, and "
            f"{counted(len(query.positional), 'value was', 'values were')} given; nothing was run.",
            hint="ws.sql(text, [7, 'x']) gives one value for each ?; on the command line, write "
            ":name and --param name=VALUE.",
        )
    values: object = {name: given[name] for name in names} if names else list(query.positional)
    relation = connection.sql(sql, params=values) if values else connection.sql(sql)
    if relation is None:
        raise SqlError("that is no query; nothing was run.")
    return relation


class duckdb_errors:  # noqa: N801 - used like a function
    """Raise DuckDB's failures in the body as Lakelet's own."""

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Translate what was raised."""
        if error is None or isinstance(error, LakeletError) or not isinstance(error, duckdb.Error):
            return
        if isinstance(error, duckdb.IOException) or failed_in_python(error):
            raise StorageError(said_by_duckdb(error)) from error
        said = reworded(said_by_duckdb(error))
        raise SqlError(said.message, hint=said.hint, word=said.word) from error
