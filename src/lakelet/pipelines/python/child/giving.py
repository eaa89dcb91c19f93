"""Sending what a function returned: one stream of Arrow batches of one schema."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from queue import Full, Queue
from typing import TYPE_CHECKING, Any

import duckdb

from lakelet.engines.connection import prepare
from lakelet.engines.duckdb_types import from_duckdb
from lakelet.errors import PipelineError, SchemaError, nearest
from lakelet.lake.names import literal, quote
from lakelet.lake.types import Column, Primitive
from lakelet.loading.fit.json_sql import structure
from lakelet.loading.fit.json_text import Pairs, dump_json
from lakelet.loading.fit.python_values import json_value
from lakelet.pipelines.python.child.kinds import columns_of_rows, plain
from lakelet.pipelines.python.child.pieces import Piece

if TYPE_CHECKING:
    from arro3.core import Field, RecordBatch, Schema

__all__ = ("Giver", "send")

_ROWS = 1 << 17
_AHEAD = 2


class Giver:
    """Makes batches of one schema out of pieces.

    Attributes:
        declared: the dataset's declared columns, or None.
        known: columns to give where there is no row and nothing is declared.
        zone: the workspace's time zone.
    """

    def __init__(
        self, declared: Sequence[Column] | None, known: Sequence[Column] | None, zone: str
    ) -> None:
        self.declared = declared
        self.known = known
        self.engine = duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False})
        prepare(self.engine, zone)
        self._rows = 0

    def give(self, pieces: Iterator[Piece]) -> tuple[Schema, Iterator[RecordBatch]]:
        """The schema, and the batches as they are made.

        Raises:
            PipelineError: pieces that do not fit one another, or no row and no columns.
        """
        columns = self.declared
        for piece in pieces:
            if isinstance(piece, list):
                columns = columns or columns_of_rows(piece)
                first = self._of_rows(piece, columns)
            else:
                schema, batches = self._filled(piece)
                columns = columns or self._columns(schema)
                return schema, chain(batches, self._rest(pieces, schema, columns))
            return first[0].schema, chain(first, self._rest(pieces, first[0].schema, columns))
        columns = columns or self.known
        if not columns:
            raise PipelineError(
                "it gave no row, so that its columns are not known; nothing was published.",
                hint='declare them: schema="id BIGINT, title STRING" in the decorator.',
            )
        empty = self._arrow(f"SELECT {_typed(columns)} WHERE false")
        return empty.schema, iter(())

    def _rest(
        self, pieces: Iterator[Piece], schema: Schema, columns: Sequence[Column]
    ) -> Iterator[RecordBatch]:
        for piece in pieces:
            if isinstance(piece, list):
                batches: Iterator[RecordBatch] = iter(self._of_rows(piece, columns))
            else:
                _, batches = self._filled(piece)
            for batch in batches:
                yield self._fitted(batch, schema)

    def _fitted(self, batch: RecordBatch, schema: Schema) -> RecordBatch:
        """A later batch with the first one's columns."""
        if batch.schema == schema:
            return batch
        if sorted(batch.schema.names) == sorted(schema.names):
            batch = batch.select(schema.names)
        for ours, theirs in zip(_fields(schema), _fields(batch.schema), strict=False):
            if ours.name != theirs.name:
                break
            if ours.type != theirs.type:
                kinds = [
                    next(c.type.sql for c in self._columns(one) if c.name == ours.name)
                    for one in (schema, batch.schema)
                ]
                raise PipelineError(
                    f"the column {ours.name} is {kinds[0]} in its first rows and {kinds[1]} in "
                    "later ones; nothing was published.",
                    hint="cast it before it is yielded.",
                )
        if batch.schema.names != schema.names:
            raise PipelineError(
                f"its first rows have the columns {', '.join(schema.names)}, later ones "
                f"{', '.join(batch.schema.names)}; nothing was published."
            )
        return batch.with_schema(schema)

    def _filled(self, piece: Any) -> tuple[Schema, Iterator[RecordBatch]]:
        """A reader's batches, none of them large; columns of nothing but None get a type."""
        from arro3.core import DataType, RecordBatch

        nothing = [f.name for f in _fields(piece.schema) if f.type == DataType.null()]
        if not nothing:
            return piece.schema, _cut(piece)
        wanted = {column.name.lower(): column for column in self.declared or ()}
        columns = [wanted.get(name.lower(), Column(name, Primitive("STRING"))) for name in nothing]
        typed = self._arrow(f"SELECT {_typed(columns)} WHERE false").schema
        kinds = dict(zip(nothing, _fields(typed), strict=True))

        def filled(batch: RecordBatch) -> RecordBatch:
            for index, name in enumerate(batch.schema.names):
                if name in kinds:
                    count = batch.num_rows
                    listed = f"CAST(NULL AS {columns[nothing.index(name)].type.duckdb}) AS v"
                    nulls = self._arrow(f"SELECT {listed} FROM range({count})")
                    array = nulls.column("v").combine_chunks()
                    batch = batch.set_column(index, kinds[name].with_name(name), array)
            return batch

        empty = RecordBatch.from_arrow(self._empty(piece.schema))
        return filled(empty).schema, (filled(batch) for batch in _cut(piece))

    def _empty(self, schema: Schema) -> Any:
        from arro3.core import Array, RecordBatch

        return RecordBatch.from_arrays([Array([], f.type) for f in _fields(schema)], schema=schema)

    def _columns(self, schema: Schema) -> tuple[Column, ...]:
        from arro3.core import Table

        self.engine.register("shape", Table.from_batches([], schema=schema))
        found = self.engine.sql("SELECT * FROM shape")
        kinds = zip(found.columns, found.types, strict=True)
        columns = tuple(Column(str(name), from_duckdb(str(kind))) for name, kind in kinds)
        self.engine.unregister("shape")
        return columns

    def _of_rows(
        self, rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]
    ) -> list[RecordBatch]:
        from arro3.core import Array, DataType, Table

        known = {column.name.lower(): column for column in columns}
        texts = [dump_json(self._row(row, known)) for row in rows]
        held = Table.from_arrays([Array(texts, DataType.string())], names=["record"])
        self.engine.register("held", held)
        keys = structure((column.name, column.type) for column in columns)
        selected = ", ".join(f"v.{quote(column.name)}" for column in columns)
        found = self._arrow(
            f"SELECT {selected} FROM (SELECT from_json(record, {literal(keys)}) AS v FROM held)"
        )
        self.engine.unregister("held")
        return list(found.to_batches())

    def _row(self, row: Mapping[str, Any], known: Mapping[str, Column]) -> Pairs:
        self._rows += 1
        found = []
        for name, value in row.items():
            column = known.get(str(name).lower())
            if column is None:
                close = nearest(str(name), known)
                what = "is not declared" if self.declared else "is not in its first rows"
                raise PipelineError(
                    f"row {self._rows}: the column {name} {what}; nothing was published.",
                    hint=f"did you mean {close}?" if close else "declare it: schema=…",
                )
            try:
                found.append((column.name, json_value(plain(value), column.type, column.name)))
            except SchemaError as error:
                said = error.message.replace("nothing was written", "nothing was published")
                hint = None if self.declared else "say what it is: schema=… in the decorator."
                raise PipelineError(f"row {self._rows}: {said}", hint=hint) from None
        return Pairs(found)

    def _arrow(self, sql: str) -> Any:
        from arro3.core import Table

        return Table.from_arrow(self.engine.sql(sql))


def _fields(schema: Schema) -> list[Field]:
    return [schema.field(index) for index in range(len(schema.names))]


def _typed(columns: Sequence[Column]) -> str:
    return ", ".join(f"CAST(NULL AS {c.type.duckdb}) AS {quote(c.name)}" for c in columns)


def _cut(batches: Any) -> Iterator[RecordBatch]:
    for batch in batches:
        for first in range(0, batch.num_rows, _ROWS):
            yield batch.slice(first, min(_ROWS, batch.num_rows - first))


def send(schema: Schema, batches: Iterator[RecordBatch], descriptor: int) -> None:
    """Write batches as an Arrow IPC stream.

    They are made here, in the thread the function runs in, and written by another: DuckDB must not
    run inside the writer's reads.

    Raises:
        PipelineError: the parent does not read any more.
    """
    from arro3.core import RecordBatchReader
    from arro3.io import write_ipc_stream

    queue: Queue[RecordBatch | None] = Queue(_AHEAD)
    failure: list[BaseException] = []

    def write() -> None:
        try:
            with os.fdopen(descriptor, "wb") as file:
                reader = RecordBatchReader.from_batches(schema, iter(queue.get, None))
                write_ipc_stream(reader, file, compression=None)
        except BaseException as error:
            failure.append(error)

    writer = threading.Thread(target=write, name="lakelet-writer")
    writer.start()
    try:
        for batch in batches:
            _put(queue, batch, failure)
    finally:
        with suppress(PipelineError):
            _put(queue, None, failure)
        writer.join()
    if failure:
        raise PipelineError(f"its rows could not be sent: {failure[0]}")


def _put(queue: Queue[Any], item: Any, failure: Sequence[BaseException]) -> None:
    while True:
        if failure:
            raise PipelineError(f"its rows could not be sent: {failure[0]}")
        try:
            queue.put(item, timeout=0.1)
            return
        except Full:
            continue
