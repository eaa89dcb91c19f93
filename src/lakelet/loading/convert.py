"""Records into typed rows, chunk by chunk, with an account of every one.

A chunk of records goes to DuckDB, which picks out those that plainly fit and converts them. What
is left is looked at exactly, one record at a time: its values that fit go the same way into the
table, the others into `_rescued_data`, what is no record to the rejected rows, and what has fields
the table does not know waits in the spool until the new columns are decided.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb

from lakelet.engines.connection import prepare
from lakelet.lake.names import quote
from lakelet.loading.arrow_rows import arrow_rows, insert_rows
from lakelet.loading.fit.csv_sql import classify_csv
from lakelet.loading.fit.examine import Examined, Examiner
from lakelet.loading.fit.json_sql import classify_json, value_from_json
from lakelet.loading.fit.json_template import JsonTemplate, find_template
from lakelet.loading.places import Places, line_at, place_sql
from lakelet.loading.records.block import Block
from lakelet.loading.records.csv_cells import JOIN
from lakelet.loading.shape import METADATA, RESCUED, Shape
from lakelet.loading.source_file import Layout, SourceFile

if TYPE_CHECKING:
    from arro3.core import RecordBatch, RecordBatchReader

__all__ = ("CHUNK", "Converter", "Counts", "make_tables", "name_sources", "records_in")

CHUNK = 48 << 20
"""Characters of records that are converted at once."""
_RECORDS = {"file": "int32", "line": "int64", "record": "string"}
_REJECTS = {"file": "int32", "line": "int64", "reason": "string", "record": "string"}
_BLOCKS = 8
"""Uncut blocks, of about a mebibyte, handed to DuckDB at once."""
_WORTH = 0.3
"""The share of records that must be written alike for the attempt to be worth its while."""
_SAMPLE = 8
"""Rows that show how a CSV file's moments are written."""
_FEW = 50_000
"""Records looked at exactly before their rows are handed on."""


@dataclass(slots=True)
class Counts:
    """What became of one file's records."""

    kept: int = 0
    rescued: int = 0
    rejected: int = 0


@dataclass
class _Chunk:
    layout: Layout
    parts: list[tuple[int, Block]] = field(default_factory=list)
    size: int = 0


def make_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables in which a load keeps its account."""
    connection.execute(
        "CREATE OR REPLACE TABLE sources(file INTEGER, path VARCHAR, modified TIMESTAMPTZ);"
        "CREATE OR REPLACE TABLE rejects"
        "(file INTEGER, line BIGINT, reason VARCHAR, record VARCHAR);"
        "CREATE OR REPLACE TABLE spool(file INTEGER, line BIGINT, record VARCHAR, header INTEGER);"
    )


def name_sources(connection: duckdb.DuckDBPyConnection, sources: Iterable[SourceFile]) -> None:
    """Fill the table ``sources`` with the files' names and times, by their numbers."""
    rows = [(source.index, source.name, source.entry.modified) for source in sources]
    columns = {"file": "int32", "path": "string", "modified": "int64"}
    select = "file, path, make_timestamptz(modified)"
    insert_rows(connection, "sources", rows, columns, select=select)


@contextmanager
def records_in(
    connection: duckdb.DuckDBPyConnection,
    parts: Sequence[tuple[int, Block]],
    *,
    places: Places | None = None,
) -> Iterator[None]:
    """Blocks, by file number, as the relation ``batch(file, line, record)``, to be read once.

    With ``places`` these stand in the place of lines.
    """
    if places is not None:
        parts = [(file, places.of(file, block)) for file, block in parts]
    whole = [(file, block) for file, block in parts if block.uncut is not None]
    cut = [(file, block) for file, block in parts if block.uncut is None]
    connection.register("batch_cut", _reader(_cut(cut)))
    connection.register("batch_whole", _reader(_whole(whole)))
    selects = ["SELECT * FROM batch_cut"] if cut else []
    if whole:
        # The line stands for that of the text's first; its other lines follow.
        lines = "SELECT file, line, string_split(record, chr(10)) AS lines FROM batch_whole"
        line = "line + generate_subscripts(lines, 1) - 1"
        selects.append(
            f"SELECT * FROM (SELECT file, {place_sql(line) if places else line} AS line, "
            f"unnest(lines) AS record FROM ({lines})) WHERE record <> ''"
        )
    connection.execute(f"CREATE OR REPLACE VIEW batch AS {' UNION ALL '.join(selects)}")
    try:
        yield
    finally:
        connection.execute("DROP VIEW IF EXISTS batch")
        connection.unregister("batch_cut")
        connection.unregister("batch_whole")


def _cut(parts: Iterable[tuple[int, Block]]) -> Iterator[RecordBatch]:
    from arro3.core import Array, DataType, RecordBatch

    for index, block in parts:
        yield RecordBatch.from_arrays(
            [
                Array.from_buffer(array("i", [index]) * len(block.records)),
                Array.from_buffer(block.lines),
                Array(block.records, DataType.string()),
            ],
            names=["file", "line", "record"],
        )


def _whole(parts: Iterable[tuple[int, Block]]) -> Iterator[RecordBatch]:
    from arro3.core import Array, DataType, RecordBatch

    every = list(parts)
    for at in range(0, len(every), _BLOCKS):
        some = every[at : at + _BLOCKS]
        yield RecordBatch.from_arrays(
            [
                Array.from_buffer(array("i", [index for index, _ in some])),
                Array.from_buffer(array("q", [block.first for _, block in some])),
                Array([block.uncut for _, block in some], DataType.string()),
            ],
            names=["file", "line", "record"],
        )


def _reader(batches: Iterator[RecordBatch]) -> RecordBatchReader:
    from arro3.core import DataType, Field, RecordBatchReader, Schema

    schema = Schema(
        [
            Field("file", DataType.int32(), nullable=True),
            Field("line", DataType.int64(), nullable=True),
            Field("record", DataType.string(), nullable=True),
        ]
    )
    return RecordBatchReader.from_batches(schema, batches)


class Converter:
    """Converts records to the rows of one shape.

    Attributes:
        counts: by file number.
        unknown: keys that fill no column, with how often they had a value.
        headers: headers of spooled CSV rows.
        schema: the Arrow schema of the rows.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        shape: Shape,
        zone: str,
        *,
        spool: bool,
        misfits: bool = False,
        lines: bool = False,
    ) -> None:
        """Prepare a conversion.

        Args:
            connection: where `make_tables` was called and ``sources`` filled.
            shape: the columns.
            zone: the time zone of text without one.
            spool: whether records with unknown fields wait; otherwise those are rescued.
            misfits: whether records with values of another type wait as well.
            lines: whether every row tells its place (`lakelet.loading.places`) where otherwise
                only one with rescued values tells its line.
        """
        self.connection = connection
        self.shape = shape
        self.zone = zone
        self.spool = spool
        self.misfits = misfits
        self.places = Places() if lines else None
        self.examiner = Examiner(shape, zone)
        self.counts: dict[int, Counts] = {}
        self.unknown: dict[str, int] = {}
        self.headers: list[tuple[str, ...]] = []
        self._statements: dict[Layout, str] = {}
        self._templates: dict[Layout, JsonTemplate | None] = {}
        self.schema = self._schema()

    def _schema(self) -> Any:
        from arro3.core import RecordBatchReader

        columns = [
            f"CAST(NULL AS {f.type.duckdb}) AS {quote(f.column.name)}" for f in self.shape.fields
        ]
        empty = self.connection.sql(
            f"SELECT {', '.join([*columns, ''])}CAST(NULL AS VARCHAR) AS {RESCUED}, "
            f"{_metadata('NULL')} AS {METADATA} FROM sources s WHERE false"
        )
        return RecordBatchReader.from_stream(empty).schema

    def rows(self, blocks: Iterable[tuple[SourceFile, Layout, Block]]) -> Iterator[RecordBatch]:
        """The rows of records as Arrow batches, in the records' order but for the odd ones."""
        chunk: _Chunk | None = None
        for source, layout, block in blocks:
            self._reject_bad(source.index, block)
            if chunk is not None and (chunk.layout != layout or chunk.size > CHUNK):
                yield from self._convert(chunk)
                chunk = None
            chunk = chunk or _Chunk(layout)
            chunk.parts.append((source.index, block))
            chunk.size += block.size
        if chunk is not None:
            yield from self._convert(chunk)

    def spooled_rows(self, headers: list[tuple[str, ...]]) -> Iterator[RecordBatch]:
        """The rows of the records that waited, now that their columns are decided."""
        known = self.connection.execute("SELECT DISTINCT header FROM spool ORDER BY 1").fetchall()
        for (number,) in known:
            layout = Layout("json") if number < 0 else Layout("csv", headers[number])
            self.connection.execute(
                f"CREATE OR REPLACE VIEW batch AS SELECT file, line, record FROM spool "
                f"WHERE header = {number}"
            )
            self._classify(layout, "chunk")
            self.connection.execute("DROP VIEW batch")
            yield from self._good("chunk")
            yield from self._odd(layout)

    def _counts(self, file: int) -> Counts:
        return self.counts.setdefault(file, Counts())

    def _reject_bad(self, file: int, block: Block) -> None:
        if block.bad:
            self._reject([(file, bad.line, bad.reason, bad.text) for bad in block.bad])

    def _reject(self, rows: list[tuple[int, int, str, str]]) -> None:
        for file, *_ in rows:
            self._counts(file).rejected += 1
        insert_rows(self.connection, "rejects", rows, _REJECTS)

    def _convert(self, chunk: _Chunk) -> Iterator[RecordBatch]:
        parts = [(file, block) for file, block in chunk.parts if block]
        if not parts:
            return
        template = self._template(chunk.layout, parts[0][1])
        if chunk.layout.kind == "csv" and chunk.layout not in self._statements:
            sample = parts[0][1].records[:_SAMPLE]
            self._statements[chunk.layout] = self._statement(chunk.layout, sample)
        with records_in(self.connection, parts, places=self.places):
            if template is None:
                self._classify(chunk.layout, "chunk")
            else:
                self._create("written", template.classify(self.shape))
        if template is not None:
            yield from self._good("written")
            self._rest_of_written(chunk.layout)
        yield from self._good("chunk")
        yield from self._odd(chunk.layout)

    def _template(self, layout: Layout, block: Block) -> JsonTemplate | None:
        """The manner in which a layout's records are written, found once."""
        if layout not in self._templates:
            found = find_template(self.shape, block.records) if layout.kind == "json" else None
            self._templates[layout] = found
        return self._templates[layout]

    def _rest_of_written(self, layout: Layout) -> None:
        """Look more closely at what was not written back alike; too much of it ends the attempt."""
        ((good, every),) = self.connection.execute(
            "SELECT count(*) FILTER (ok), count(*) FROM written"
        ).fetchall()
        if good < every * _WORTH:
            self._templates[layout] = None
        self.connection.execute(
            "CREATE OR REPLACE VIEW batch AS SELECT file, line, record FROM written WHERE NOT ok"
        )
        self._classify(layout, "chunk")
        self.connection.execute("DROP VIEW batch")

    def _classify(self, layout: Layout, table: str) -> None:
        if layout not in self._statements:
            self._statements[layout] = self._statement(layout)
        self._create(table, self._statements[layout])

    def _create(self, table: str, query: str) -> None:
        for number in self.shape.texts_not_empty:
            query = f"SELECT * REPLACE (ok AND c{number} IS DISTINCT FROM '' AS ok) FROM ({query})"
        # The text of a record is needed again only where its values do not plainly fit.
        self.connection.execute(
            f"CREATE OR REPLACE TABLE {table} AS SELECT * REPLACE "
            f"(CASE WHEN NOT ok THEN record END AS record) FROM ({query})"
        )

    def _good(self, table: str) -> Iterator[RecordBatch]:
        """The rows of a classified table that plainly fit."""
        counts = self.connection.execute(
            f"SELECT file, count(*) FROM {table} WHERE ok GROUP BY file"
        ).fetchall()
        for file, kept in counts:
            self._counts(file).kept += kept
        if not counts:
            return
        # One file's name and time are constants, which cost less than a join.
        (file, _), *more = counts
        source = (
            "sources s USING (file)" if more else f"(FROM sources WHERE file = {file}) s ON true"
        )
        columns = [f"c{i} AS {quote(f.column.name)}" for i, f in enumerate(self.shape.fields)]
        yield from self._stream(
            f"SELECT {', '.join([*columns, ''])}CAST(NULL AS VARCHAR) AS {RESCUED}, "
            f"{_metadata('line' if self.places else 'NULL')} AS {METADATA} "
            f"FROM {table} JOIN {source} "
            "WHERE ok"
        )

    def _statement(self, layout: Layout, sample: Sequence[str] = ()) -> str:
        if layout.kind == "csv":
            return classify_csv(self.shape, layout.header, sample)
        if layout.kind == "json":
            return classify_json(self.shape)
        value = self.shape.find("value")
        columns = [
            f"{'record' if f is value else f'CAST(NULL AS {f.type.duckdb})'} AS c{index}, "
            for index, f in enumerate(self.shape.fields)
        ]
        return f"SELECT file, line, record, {''.join(columns)}true AS ok FROM batch"

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        """A second place to read from while the connection works on; settings are not inherited."""
        cursor = self.connection.cursor()
        prepare(cursor, self.zone)
        return cursor

    def _stream(self, query: str) -> Iterator[RecordBatch]:
        from arro3.core import RecordBatchReader

        cursor = self._cursor()
        try:
            yield from RecordBatchReader.from_stream(cursor.sql(query))
        finally:
            cursor.close()

    def _odd(self, layout: Layout) -> Iterator[RecordBatch]:
        """Look at the records of the chunk that do not plainly fit."""
        cursor = self._cursor()
        try:
            cursor.execute("SELECT file, line, record FROM chunk WHERE NOT ok")
            while rows := cursor.fetchmany(_FEW):
                yield from self._examined(layout, rows)
        finally:
            cursor.close()

    def _examined(self, layout: Layout, rows: list[tuple[int, int, str]]) -> Iterator[RecordBatch]:
        fixed: list[tuple[int, int, str, str | None]] = []
        rejected: list[tuple[int, int, str, str]] = []
        waiting: list[tuple[int, int, str]] = []
        for file, line, record in rows:
            found = self._examine(layout, record)
            for key in found.unknown:
                self.unknown[key] = self.unknown.get(key, 0) + 1
            if found.record is None:
                if record.strip() or layout.kind == "csv":
                    line = line_at(line) if self.places else line
                    rejected.append((file, line, found.reason, _raw(layout, record)))
            elif self._must_wait(found):
                waiting.append((file, line, record))
            else:
                fixed.append((file, line, found.record, found.rescued))
        if rejected:
            self._reject(rejected)
        if waiting:
            self._wait(layout, waiting)
        if fixed:
            yield from self._fixed(fixed)

    def _must_wait(self, found: Examined) -> bool:
        return self.spool and bool(found.unknown or (self.misfits and found.rescued))

    def _examine(self, layout: Layout, record: str) -> Examined:
        if layout.kind == "csv":
            return self.examiner.csv(record, layout.header)
        return self.examiner.json(record)

    def _wait(self, layout: Layout, rows: list[tuple[int, int, str]]) -> None:
        number = -1
        if layout.kind == "csv":
            if layout.header not in self.headers:
                self.headers.append(layout.header)
            number = self.headers.index(layout.header)
        insert_rows(self.connection, "spool", rows, _RECORDS, select=f"*, {number}")

    def _fixed(self, rows: list[tuple[int, int, str, str | None]]) -> Iterator[RecordBatch]:
        for file, _, _, rescued in rows:
            counts = self._counts(file)
            counts.kept += 1
            counts.rescued += rescued is not None
        self.connection.register("arrived", arrow_rows(rows, {**_RECORDS, "rescued": "string"}))
        self.connection.execute("CREATE OR REPLACE TABLE fixed AS SELECT * FROM arrived")
        self.connection.unregister("arrived")
        columns = [f"v.{quote(f.column.name)}" for f in self.shape.fields]
        line = "line" if self.places else "CASE WHEN rescued IS NOT NULL THEN line END"
        yield from self._stream(
            f"SELECT {', '.join([*columns, ''])}rescued AS {RESCUED}, "
            f"{_metadata(line)} AS {METADATA} "
            f"FROM (SELECT *, {value_from_json(self.shape)} AS v FROM fixed) "
            "JOIN sources s USING (file)"
        )


def _metadata(line: str) -> str:
    return (
        "{'file_path': s.path, 'file_modification_time': s.modified, "
        f"'line': CAST({line} AS BIGINT)}}"
    )


def _raw(layout: Layout, record: str) -> str:
    return record.replace(JOIN, layout.delimiter) if layout.kind == "csv" else record
