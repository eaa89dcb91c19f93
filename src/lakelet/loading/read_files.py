"""`read_files`: raw files as rows of a query, by the loader's own rules, without a table or ledger.

Source: Databricks SQL reference, "read_files table-valued function".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from lakelet.errors import LoadError, SettingsError
from lakelet.lake import Lake
from lakelet.lake.handover import handed_over
from lakelet.lake.names import quote
from lakelet.lake.type_text import parse_columns
from lakelet.lake.types import Column
from lakelet.loading.batch import Batch
from lakelet.loading.connection import loading_connection
from lakelet.loading.convert import Converter, make_tables, name_sources
from lakelet.loading.discovery import FoundFile, discover, tell_files
from lakelet.loading.given_hints import unused_hints
from lakelet.loading.inference.columns import hinted
from lakelet.loading.options import OPTION_NAMES, ReadOptions, parse_options
from lakelet.loading.shape import METADATA, RESCUED, Shape
from lakelet.loading.source_file import SourceFile
from lakelet.workspace.quantities import counted

__all__ = ("FilesRead", "read_files")

_TOLD = 5  # files that are named
_OWN = ("schema", "schemahints")


def read_files(
    lake: Lake,
    path: str,
    options: Mapping[str, object],
    *,
    base: Path,
    metadata: bool,
    warn: Callable[[str], None] = lambda _text: None,
) -> FilesRead:
    """Files to be read by a query.

    Args:
        lake: whose volumes and settings count.
        path: file, folder, glob, volume path or URL.
        options: `format`, CSV options, ``schemaHints`` and ``schema``.
        base: where a relative path starts.
        metadata: whether the query names ``_metadata``.
        warn: told of the records that are none, which are not among the rows.

    Raises:
        SettingsError: an unknown option, with the nearest name.
        LoadError: nothing to read there.
    """
    given = {name.lower(): value for name, value in options.items()}
    for name in options:
        if name.lower() not in {
            known.lower() for known in (*OPTION_NAMES, "schemaHints", "schema")
        }:
            known = (*OPTION_NAMES, "schemaHints", "schema")
            raise SettingsError.unknown(name, known, where="read_files")
    rest = {name: value for name, value in given.items() if name not in _OWN}
    found = tuple(discover(lake.workspace, path, base=base))
    tell_files(lake.workspace, path, found)
    return FilesRead(
        lake,
        found,
        parse_options(rest),
        parse_columns(str(given.get("schemahints") or "")),
        parse_columns(str(given.get("schema") or "")),
        metadata,
        warn,
    )


@dataclass(frozen=True)
class FilesRead:
    """Files that a query reads when it runs.

    Attributes:
        lake: whose settings count.
        found: the files, as listed when the query was bound.
        options: how they are read.
        hints: types of some columns.
        schema: the columns, if the query says them all.
        metadata: whether ``_metadata`` is among the columns.
        warn: told of the records that are none.
    """

    lake: Lake
    found: tuple[FoundFile, ...]
    options: ReadOptions
    hints: tuple[Column, ...]
    schema: tuple[Column, ...]
    metadata: bool
    warn: Callable[[str], None]

    def attach(self, connection: duckdb.DuckDBPyConnection, view: str) -> None:
        """Read the files and make their rows a table of that name on a connection.

        Raises:
            LoadError: a file cannot be read; a query must not pass over it in silence.
        """
        from arro3.core import RecordBatchReader

        loading = loading_connection(self.lake.workspace)
        try:
            batch = self._batch(loading)
            columns = list(self.schema) or batch.look()
            for hint in unused_hints(columns, self.hints):
                self.warn(f"read_files: the hint {hint} matches no column of these files.")
            self._refuse_unreadable(batch)
            make_tables(loading)
            name_sources(loading, batch.sources)
            converter = Converter(loading, Shape.of(columns), batch.zone, spool=False)
            # In a thread of its own: DuckDB must not run inside a read of another DuckDB.
            rows: Iterator[Any] = handed_over(converter.rows(batch.blocks()))
            connection.register(
                "lakelet read", RecordBatchReader.from_batches(converter.schema, rows)
            )
            selected = [quote(column.name) for column in columns] + [RESCUED]
            selected += [METADATA] if self.metadata else []
            connection.execute(
                f'CREATE TABLE {view} AS SELECT {", ".join(selected)} FROM "lakelet read"'
            )
            connection.unregister("lakelet read")
            self._refuse_unreadable(batch)
            self._tell_left_out(loading)
        finally:
            loading.close()

    def _tell_left_out(self, loading: duckdb.DuckDBPyConnection) -> None:
        """A row less in a query is not seen by anyone: each file's are told, with the first."""
        found = loading.execute(
            "SELECT s.path, count(*), min(line), arg_min(reason, line) "
            "FROM rejects JOIN sources s USING (file) GROUP BY ALL ORDER BY 1"
        ).fetchall()
        for path, count, line, reason in found[:_TOLD]:
            what = counted(count, "record is", "records are")
            first = "" if count == 1 else "the first, "
            self.warn(
                f"read_files: {what} no row of the result, in {path}: {first}line {line}, {reason}."
            )
        if more := found[_TOLD:]:
            records = sum(count for _, count, *_ in more)
            self.warn(
                f"read_files: so {'is' if records == 1 else 'are'} {records:,} in "
                f"{counted(len(more), 'more file')}."
            )
        if found:
            self.warn("`lakelet load` keeps such records in the table's __rejected rows.")

    def _batch(self, loading: duckdb.DuckDBPyConnection) -> Batch:
        settings = self.lake.workspace.settings
        temp = self.lake.workspace.temp
        sources = [
            SourceFile(index, file.name, file.entry, file.storage, self.options, temp)
            for index, file in enumerate(self.found)
        ]
        return Batch(
            loading, sources, zone=settings.time_zone, tolerance=settings.loading.tolerance,
            hints=hinted(self.hints), evolve="rescue",
        )  # fmt: skip

    def _refuse_unreadable(self, batch: Batch) -> None:
        if batch.quarantined:
            index, reason = next(iter(batch.quarantined.items()))
            raise LoadError(
                f"read_files: {self.found[index].name} cannot be read: {reason}.",
                hint="name the files that can, for example with a pattern; `lakelet load` sets "
                "such a file aside and loads the others.",
            )
        if batch.changed:
            raise LoadError("read_files: a file changed while it was read; run the query again.")
