"""Tallies over JSON records, counted by DuckDB where its JSON types say all there is.

``json_structure`` names a record's keys and the JSON types of its values. Few different structures
occur in one file, so each is read once and weighs as many records as have it. Texts are looked at
once more for dates and moments. A record in which digits might be lost is counted by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb

from lakelet.lake.types import Primitive
from lakelet.loading.fit.json_checks import pointer
from lakelet.loading.fit.json_sql import inference_source
from lakelet.loading.fit.json_text import Pairs, parse_json
from lakelet.loading.fit.rules import text_survives
from lakelet.loading.inference.tally import MAX_KEYS, Tally

__all__ = ("tally_json",)

_DATE, _TIMESTAMP = Primitive("DATE"), Primitive("TIMESTAMP")
_MIXED = "JSON"


def tally_json(connection: duckdb.DuckDBPyConnection, root: Tally) -> None:
    """Count the records of the relation ``batch(file, line, record)`` into ``root``."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE looked AS {inference_source()}")
    shapes = connection.execute(
        "SELECT json_structure(record) AS shape, count(*) FROM looked WHERE plain GROUP BY shape"
    ).fetchall()
    odd: list[str] = []
    for shape, count in shapes:
        parsed = json.loads(shape) if shape else None
        if not isinstance(parsed, dict):
            continue
        if _has_mixed(parsed):
            odd.append(shape)
        else:
            _see_object(root, parsed, count)
    if odd:
        mixed = connection.execute(
            "SELECT record FROM looked WHERE plain AND json_structure(record) IN "
            "(SELECT unnest($1::VARCHAR[]))", [odd]
        )  # fmt: skip
        _see_each(root, mixed)
    _see_each(root, connection.execute("SELECT record FROM looked WHERE NOT plain"))
    _count_times(connection, root, odd)


def _see_each(root: Tally, rows: duckdb.DuckDBPyConnection) -> None:
    while some := rows.fetchmany(2048):
        for (text,) in some:
            try:
                value = parse_json(text)
            except ValueError:
                continue
            if isinstance(value, Pairs):
                root.see(value)


def _has_mixed(shape: Any) -> bool:
    if isinstance(shape, dict):
        return any(map(_has_mixed, shape.values()))
    if isinstance(shape, list):
        return any(map(_has_mixed, shape))
    return bool(shape == _MIXED)


def _see_object(tally: Tally, shape: dict[str, Any], count: int) -> None:
    tally.count += count
    tally.objects += count
    for key, inner in shape.items():
        field = tally.field(key)
        if field is not None:
            _see_shape(field, inner, count)


def _see_shape(tally: Tally, shape: Any, count: int) -> None:
    if isinstance(shape, dict):
        _see_object(tally, shape, count)
    elif isinstance(shape, list):
        tally.count += count
        tally.arrays += count
        _see_shape(tally.items(), shape[0] if shape else "NULL", count)
    elif shape != "NULL":
        tally.count += count
        if shape in ("UBIGINT", "BIGINT"):
            tally.integers += count
        if shape in ("UBIGINT", "BIGINT", "DOUBLE"):
            tally.doubles += count
            tally.numbers += count
            # At most 15 digits, which may all be behind the point.
            tally.scale = max(tally.scale, 15 if shape == "DOUBLE" else 0)
        elif shape == "BOOLEAN":
            tally.booleans += count
        else:
            tally.texts += count


def _count_times(connection: duckdb.DuckDBPyConnection, root: Tally, odd: list[str]) -> None:
    """Count dates and moments among the texts of plain records, top level and structs."""
    paths = list(_text_paths(root, ()))
    if not paths:
        return
    counts = []
    for index in range(len(paths)):
        at = f"x[{index + 1}]"
        day = text_survives(_DATE, at, f"TRY_CAST({at} AS DATE)")
        time = text_survives(_TIMESTAMP, at, f"TRY_CAST({at} AS TIMESTAMPTZ)")
        counts += [
            f"count(*) FILTER ({day})",
            f"count(*) FILTER ({day} OR {time})",
        ]
    pointers = ", ".join(_joined(path) for path, _ in paths)
    skip = "AND json_structure(record) NOT IN (SELECT unnest($1::VARCHAR[]))" if odd else ""
    (row,) = connection.execute(
        f"SELECT {', '.join(counts)} FROM (SELECT json_extract_string(record, [{pointers}]) AS x "
        f"FROM looked WHERE plain {skip})",
        [odd] if odd else None,
    ).fetchall()
    for index, (_, tally) in enumerate(paths):
        tally.dates += row[2 * index]
        tally.moments += row[2 * index + 1]


def _joined(path: tuple[str, ...]) -> str:
    whole = "".join(pointer(key)[1:-1] for key in path)
    return f"'{whole}'"


def _text_paths(tally: Tally, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Tally]]:
    if len(tally.fields) > MAX_KEYS and path:
        return
    for key, field in tally.fields.items():
        if field.texts:
            yield (*path, key), field
        if field.objects:
            yield from _text_paths(field, (*path, key))
