"""Frames of any make as rows that fit a table, strictly: nothing is cast into something else.

delta-rs would turn ``'1.5'`` into a number without a word. Here a column must have the table's
type, or one whose every value the table's type holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import duckdb

from lakelet.engines.duckdb_types import has_null, with_nulls
from lakelet.errors import SchemaError, nearest
from lakelet.lake.names import literal, quote
from lakelet.lake.types import Array, Column, DataType, Decimal, Map, Primitive, Struct
from lakelet.loading.fit.json_sql import structure
from lakelet.loading.fit.json_text import Pairs, dump_json
from lakelet.loading.fit.python_values import json_value

__all__ = ("attach_frame", "fractions_told")

_ZONE = "it has no zone: say which it is of, such as .dt.tz_localize('UTC')."
_INTEGERS = ("TINYINT", "SMALLINT", "INT", "BIGINT")
# pandas counts nanoseconds unless told otherwise; Delta's moments are whole microseconds.
_NANOSECONDS = {"TIMESTAMP_NS": "TIMESTAMP", "TIMESTAMPTZ_NS": "TIMESTAMP WITH TIME ZONE"}
_FRACTIONS = "has moments with fractions of a microsecond"
_DIGITS = {"TINYINT": 3, "SMALLINT": 5, "INT": 10, "BIGINT": 19}


def attach_frame(
    connection: duckdb.DuckDBPyConnection, frame: Any, columns: Sequence[Column], *, table: str
) -> str:
    """Make a frame readable on a connection as rows of a table.

    Args:
        connection: where the frame becomes ``"lakelet frame"``, readable once.
        frame: anything with an Arrow stream (Arrow, Polars, pandas, a DuckDB relation or result),
            a list of dictionaries, or an iterator of Arrow batches.
        columns: the table's columns.
        table: the table's name, for messages.

    Returns:
        A SELECT of all the table's columns; those the frame lacks are NULL.

    Raises:
        SchemaError: a column the table does not have, or of a type it cannot hold.
    """
    if isinstance(frame, Mapping):
        raise SchemaError("a single dictionary is no frame.", hint="put it into a list.")
    if isinstance(frame, list | tuple):
        return _attach_dicts(connection, frame, columns, table)
    texts = _attach_stream(connection, frame)
    known = {column.name.lower(): column for column in columns}
    for name, text in texts.items():
        _check(name, with_nulls(_NANOSECONDS.get(text, text)), known, table)
    given = {name.lower(): name for name in texts}
    selected = [
        f"CAST({_exact(given[c.name.lower()], texts, table)} AS {c.type.duckdb}) AS {quote(c.name)}"
        if c.name.lower() in given
        else f"CAST(NULL AS {c.type.duckdb}) AS {quote(c.name)}"
        for c in columns
    ]
    return f'SELECT {", ".join(selected)} FROM "lakelet frame"'


def _exact(name: str, texts: Mapping[str, str], table: str) -> str:
    """A column as it is read; one of nanoseconds is refused where its cast would round."""
    if texts[name] not in _NANOSECONDS:
        return quote(name)
    said = literal(f"{table}: the column {name} {_FRACTIONS}; nothing was written.")
    return (
        f"CASE WHEN epoch_ns({quote(name)}) % 1000 <> 0 THEN error({said}) "
        f"ELSE CAST({quote(name)} AS {_NANOSECONDS[texts[name]]}) END"
    )


@contextmanager
def fractions_told() -> Iterator[None]:
    """Raise what `attach_frame` says of fractions of a microsecond as the error it is.

    Raises:
        SchemaError: a row read in the body has some.
    """
    try:
        yield
    except duckdb.InvalidInputException as error:
        text = str(error).removeprefix("Invalid Input Error: ")
        if _FRACTIONS not in text:
            raise
        hint = "round them, such as .dt.round('us'), or keep them as BIGINT or STRING."
        raise SchemaError(text, hint=hint) from None


def _check(name: str, kind: DataType, known: Mapping[str, Column], table: str) -> None:
    column = known.get(name.lower())
    if column is None:
        close = nearest(name, known)
        raise SchemaError(
            f"{table} has no column {name!r}; nothing was written.",
            hint=f"did you mean {close!r}?"
            if close
            else f"ALTER TABLE {table} ADD COLUMN adds one.",
        )
    if not _holds(column.type, kind):
        raise SchemaError(
            f"{table}: the column {column.name} is {column.type.sql}, the data is {kind.sql}; "
            "nothing was written.",
            hint=_ZONE
            if (column.type, kind) == (Primitive("TIMESTAMP"), Primitive("TIMESTAMP_NTZ"))
            else f"cast it to {column.type.sql} first, where that loses nothing.",
        )


def _holds(column: DataType, value: DataType) -> bool:
    """Whether a column's type holds every value of another type."""
    if column == value or value == Primitive("VOID"):
        return True
    if isinstance(column, Struct) and isinstance(value, Struct):
        types = dict(column.fields)
        return all(name in types and _holds(types[name], kind) for name, kind in value.fields)
    if isinstance(column, Array) and isinstance(value, Array):
        return _holds(column.element, value.element)
    if isinstance(column, Map) and isinstance(value, Map):
        return _holds(column.key, value.key) and _holds(column.value, value.value)
    if isinstance(column, Decimal):
        return _decimal_holds(column, value)
    if not (isinstance(column, Primitive) and isinstance(value, Primitive)):
        return False
    if column.name in _INTEGERS and value.name in _INTEGERS:
        return _INTEGERS.index(column.name) >= _INTEGERS.index(value.name)
    if column.name == "DOUBLE":
        return value.name in ("FLOAT", "INT", "SMALLINT", "TINYINT")
    return False


def _decimal_holds(column: Decimal, value: DataType) -> bool:
    whole = column.precision - column.scale
    if isinstance(value, Decimal):
        return column.scale >= value.scale and whole >= value.precision - value.scale
    return isinstance(value, Primitive) and whole >= _DIGITS.get(value.name, 99)


def _attach_stream(connection: duckdb.DuckDBPyConnection, frame: Any) -> dict[str, str]:
    """Make a stream readable; its columns with DuckDB's names of their types."""
    from arro3.core import RecordBatchReader, Table

    if hasattr(frame, "__arrow_c_stream__"):
        reader = RecordBatchReader.from_stream(frame)
    elif isinstance(frame, Iterator) or hasattr(frame, "__iter__"):
        reader = _reader_of(frame)
    else:
        raise SchemaError(
            f"a {type(frame).__name__} is no frame; nothing was written.",
            hint="give Arrow, Polars, pandas, a DuckDB relation, a list of dictionaries, or an "
            "iterator of Arrow batches.",
        )
    connection.register("lakelet empty", Table.from_batches([], schema=reader.schema))
    relation = connection.sql('SELECT * FROM "lakelet empty"')
    texts = dict(zip(relation.columns, map(str, relation.types), strict=True))
    connection.unregister("lakelet empty")
    if any(map(has_null, texts.values())):
        reader = _with_bitmaps(frame, reader)
    connection.register("lakelet frame", reader)
    return texts


def _with_bitmaps(frame: Any, reader: Any) -> Any:
    """A Polars frame's stream with BOOLEAN in the place of the type of NULL alone.

    Polars hands that type over with a buffer it must not have, and no reader takes it ("The Arrow
    Columnar Format", "Null layout").
    """
    if type(frame).__module__.split(".")[0] != "polars":
        return reader
    import polars as pl
    from arro3.core import RecordBatchReader

    def typed(kind: Any) -> Any:
        if isinstance(kind, pl.Struct):
            return pl.Struct({field.name: typed(field.dtype) for field in kind.fields})
        if isinstance(kind, pl.List):
            return pl.List(typed(kind.inner))
        return pl.Boolean() if kind == pl.Null else kind

    return RecordBatchReader.from_stream(frame.cast({n: typed(k) for n, k in frame.schema.items()}))


def _reader_of(batches: Iterable[Any]) -> Any:
    from arro3.core import RecordBatch, RecordBatchReader

    iterator = iter(batches)
    first = next(iterator, None)
    if first is None or not hasattr(first, "__arrow_c_array__"):
        raise SchemaError("the iterator yields no Arrow batches; nothing was written.")
    first = RecordBatch.from_arrow(first)
    rest = (RecordBatch.from_arrow(batch) for batch in iterator)
    return RecordBatchReader.from_batches(first.schema, chain([first], rest))


def _attach_dicts(
    connection: duckdb.DuckDBPyConnection,
    rows: Sequence[Any],
    columns: Sequence[Column],
    table: str,
) -> str:
    from arro3.core import Array as ArrowArray
    from arro3.core import DataType as ArrowType
    from arro3.core import Table

    known = {column.name.lower(): column for column in columns}
    texts = [dump_json(_row(row, known, table)) for row in rows]
    arrow = Table.from_arrays([ArrowArray(texts, ArrowType.string())], names=["record"])
    connection.register("lakelet frame", arrow)
    keys = structure((column.name, column.type) for column in columns)
    selected = ", ".join(f"v.{quote(column.name)}" for column in columns)
    return (
        f"SELECT {selected} FROM "
        f'(SELECT from_json(record, {literal(keys)}) AS v FROM "lakelet frame")'
    )


def _row(row: Any, known: Mapping[str, Column], table: str) -> Pairs:
    if not isinstance(row, Mapping):
        raise SchemaError(
            f"a row is a {type(row).__name__}, not a dictionary; nothing was written."
        )
    found = []
    for name, value in row.items():
        column = known.get(str(name).lower())
        if column is None:
            _check(str(name), Primitive("VOID"), known, table)
            continue
        found.append((column.name, json_value(value, column.type, f"{table}: {column.name}")))
    return Pairs(found)
