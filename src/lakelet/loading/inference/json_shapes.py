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

from lakelet.lake.names import literal
from lakelet.lake.types import Primitive
from lakelet.loading.fit.json_checks import pointer
from lakelet.loading.fit.json_sql import inference_source
from lakelet.loading.fit.json_text import MOST_NESTED, Pairs, parse_json
from lakelet.loading.fit.rules import text_survives
from lakelet.loading.inference.tally import MAX_DEPTH, MAX_KEYS, Tally

__all__ = ("tally_json",)

_DATE, _TIMESTAMP = Primitive("DATE"), Primitive("TIMESTAMP")
_MIXED = "JSON"
_Path = tuple[str | None, ...]
"""Keys; None stands for every element of an array."""


def tally_json(connection: duckdb.DuckDBPyConnection, root: Tally) -> None:
    """Count the records of the relation ``batch(file, line, record)`` into ``root``."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE looked AS {inference_source()}")
    shapes = connection.execute(
        "SELECT json_structure(record) AS shape, count(*) FROM looked WHERE plain GROUP BY shape"
    ).fetchall()
    odd: list[str] = []
    for shape, count in shapes:
        try:
            parsed = json.loads(shape) if shape else None
        except RecursionError:
            odd.append(shape)
            continue
        if not isinstance(parsed, dict):
            continue
        if _says_too_little(parsed):
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


def _says_too_little(shape: dict[str, Any]) -> bool:
    """Whether values differ in type, or are nested too deeply; found without recursion."""
    level: list[Any] = [shape]
    for _ in range(MOST_NESTED + 1):
        inside: list[Any] = []
        for one in level:
            inside += one.values() if isinstance(one, dict) else one
        if _MIXED in inside:
            return True
        level = [one for one in inside if isinstance(one, dict | list)]
        if not level:
            return False
    return True


def _see_object(tally: Tally, shape: dict[str, Any], count: int) -> None:
    tally.count += count
    tally.objects += count
    for key, inner in shape.items():
        field = tally.field(key)
        if field is not None:
            _see_shape(field, inner, count)


def _see_shape(tally: Tally, shape: Any, count: int) -> None:
    if tally.depth >= MAX_DEPTH and isinstance(shape, dict | list):
        tally.count += count
        tally.texts += count
    elif isinstance(shape, dict):
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
    """Count dates and moments among the texts of plain records, at every depth."""
    paths = list(_text_paths(root, ()))
    if not paths:
        return
    single = [(path, tally) for path, tally in paths if None not in path]
    listed = [(path, tally) for path, tally in paths if None in path]
    pointers = ", ".join(_joined(path) for path, _ in single)
    extracted = [f"json_extract_string(record, [{pointers}]) AS x"] if single else []
    counts: list[str] = []
    for index in range(len(single)):
        day, moment = _times(f"x[{index + 1}]")
        counts += [f"count(*) FILTER ({day})", f"count(*) FILTER ({moment})"]
    for index, (path, _) in enumerate(listed):
        extracted.append(f"json_extract_string(record, {_every(path)}) AS a{index}")
        extracted.append(f"json_type(record, {_every(path)}) AS t{index}")
        day, moment = _times("e")
        counts += [
            f"sum(len(list_filter(a{index}, lambda e: {day})))",
            f"sum(len(list_filter(a{index}, lambda e: {moment})))",
            f"sum(len(list_filter(t{index}, lambda e: e = 'VARCHAR')))",
            f"count(*) FILTER (list_contains(t{index}, 'VARCHAR'))",
        ]
    skip = "AND json_structure(record) NOT IN (SELECT unnest($1::VARCHAR[]))" if odd else ""
    (row,) = connection.execute(
        f"SELECT {', '.join(counts)} FROM (SELECT {', '.join(extracted)} "
        f"FROM looked WHERE plain {skip})",
        [odd] if odd else None,
    ).fetchall()
    found = iter([count or 0 for count in row])
    for _, tally in single:
        tally.dates += next(found)
        tally.moments += next(found)
    for _, tally in listed:
        tally.dates += next(found)
        tally.moments += next(found)
        # The structure counted an array's elements once a record; times are counted one by one.
        more = next(found) - next(found)
        tally.texts += more
        tally.count += more


def _times(text: str) -> tuple[str, str]:
    """Conditions: a text is a date; it is a date or a moment."""
    day = text_survives(_DATE, text, f"TRY_CAST({text} AS DATE)")
    time = text_survives(_TIMESTAMP, text, f"TRY_CAST({text} AS TIMESTAMPTZ)")
    return day, f"({day} OR {time})"


def _joined(path: _Path) -> str:
    whole = "".join(pointer(key)[1:-1] for key in path if key is not None)
    return f"'{whole}'"


def _every(path: _Path) -> str:
    """A path through arrays as DuckDB's JSONPath, an SQL literal."""
    steps = [
        "[*]" if key is None else '."' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
        for key in path
    ]
    return literal("$" + "".join(steps))


def _text_paths(tally: Tally, path: _Path) -> Iterator[tuple[_Path, Tally]]:
    if path and tally.texts:
        yield path, tally
    if tally.element is not None:
        yield from _text_paths(tally.element, (*path, None))
    if len(tally.fields) > MAX_KEYS and path:
        return
    for key, field in tally.fields.items():
        if key:  # one without a name makes no column
            yield from _text_paths(field, (*path, key))
