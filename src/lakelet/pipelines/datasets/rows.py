"""Rows of tables for a dataset's query: published, or staged by the very same update."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from lakelet.engines.bucket_files import plan_table
from lakelet.engines.routes import Route, open_snapshot
from lakelet.engines.routes.data_files import list_files
from lakelet.engines.routes.file_source import FilesSource
from lakelet.engines.routes.route import EmptySource
from lakelet.errors import UnsupportedTableError
from lakelet.lake import Lake, LakeTable
from lakelet.lake.names import quote
from lakelet.lake.storage import join
from lakelet.lake.types import Column
from lakelet.pipelines.publishing.result import Result

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = ("Rows", "replaced_rows", "rows_of_columns", "rows_of_result", "staged_rows")

_LAST = ("_rescued_data", "_metadata")


@dataclass(frozen=True)
class Rows:
    """Rows of one set of columns, from one route or several.

    Attributes:
        typed: names and DuckDB types of the columns.
        routes: where the rows come from.
    """

    typed: tuple[tuple[str, str], ...]
    routes: tuple[Route, ...]

    @classmethod
    def of(cls, *routes: Route) -> Rows:
        """The rows of routes whose columns the first one has all."""
        columns = dict(routes[0].columns)
        order = [name for name in columns if name not in _LAST]
        order += [name for name in _LAST if name in columns]
        return cls(tuple((name, columns[name]) for name in order), routes)

    def select(self) -> str | None:
        """A SELECT for any connection, or None where something must be made on one first."""
        selects = [route.select() for route in self.routes]
        if any(select is None for select in selects):
            return None
        return self._shown([f"({select})" for select in selects])

    def attach(self, connection: duckdb.DuckDBPyConnection, view: str) -> None:
        """Make the rows a view on a connection."""
        inner = [
            quote(f"lakelet {view} {index}".replace('"', "")) for index in range(len(self.routes))
        ]
        for name, route in zip(inner, self.routes, strict=True):
            route.attach(connection, name)
        connection.execute(f"CREATE OR REPLACE VIEW {view} AS {self._shown(inner)}")

    def _shown(self, sources: Sequence[str]) -> str:
        parts = []
        for source, route in zip(sources, self.routes, strict=True):
            there = {name for name, _ in route.columns}
            columns = ", ".join(
                f"{quote(name)}::{kind} AS {quote(name)}"
                if name in there
                else f"CAST(NULL AS {kind}) AS {quote(name)}"
                for name, kind in self.typed
            )
            parts.append(f"SELECT {columns} FROM {source}")
        return " UNION ALL ".join(parts)


def rows_of_columns(columns: Sequence[Column]) -> Rows:
    """No rows, of some columns."""
    typed = tuple((column.name, column.type.duckdb) for column in columns)
    return Rows(typed, (Route("empty", "nothing is there yet.", typed, EmptySource(typed)),))


def staged_rows(table: LakeTable, result: Result) -> list[Route]:
    """The routes to what a result has staged."""
    options = table.storage.options or None
    return [
        plan_table(table, open_snapshot(join(table.location, one.folder), storage_options=options))
        for one in result.staged
        if one.adds
    ]


def rows_of_result(lake: Lake, result: Result, version: int | None) -> Rows:
    """A table as an update is about to make it.

    Args:
        lake: the lake.
        result: what is staged for it.
        version: the published version it builds on, None for a new table.
    """
    table = lake.place(result.table)
    routes = [_empty(result), *staged_rows(table, result)]
    if result.mode == "append" and version is not None:
        routes.append(plan_table(table, _published(table, version)))
    elif result.mode == "files" and version is not None:
        routes.append(_some_files(table, version, result.removed, gone=False))
    return Rows.of(*routes)


def replaced_rows(lake: Lake, result: Result, version: int | None) -> Rows:
    """The published rows whose place a result's staged rows take."""
    table = lake.place(result.table)
    routes = [_empty(result)]
    if result.mode == "replace" and version is not None:
        routes.append(plan_table(table, _published(table, version)))
    elif result.mode == "files" and version is not None:
        routes.append(_some_files(table, version, result.removed, gone=True))
    return Rows.of(*routes)


def _empty(result: Result) -> Route:
    columns = tuple((column.name, column.type.duckdb) for column in result.columns)
    return Route("empty", "the table has no files.", columns, EmptySource(columns))


def _published(table: LakeTable, version: int) -> DeltaTable:
    options = table.storage.options or None
    return open_snapshot(table.location, version=version, storage_options=options)


def _some_files(table: LakeTable, version: int, removed: Collection[str], *, gone: bool) -> Route:
    """The route to the files that go, or to those that stay."""
    snapshot = _published(table, version)
    route = plan_table(table, snapshot)
    wanted = {f.uri for f in list_files(snapshot) if (f.path in set(removed)) is gone}
    if not isinstance(route.source, FilesSource):
        if route.kind == "empty":
            return route
        raise UnsupportedTableError(f"{table.name} cannot be read file by file.")
    kept = route.source.only(wanted)
    source = kept if kept.groups else EmptySource(route.columns)
    return Route(route.kind, route.reason, route.columns, source)
