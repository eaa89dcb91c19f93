"""Tallies over the columns of CSV rows, counted by DuckDB where that is exact."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from lakelet.lake.names import literal
from lakelet.lake.types import Primitive
from lakelet.loading.fit.rules import text_survives
from lakelet.loading.inference.tally import Tally
from lakelet.loading.records.csv_cells import EMPTY, JOIN, cells_of

__all__ = ("NO_TEXT", "tally_csv")

# Without a leading zero: a number that has one may be a code, and is text.
_INTEGER = "-?(0|[1-9][0-9]*)"
_NUMBER = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?"
_MAYBE = r"[+-]?[0-9.].*|[+-]?(?i:nan|inf|infinity)"
NO_TEXT = "^(?i:[-+.0-9]|true$|false$|nan$|inf)"
"""How a cell begins that is more than text, perhaps."""
_CODES = ("empty", "text", "integer", "double", "boolean", "date", "moment", "maybe")


def tally_csv(connection: duckdb.DuckDBPyConnection, root: Tally, header: Sequence[str]) -> None:
    """Count the rows of the relation ``batch(file, line, record)`` into ``root``, by column."""
    if not header:
        return
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE looked AS SELECT record, "
        f"string_split(record, {literal(JOIN)}) AS c FROM batch"
    )
    whole = f"len(c) = {len(header)} AND NOT starts_with(record, chr(29))"
    kinds = ", ".join(f"{_kind(i)} AS k{i}" for i in range(len(header)))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE kinds AS SELECT {kinds} FROM looked WHERE {whole}"
    )
    counts = ", ".join(
        f"count(*) FILTER (k{i} = {code})" for i in range(len(header)) for code in range(1, 8)
    )
    (found,) = connection.execute(f"SELECT {counts} FROM kinds").fetchall()
    for index, key in enumerate(header):
        tally = root.field(key)
        if tally is None:
            continue
        texts, integers, doubles, booleans, dates, moments, maybe = found[7 * index : 7 * index + 7]
        moments += dates
        tally.count += integers + doubles + booleans + moments + texts
        tally.integers += integers
        tally.doubles += integers + doubles
        tally.numbers += integers + doubles
        tally.scale = max(tally.scale, 15 if doubles else 0)
        tally.booleans += booleans
        tally.dates += dates
        tally.moments += moments
        tally.texts += moments + texts
        if maybe:
            _see_each(connection, tally, index, whole)
    _see_odd(connection, root, header, whole)


def _kind(index: int) -> str:
    """An SQL expression that says what a cell is, as a place in `_CODES`; asked once a cell."""
    cell = f"c[{index + 1}]"
    double = text_survives(Primitive("DOUBLE"), cell, f"TRY_CAST({cell} AS DOUBLE)")
    tests = {
        "empty": f"{cell} = ''",
        "text": f"NOT regexp_matches({cell}, '{NO_TEXT}')",
        "integer": f"regexp_full_match({cell}, '{_INTEGER}') "
        f"AND TRY_CAST({cell} AS BIGINT) IS NOT NULL",
        "double": f"regexp_full_match({cell}, '{_NUMBER}') AND {double}",
        "boolean": f"lower({cell}) IN ('true', 'false')",
        "date": text_survives(Primitive("DATE"), cell, f"TRY_CAST({cell} AS DATE)"),
        "moment": text_survives(Primitive("TIMESTAMP"), cell, f"TRY_CAST({cell} AS TIMESTAMPTZ)"),
        "maybe": f"regexp_full_match({cell}, '{_MAYBE}')",
    }
    whens = " ".join(f"WHEN {tests[name]} THEN {code}" for code, name in enumerate(_CODES))
    return f"CASE {whens} ELSE {_CODES.index('text')} END"


def _see_each(connection: duckdb.DuckDBPyConnection, tally: Tally, index: int, whole: str) -> None:
    maybe = f"{_kind(index)} = {_CODES.index('maybe')}"
    rows = connection.execute(f"SELECT c[{index + 1}] FROM looked WHERE {whole} AND {maybe}")
    while some := rows.fetchmany(2048):
        for (cell,) in some:
            tally.see_cell("" if cell == EMPTY else cell)


def _see_odd(
    connection: duckdb.DuckDBPyConnection, root: Tally, header: Sequence[str], whole: str
) -> None:
    rows = connection.execute(f"SELECT record FROM looked WHERE NOT ({whole})").fetchall()
    for (record,) in rows:
        cells = cells_of(record)
        if len(cells) != len(header):
            continue
        for key, cell in zip(header, cells, strict=True):
            tally = root.field(key)
            if tally is not None and cell is not None:
                tally.see_cell(cell)
