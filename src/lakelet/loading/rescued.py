"""The inbox of rescued data: fields that fit no column, and a person's decisions about them.

A decision adds a column, widens one, or lets a field fill one, and back-fills it from what was
rescued, in commits that say so. What then fits leaves ``_rescued_data``; what does not stays there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from lakelet.engines.engine import duckdb_errors
from lakelet.engines.rewrite import Target
from lakelet.engines.rewrite.schema_change import change_type
from lakelet.engines.routes.file_source import PLACE_FILE, PLACE_ROW
from lakelet.errors import SchemaError, nearest
from lakelet.lake import Lake, LakeTable
from lakelet.lake.delta import delta_errors, retry_conflicts
from lakelet.lake.names import literal, quote
from lakelet.lake.types import Column, DataType
from lakelet.loading.connection import loading_connection
from lakelet.loading.fit.exact import MISFIT, Fitter
from lakelet.loading.fit.json_sql import structure
from lakelet.loading.fit.json_text import Pairs, dump_json, parse_json
from lakelet.loading.inference.tally import Tally
from lakelet.loading.ledger import Ledger
from lakelet.loading.rescued_values import inside, is_csv, raw_file, rescued_rows, take
from lakelet.loading.shape import ALIASES_KEY, METADATA, RESCUED, Shape, column_for
from lakelet.loading.widening import refuse_narrower
from lakelet.workspace.steps import declare, step

__all__ = (
    "Decision",
    "RescuedField",
    "existing_column",
    "ignore",
    "map_field",
    "promote",
    "rescued_field",
    "rescued_fields",
    "tally_of",
    "widen",
)

_IGNORE = declare("rescued.ignore", "a rescued field is no longer asked about")
_ALIAS = declare("rescued.alias", "a column takes its values from a further field")
_IGNORED = "lakelet.ignored"
_LOOKED_AT = 64
"""Rows of a field that are looked at for different values."""
_SAMPLES = 3


@dataclass(frozen=True, slots=True)
class RescuedField:
    """A field with values that fit no column.

    Attributes:
        path: where it is in a record; ``[]`` stands for any position in an array.
        count: rows with such a value.
        samples: some different values, as JSON.
        column: the column it would fill if its values fitted, or None.
        ignored: whether a person decided not to be asked about it.
        files: how many raw files it came in.
        file: the one that was loaded last; '' where the table does not say.
        first_seen: when the first of them was loaded; None where the account does not say.
        last_seen: when the last was.
    """

    path: str
    count: int
    samples: tuple[str, ...]
    column: str | None
    ignored: bool
    files: int
    file: str
    first_seen: datetime | None
    last_seen: datetime | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What came of a decision.

    Attributes:
        column: the column concerned.
        type: its type now.
        filled: rows whose value moved into it.
        left: rows whose value still does not fit.
        version: the table's version afterwards.
    """

    column: str
    type: str
    filled: int
    left: int
    version: int


def rescued_fields(lake: Lake, table: LakeTable) -> list[RescuedField]:
    """The fields with rescued values, the most frequent first."""
    connection = loading_connection(lake.workspace)
    with duckdb_errors():
        target = Target.attach(table, connection)
        if RESCUED not in {column.name for column in target.columns}:
            return []
        seen = _seen(lake, table, connection)
        rows = connection.execute(
            "SELECT path, sum(count)::BIGINT, list(looked_at)[:16], count(DISTINCT file), "
            "arg_max(file, coalesce(last, modified)), min(first), max(last) FROM ("
            r"SELECT regexp_replace(k, '\[[0-9]+\]', '[]', 'g') AS path, file, count(*) AS count, "
            "max(modified) AS modified, "
            f"min({{'k': k, 'r': r}}, {_LOOKED_AT}) AS looked_at FROM (SELECT {RESCUED} AS r, "
            f"{raw_file(target)}::VARCHAR AS file, "
            f"{raw_file(target, 'file_modification_time')}::TIMESTAMPTZ AS modified, "
            f"unnest(json_keys({RESCUED})) AS k FROM {target.VIEW} WHERE {RESCUED} IS NOT NULL) "
            f"GROUP BY ALL) LEFT JOIN {seen} USING (file) GROUP BY path ORDER BY 2 DESC, path"
        ).fetchall()
    connection.close()
    shape, ignored = Shape.of(target.columns), ignored_by(target.snapshot.metadata().configuration)
    return [
        RescuedField(
            path, count, _samples(one for some in found for one in some), _column_of(shape, path),
            path in ignored, files, file or "", _utc(first), _utc(last),
        )
        for path, count, found, files, file, first, last in rows
    ]  # fmt: skip


def _seen(lake: Lake, table: LakeTable, connection: duckdb.DuckDBPyConnection) -> str:
    """When each raw file of a table was first and last loaded, as a relation of the connection."""
    if not Ledger(lake, connection).attach():
        return "(SELECT NULL::VARCHAR AS file, NULL AS first, NULL AS last WHERE false)"
    return (
        "(SELECT file, min(loaded_at) AS first, max(loaded_at) AS last FROM ledger "
        f"WHERE table_name = {literal(str(table.name))} GROUP BY file)"
    )


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


def _samples(found: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """Some different values of a field, digit for digit: DuckDB's JSON functions drop digits."""
    texts = {dump_json(dict(parse_json(one["r"]))[one["k"]]): None for one in found}
    return tuple(sorted(list(texts)[:_SAMPLES]))


def ignored_by(properties: Mapping[str, str]) -> set[str]:
    """The rescued fields that a person decided not to be asked about, by a table's properties."""
    raw = properties.get(_IGNORED)
    return set(json.loads(raw)) if raw else set()


def _column_of(shape: Shape, path: str) -> str | None:
    field = shape.find(path)
    return field.column.name if field else None


def promote(lake: Lake, table: LakeTable, path: str, kind: DataType | None) -> Decision:
    """Make a column of a rescued field and move its values there.

    Args:
        lake: the lake.
        table: the table.
        path: the field.
        kind: the column's type; the narrowest that most of its values fit when None.

    Raises:
        SchemaError: no such field was rescued, or the column's name is taken.
    """
    tally = _tally(lake, table, path)
    kind = kind or tally.kind(lake.workspace.settings.loading.tolerance)
    assert kind is not None
    columns = table.columns()
    column = column_for(path, kind, {c.name.lower() for c in columns})
    if column is None:
        raise SchemaError(
            f"{table.name} has a column of that name already; nothing was changed.",
            hint=f"--map {path} COLUMN lets the field fill it, --widen COLUMN TYPE widens it.",
        )
    table.add_columns([column])
    return _backfill(lake, table, path, column)


def map_field(lake: Lake, table: LakeTable, path: str, name: str) -> Decision:
    """Let a rescued field fill an existing column, now and in later loads.

    Raises:
        SchemaError: no such field was rescued, or no such column.
    """
    _tally(lake, table, path)
    column = existing_column(table, name)
    aliases = sorted({*json.loads(str(dict(column.metadata).get(ALIASES_KEY, "[]"))), path})

    def commit() -> None:
        with table.lock(), delta_errors(str(table.name)), step(_ALIAS):
            table.open().alter.set_column_metadata(column.name, {ALIASES_KEY: json.dumps(aliases)})

    retry_conflicts(commit)
    return _backfill(lake, table, path, column)


def widen(lake: Lake, table: LakeTable, name: str, kind: DataType) -> Decision:
    """Give a column a type that holds more, and move what was rescued of it there.

    Raises:
        SchemaError: no such column, or values in it would not survive.
    """
    column = existing_column(table, name)
    refuse_narrower(column.name, column.type, kind)
    connection = loading_connection(lake.workspace)
    change_type(table, connection, column.name, kind)
    connection.close()
    field = Shape.of(table.columns()).by_folded[column.name.lower()]
    return _backfill(lake, table, field.key, field.column)


def ignore(lake: Lake, table: LakeTable, path: str) -> int:
    """Ask no more about a field; its values stay in ``_rescued_data``.

    Returns:
        Rows with such a value.

    Raises:
        SchemaError: no such field was rescued.
    """
    found = rescued_field(lake, table, path)

    def commit() -> None:
        with table.lock(), delta_errors(str(table.name)), step(_IGNORE):
            opened = table.open()
            raw = opened.metadata().configuration.get(_IGNORED)
            known = sorted({*(json.loads(raw) if raw else []), found.path})
            opened.alter.set_table_properties(
                {_IGNORED: json.dumps(known)}, raise_if_not_exists=False
            )

    retry_conflicts(commit)
    return found.count


def existing_column(table: LakeTable, name: str) -> Column:
    """A column that a decision is about.

    Raises:
        SchemaError: there is none of that name, or it is one that loads fill themselves.
    """
    columns = {column.name.lower(): column for column in table.columns()}
    if name.lower() not in columns or name.lower() in (RESCUED, METADATA):
        close = nearest(name, columns)
        hint = f"did you mean {close!r}?" if close else None
        raise SchemaError(f"{table.name} has no column {name!r}; nothing was changed.", hint=hint)
    return columns[name.lower()]


def rescued_field(lake: Lake, table: LakeTable, path: str) -> RescuedField:
    """A field that was rescued.

    Raises:
        SchemaError: none of that name was.
    """
    fields = {field.path: field for field in rescued_fields(lake, table)}
    if path not in fields:
        close = nearest(path, fields)
        raise SchemaError(
            f"nothing of {path!r} was rescued in {table.name}; nothing was changed.",
            hint=f"did you mean {close!r}?" if close else f"`lakelet rescued {table.name}` lists.",
        )
    return fields[path]


def _tally(lake: Lake, table: LakeTable, path: str) -> Tally:
    """What the rescued values of a field look like."""
    rescued_field(lake, table, path)
    connection = loading_connection(lake.workspace)
    with duckdb_errors():
        target = Target.attach(table, connection)
        tally = tally_of(rescued_rows(target, path, RESCUED), path)
    connection.close()
    return tally


def tally_of(rows: Iterable[tuple[str, int, str, str, bool]], path: str) -> Tally:
    """What the rescued values of a field look like, by the rows they are in."""
    tally = Tally()
    for _, _, file, rescued, _ in rows:
        for key, value in parse_json(rescued):
            if key == path and type(value) is str and is_csv(file):
                tally.see_cell(value)
            elif key == path:
                tally.see(value)
    return tally


def _backfill(lake: Lake, table: LakeTable, path: str, column: Column) -> Decision:
    """Move a field's rescued values into a column, in one commit."""
    connection = loading_connection(lake.workspace)
    fitter = Fitter(lake.workspace.settings.time_zone)

    def run() -> Decision:
        with table.load_lock(), table.lock(), duckdb_errors():
            target = Target.attach(table, connection)
            if RESCUED not in {one.name for one in target.columns}:
                version = int(target.snapshot.version())
                return Decision(column.name, column.type.sql, 0, 0, version)
            moved: list[tuple[str, int, str, str | None]] = []
            left = inside(target, path)
            for file, row, raw_file, rescued, empty in rescued_rows(target, path, column.name):
                if not empty:  # the column says something else already; nothing is overwritten
                    left += 1
                    continue
                value, rest = take(fitter, rescued, path, column.type, csv=is_csv(raw_file))
                if value is MISFIT:
                    left += 1
                else:
                    moved.append((file, row, dump_json(Pairs([(column.name, value)])), rest))
            version = _move(target, connection, column, moved, path)
            return Decision(column.name, column.type.sql, len(moved), left, version)

    try:
        return retry_conflicts(run)
    finally:
        connection.close()


def _move(
    target: Target,
    connection: duckdb.DuckDBPyConnection,
    column: Column,
    moved: list[tuple[str, int, str, str | None]],
    path: str,
) -> int:
    if not moved:
        return int(target.snapshot.version())
    connection.execute(
        "CREATE OR REPLACE TABLE moved(file VARCHAR, row BIGINT, record VARCHAR, rest VARCHAR)"
    )
    connection.executemany("INSERT INTO moved VALUES (?, ?, ?, ?)", moved)
    target.narrow({file for file, *_ in moved})
    keys = literal(structure([(column.name, column.type)]))
    new = f"(from_json(m.record, {keys})).{quote(column.name)}"
    values: dict[str, str] = {
        column.name: f"CASE WHEN m.file IS NULL THEN t.{quote(column.name)} ELSE {new} END",
        RESCUED: f"CASE WHEN m.file IS NULL THEN t.{RESCUED} ELSE m.rest END",
    }
    selected = ", ".join(
        f"{values.get(c.name, f't.{quote(c.name)}')} AS {quote(c.name)}"
        for c in target.stored_columns()
    )
    rows = (
        f"SELECT {selected} FROM {target.AFFECTED} AS t LEFT JOIN moved AS m "
        f"ON m.file = t.{PLACE_FILE} AND m.row = t.{PLACE_ROW}"
    )
    metadata = {
        "lakelet.operation": "BACKFILL",
        "lakelet.change": f"{path} into {column.name}",
        "lakelet.updated": str(len(moved)),
        "lakelet.rows": "0",
    }
    return target.replace({file for file, *_ in moved}, [rows], metadata=metadata)
