"""Rows of a Parquet file as JSON records, with the types the file itself declares.

From here on they go the way of all records, so that late columns, values of another type and
merges by key mean the same as for JSON.
"""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Iterator
from pathlib import Path

import duckdb

from lakelet.engines.connection import prepare
from lakelet.engines.duckdb_types import from_duckdb
from lakelet.errors import SchemaError
from lakelet.lake.names import quote
from lakelet.lake.types import Array, Column, DataType, Map, Primitive, Struct
from lakelet.loading.records.block import Block, FileUnreadableError
from lakelet.loading.records.bytes import Readable
from lakelet.workspace.steps import declare, step

__all__ = ("local_parquet", "parquet_blocks", "parquet_columns")

_FETCH = declare("load.fetch", "a Parquet file of a bucket is in the folder for temporary files")
_ROWS = 20_000
_BINARY = Primitive("BINARY")
# Moments are to the microsecond in Delta (Delta Transaction Log Protocol, "Primitive Types"); one
# that says more is text of nine digits, which fits no such column and is rescued. It has no times.
_MEANT = (
    (re.compile(r"\bTIMESTAMPTZ_NS(?=[,)\[]|$)"), "TIMESTAMP WITH TIME ZONE"),
    (re.compile(r"\bTIMESTAMP_NS(?=[,)\[]|$)"), "TIMESTAMP"),
    (re.compile(r"\b(?:TIME WITH TIME ZONE|TIMETZ|TIME_NS|TIME)(?=[,)\[]|$)"), "VARCHAR"),
)
# DuckDB reads these as DOUBLE, without a word.
_LONG_DECIMALS = "SELECT name, precision FROM parquet_schema(?) WHERE precision > 38 LIMIT 1"


def parquet_columns(path: str) -> list[Column]:
    """The columns a Parquet file declares.

    Raises:
        FileUnreadableError: it is no Parquet file, or holds a type that JSON or Delta has no
            form for.
    """
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        try:
            relation = connection.read_parquet(path)
            pairs = list(zip(relation.columns, map(str, relation.types), strict=True))
            long = connection.execute(_LONG_DECIMALS, [path]).fetchone()
        except duckdb.Error as error:
            raise _unreadable(error) from None
    if long is not None:
        reason = f"its column {long[0]} is a DECIMAL of {long[1]} digits; a Delta table holds 38"
        raise FileUnreadableError(reason)
    columns = [_column(name, kind) for name, kind in pairs]
    for column in columns:
        if _has_bytes_as_keys(column.type):
            reason = (
                f"its column {column.name} is a MAP with BINARY keys, which JSON has no form for"
            )
            raise FileUnreadableError(reason)
    return columns


def _column(name: str, kind: str) -> Column:
    for written, meant in _MEANT:
        kind = written.sub(meant, kind)
    try:
        return Column(name, from_duckdb(kind))
    except SchemaError:
        reason = f"its column {name} is of type {kind}, which Delta tables have no place for"
        raise FileUnreadableError(reason) from None


def _has_bytes_as_keys(kind: DataType) -> bool:
    if isinstance(kind, Map):
        return _holds_bytes(kind.key) or _has_bytes_as_keys(kind.value)
    if isinstance(kind, Array):
        return _has_bytes_as_keys(kind.element)
    return isinstance(kind, Struct) and any(_has_bytes_as_keys(k) for _, k in kind.fields)


def _holds_bytes(kind: DataType) -> bool:
    if isinstance(kind, Array):
        return _holds_bytes(kind.element)
    if isinstance(kind, Map):
        return _holds_bytes(kind.value) or _holds_bytes(kind.key)
    if isinstance(kind, Struct):
        return any(_holds_bytes(inner) for _, inner in kind.fields)
    return kind == _BINARY


def _as_text(kind: DataType, value: str, depth: int = 0) -> str:
    """An SQL expression for a value with base64 (RFC 4648) in the place of bytes."""
    if not _holds_bytes(kind):
        return value
    item = f"x{depth}"
    if isinstance(kind, Array):
        return f"list_transform({value}, lambda {item}: {_as_text(kind.element, item, depth + 1)})"
    if isinstance(kind, Map):
        inner = _as_text(kind.value, f"{item}.value", depth + 1)
        pair = f"struct_pack(key := {item}.key, value := {inner})"
        return f"map_from_entries(list_transform(map_entries({value}), lambda {item}: {pair}))"
    if isinstance(kind, Struct):
        parts = ", ".join(
            f"{quote(name)} := {_as_text(inner, f'{value}.{quote(name)}', depth)}"
            for name, inner in kind.fields
        )
        return f"CASE WHEN {value} IS NOT NULL THEN struct_pack({parts}) END"
    return f"to_base64({value})"


def parquet_blocks(path: str) -> Iterator[Block]:
    """The rows of a Parquet file, a row's number standing for its line.

    Raises:
        FileUnreadableError: it is no Parquet file, or damaged.
    """
    columns = parquet_columns(path)
    fields = ", ".join(
        f"{quote(column.name)} := {_as_text(column.type, quote(column.name))}" for column in columns
    )
    number = 1
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        prepare(connection, "UTC")
        try:
            rows = connection.execute(
                f"SELECT CAST(to_json(struct_pack({fields})) AS VARCHAR) FROM read_parquet(?)",
                [path],
            )
            while some := rows.fetchmany(_ROWS):
                texts = [text for (text,) in some]
                lines = array("q", range(number, number + len(texts)))
                number += len(texts)
                yield Block(texts, lines, [], sum(map(len, texts)))
        except duckdb.Error as error:
            raise _unreadable(error) from None


def _unreadable(error: duckdb.Error) -> FileUnreadableError:
    return FileUnreadableError(f"it is no whole Parquet file: {str(error).splitlines()[0]}")


def local_parquet(file: Readable, folder: Path, name: str) -> Path:
    """A copy of a remote Parquet file on this disk, for the caller to remove."""
    copy = folder / f"fetch-{os.getpid()}-{name}"
    with step(_FETCH):
        folder.mkdir(parents=True, exist_ok=True)
        with copy.open("wb") as target:
            while block := file.read(1 << 20):
                target.write(block)
    return copy
