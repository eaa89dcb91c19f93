"""One batch of files into a table, in an order that a kill at any moment cannot harm.

1. The rows are staged beside the table, where nobody sees them.
2. The ledger gets the batch's entries, the companion table its rejected rows. Both count only
   once the table's log holds the batch.
3. One commit takes the staged rows in and names the batch (`commit`). From here on the files are
   loaded.

A batch whose third step never came is taken back by whoever loads next (`recover`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import duckdb

from lakelet.errors import LakeletError, SchemaError
from lakelet.lake import Lake, LakeTable
from lakelet.lake.handover import handed_over
from lakelet.lake.staging import STAGED_PREFIX, Staged, discard, stage
from lakelet.lake.table import columns_of
from lakelet.lake.types import Column, DataType
from lakelet.loading.convert import CHUNK, Converter, Counts, make_tables, name_sources
from lakelet.loading.fit.examine import path_of
from lakelet.loading.inference.columns import new_columns
from lakelet.loading.inference.nested import fields_of, grown_types
from lakelet.loading.ledger import TRANSACTION, Entry, Ledger
from lakelet.loading.look import look_at, look_at_spool
from lakelet.loading.planned_table import PlannedTable
from lakelet.loading.records.block import Block, FileUnreadableError
from lakelet.loading.rejects import discard_rejects
from lakelet.loading.shape import Shape
from lakelet.loading.source_file import FileChangedError, Layout, SourceFile
from lakelet.loading.widening import Widened, widen_columns

__all__ = ("Batch", "recover")

LABEL = STAGED_PREFIX + "load-"


class _FileFailedError(Exception):
    """A file failed after some of its rows were already handed on; the batch begins again."""


@dataclass
class Batch:
    """Files on their way into a table.

    Attributes:
        connection: a connection of the load's own.
        zone: the time zone of text without one.
        tolerance: the share of a new field's values its type must fit.
        hints: types by name in lower case.
        evolve: ``add``, ``widen``, ``rescue`` or ``fail``.
        lines: whether every row tells its place: see `Converter`.
        widen_limit: the most bytes that widening a column may rewrite.
        widened: columns that were widened, or not and why; None before that was tried.
        stop: asked between files; True ends the batch with the files so far.
        progress: told of every block read.
        quarantined: files that cannot be read, with the reason.
        changed: files that changed while they were read.
        done: files that were read to the end.
        names: columns that CSV headers name, as far as a first look learned them.
    """

    connection: duckdb.DuckDBPyConnection
    sources: list[SourceFile]
    zone: str
    tolerance: float
    hints: dict[str, DataType]
    evolve: str
    lines: bool = False
    widen_limit: int = 0
    widened: Widened | None = None
    stop: Callable[[], bool] = lambda: False
    progress: Callable[[SourceFile], None] = lambda _: None
    quarantined: dict[int, str] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)
    done: set[int] = field(default_factory=set)
    names: frozenset[str] = frozenset()
    counts: dict[int, Counts] = field(default_factory=dict)

    def look(self, others: tuple[str, ...] = (), *, into: Shape | None = None) -> list[Column]:
        """The columns that the files ask for, all values seen.

        Args:
            others: names that are taken besides.
            into: the columns there are already; then only what comes new, fields inside STRUCT
                columns by their path.
        """
        make_tables(self.connection)
        while True:
            try:
                root = look_at(self.connection, self.blocks())
            except _FileFailedError:
                continue
            if into is None and self._learn_headers():
                continue
            shape = into or Shape(())
            columns = new_columns(
                root, shape, self._hints(), tolerance=self.tolerance, others=others
            )
            grown = grown_types(root, shape, self._hints(), tolerance=self.tolerance)
            return columns + _added(shape, grown)

    def _learn_headers(self) -> bool:
        """Take what one file's header names for a header in the others; whether one has it.

        Of a file that holds nothing but text, nothing else tells its header from a row.
        """
        known = frozenset(name.lower() for source in self.sources for name in source.named)
        if known <= self.names:
            return False
        self.names = known
        found = False
        for source in self.sources:
            source.names = known
            if source.decided and not source.named and source.index in self.done:
                with suppress(FileUnreadableError, FileChangedError):
                    next(source.blocks(), None)
                found = found or bool(source.named)
        return found

    def stage(self, table: LakeTable, number: int) -> tuple[list[Staged], list[Column]]:
        """Write the rows beside the table, adding columns for new fields where that is wanted.

        Returns:
            What was staged, and what was added to the table: columns, and fields inside STRUCT
            columns, which are named by their path.

        Raises:
            SchemaError: ``evolve`` is ``fail`` and a record has a field the table does not know.
        """
        while True:
            make_tables(self.connection)
            name_sources(self.connection, self.sources)
            converter = self._converter(table, spool=self.evolve != "rescue")
            self.done.clear()
            staged = self._staged(table, number, converter, converter.rows(self.blocks()))
            if staged is not None and not self._widen(table, converter):
                break
            remove_staged(table, number)
        self.counts = converter.counts
        found, columns = [staged], []
        if self.connection.execute("SELECT 1 FROM spool LIMIT 1").fetchall():
            if self.evolve == "fail":
                self._forget(table, [staged])
                raise self._difference(table, converter)
            planned = PlannedTable.of(table)
            columns = self._evolve(planned, converter)
            second = self._converter(planned, spool=False)
            second.counts = converter.counts
            rows = second.spooled_rows(converter.headers)
            try:
                more = self._staged(planned, number, second, rows)
            except LakeletError:
                self._forget(table, found)
                raise
            assert more is not None
            found.append(more)
            planned.make_real(table)
        return [one for one in found if one.adds], columns

    def _widen(self, table: LakeTable, converter: Converter) -> bool:
        """Widen columns for values that did not fit; True where all must be read again."""
        if self.evolve != "widen" or self.widened is not None:
            return False
        seen = look_at_spool(self.connection, converter.headers)
        self.widened = widen_columns(
            table, self.connection, self._shape(table), seen, self.widen_limit
        )
        return bool(self.widened.done)

    def _converter(self, table: LakeTable, *, spool: bool) -> Converter:
        return Converter(
            self.connection,
            self._shape(table),
            self.zone,
            spool=spool,
            misfits=self.evolve == "widen" and self.widened is None,
            lines=self.lines,
        )

    def _hints(self) -> dict[str, DataType]:
        """Types that are known: told by a person, else declared by the files."""
        declared = {c.name.lower(): c.type for s in self.sources for c in s.declared}
        return {**declared, **self.hints}

    def _shape(self, table: LakeTable) -> Shape:
        snapshot = table.open()
        return Shape.of(columns_of(snapshot), snapshot.metadata().partition_columns)

    def _evolve(self, table: LakeTable, converter: Converter) -> list[Column]:
        shape = self._shape(table)
        root = look_at_spool(self.connection, converter.headers)
        columns = new_columns(root, shape, self._hints(), tolerance=self.tolerance)
        if columns:
            table.add_columns(columns)
        grown = grown_types(root, shape, self._hints(), tolerance=self.tolerance)
        if grown:
            table.grow_columns(grown)
        return columns + _added(shape, grown)

    def _difference(self, table: LakeTable, converter: Converter) -> SchemaError:
        root = look_at_spool(self.connection, converter.headers)
        shape = self._shape(table)
        columns = new_columns(root, shape, self._hints(), tolerance=self.tolerance)
        columns += _added(shape, grown_types(root, shape, self._hints(), tolerance=self.tolerance))
        rows = [converter.unknown.get(column.name, 0) for column in columns]
        shown = ", ".join(
            f"{c.name} {c.type.sql} ({count} {'row' if count == 1 else 'rows'})"
            for c, count in zip(columns, rows, strict=True)
        )
        return SchemaError(
            f"the files have fields that {table.name} does not: {shown or 'under other names'}; "
            "nothing was loaded.",
            hint="--evolve add makes columns of them, --evolve rescue keeps them aside.",
        )

    def _staged(
        self, table: LakeTable, number: int, converter: Converter, rows: Iterator[Any]
    ) -> Staged | None:
        """Stage rows; None where a file failed and all must be read again without it."""
        from arro3.core import RecordBatchReader

        failure: list[BaseException] = []

        def watched() -> Generator[Any]:
            try:
                yield from handed_over(rows)
            except Exception as error:
                failure.append(error)
                raise

        batches = watched()
        try:
            first = next(batches, None)
            if first is None:
                return Staged("", (), 0)
            stream = RecordBatchReader.from_batches(converter.schema, chain([first], batches))
            return stage(
                table.open(), table.location, table.storage, stream, label=f"load-{number}-",
                name=str(table.name),
            )  # fmt: skip
        except Exception:
            # What the writer reports is only that its input failed; the cause is what counts.
            if not failure:
                raise
            if not isinstance(failure[0], _FileFailedError):
                raise failure[0] from None
        finally:
            batches.close()
        remove_staged(table, number)
        return None

    def _forget(self, table: LakeTable, staged: list[Staged]) -> None:
        for one in staged:
            if one.folder:
                discard(table.location, table.storage, one.folder)

    def blocks(self) -> Iterator[tuple[SourceFile, Layout, Block]]:
        """The blocks of all files that can be read; a small file's come all or not at all."""
        for source in self.sources:
            if source.index in self.quarantined or source.index in self.changed:
                continue
            if self.stop():
                return
            source.bytes_read = 0
            yield from self._blocks_of(source)
            if source.index not in self.quarantined and source.index not in self.changed:
                self.done.add(source.index)

    def _blocks_of(self, source: SourceFile) -> Iterator[tuple[SourceFile, Layout, Block]]:
        waiting: list[tuple[SourceFile, Layout, Block]] = []
        size, handed_on = 0, False
        try:
            for layout, block in source.blocks():
                self.progress(source)
                waiting.append((source, layout, block))
                size += block.size
                if size > CHUNK:
                    handed_on = True
                    yield from waiting
                    waiting = []
        except FileUnreadableError as error:
            self.quarantined[source.index] = str(error)
        except FileChangedError:
            self.changed.add(source.index)
        else:
            yield from waiting
            return
        if handed_on:
            raise _FileFailedError

    def entries(self, found: Callable[[SourceFile], Any]) -> list[Entry]:
        """The ledger's entries for the files that were read or quarantined."""
        entries = []
        for source in self.sources:
            reason = self.quarantined.get(source.index)
            if reason is not None:
                entries.append(Entry(found(source), 0, 0, 0, "quarantined", reason))
            elif source.index in self.done:
                c = self.counts.get(source.index, Counts())
                entries.append(Entry(found(source), c.kept, c.rescued, c.rejected, "loaded"))
        return entries


def _added(shape: Shape, grown: Mapping[str, DataType]) -> list[Column]:
    """The fields that grown types have more, as columns named by their path."""
    return [
        column
        for field in shape.fields
        if field.column.name in grown
        for column in fields_of(field.type, grown[field.column.name], path_of(field.key))
    ]


def remove_staged(table: LakeTable, above: int) -> None:
    """Remove what batches from ``above`` on staged and, since they never counted, none uses."""
    for folder in table.storage.folders(table.location):
        number = folder.removeprefix(LABEL).split("-")[0]
        if folder.startswith(LABEL) and number.isdecimal() and int(number) >= above:
            discard(table.location, table.storage, folder)


def recover(lake: Lake, ledger: Ledger, table: LakeTable) -> int:
    """Take back what an unfinished batch left behind.

    Returns:
        The number of the last batch that counts, 0 without any.
    """
    last = table.open().transaction_version(TRANSACTION) or 0
    if ledger.last_batch(table.name) > last:
        ledger.discard(table.name, last)
        discard_rejects(lake, table.name, last)
    remove_staged(table, last + 1)
    return int(last)
