"""Results of statements on disk: written as they come, read some rows at a time.

A result is a DuckDB file with one table, whose rows have their place for a number; any of them are
read without those before. Its columns are named by their places, since those of a result may have
any names, some of them twice.
"""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from arro3.core import RecordBatchReader, Table

from lakelet.engines.connection import engine_settings, prepare
from lakelet.engines.duckdb_types import from_duckdb
from lakelet.engines.engine import duckdb_errors
from lakelet.errors import CommandError, LakeletError, StorageError
from lakelet.lake.names import literal, quote
from lakelet.lake.small_engine import small_engine
from lakelet.workspace.quantities import parse_bytes
from lakelet.workspace.steps import declare, make_folder, remove_tree, step

if TYPE_CHECKING:
    from arro3.core import RecordBatch

    from lakelet.session.result import Result
    from lakelet.workspace import WorkspaceFolder

__all__ = (
    "OPERATORS", "ResultWriter", "derived", "exported", "rows_of", "told_columns", "value_of",
)  # fmt: skip

_FOLDER = declare("results.folder", "the folder for results is there")
_WRITE = declare("results.write", "more rows of a result are on disk")
_DISCARD = declare("results.discard", "a result is gone")
_EXPORT = declare("results.export", "a result is in a file for who asked for it")
_MEMORY = 256 << 20
"""Bytes that writing or reading a result may hold, beside the query that makes it."""
_LONGEST = 2000
"""Characters of a value that are shown."""
_WHOLE = 4_000_000
"""Characters of a value that is asked for alone."""
# Types that Arrow has not, and what takes their place.
_WIDE = re.compile(r"U?HUGEINT")
_AS_TEXT = re.compile(r"UUID|BIT\b|TIME WITH TIME ZONE|TUPLE|UNION|VARIANT|U?HUGEINT.*[\[(]")
_NUMBER = re.compile(r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(.*\))$")
OPERATORS = {
    "is": "=", "is not": "<>", "is above": ">", "is below": "<", "contains": "", "is missing": "",
    "is there": "",
}  # fmt: skip
"""What a column of a result can be asked."""


class ResultWriter:
    """Takes the rows of a result to disk.

    Attributes:
        columns: names and types of its columns, with whether they are numbers.
        rows: rows that are on disk.
        first: the first rows, as text.
    """

    def __init__(self, folder: WorkspaceFolder, path: Path, result: Result) -> None:
        """Begin with a result.

        Args:
            folder: the workspace.
            path: the file that is made for it.
            result: its rows, of which none was taken yet.
        """
        self.folder, self.path, self.result = folder, path, result
        self.rows = 0
        self.first: list[list[str | None]] = []
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._types = result.types
        self.columns = told_columns(result.columns, self._types)

    def write(self, shown: int) -> Iterator[int]:
        """Take all rows; how many there are, after every portion of them.

        Before anything is on disk, the first rows are told: `first` then holds them.

        Args:
            shown: how many rows `first` is to hold.

        Raises:
            SqlError: a row makes the query fail.
            StorageError: the disk is about to be full.
        """
        names = [f"c{place}" for place in range(len(self._types))]
        with duckdb_errors():
            for batch in self._batches():
                if not self.rows:
                    head = Table.from_batches(
                        [batch.slice(0, min(shown, batch.num_rows))]
                    ).rename_columns(names)
                    self.first = self._told(head)
                    yield batch.num_rows
                rows = Table.from_batches([batch]).rename_columns(names)
                with step(_WRITE):
                    self._file().from_arrow(rows).insert_into("r")
                self.rows += batch.num_rows
                self._refuse_full_disk()
                yield self.rows
            with step(_WRITE):
                self._file().execute("CHECKPOINT")

    def _batches(self) -> Iterator[RecordBatch]:
        """The rows as Arrow has them, once what it has not is cast to what it has."""
        if all(_stored(kind) == kind for kind in self._types):
            yield from self.result.batches()
            return
        casts = ", ".join(
            f"CAST(#{place} AS {_stored(kind)}) AS c{place}"
            for place, kind in enumerate(self._types, 1)
        )
        yield from RecordBatchReader.from_stream(self.result.relation.project(casts))

    def _told(self, head: Table) -> list[list[str | None]]:
        if not self._types:
            return [[] for _ in range(head.num_rows)]
        engine = small_engine()
        try:
            prepare(engine, self.folder.settings.time_zone)
            kinds = map(_stored, self._types)
            texts = ", ".join(_text(place, kind) for place, kind in enumerate(kinds))
            return [list(row) for row in engine.from_arrow(head).project(texts).fetchall()]
        finally:
            engine.close()

    def _file(self) -> duckdb.DuckDBPyConnection:
        """The connection to the file, which is made when it is first needed."""
        if self._connection is None:
            make_folder(_FOLDER, self.path.parent)
            self._connection = _opened(self.folder, self.path, most=_MEMORY)
            self._connection.execute(_declared(self._types))
        return self._connection

    def _refuse_full_disk(self) -> None:
        least = parse_bytes(self.folder.settings.resources.min_free_disk)
        if (free := shutil.disk_usage(self.path.parent).free) < least:
            raise StorageError(
                f"{free:,} bytes are free on the disk, fewer than the {least:,} that "
                "resources.min_free_disk keeps; the result was not kept.",
                hint="ask for fewer rows, or make room.",
            )

    def discard(self) -> None:
        """Give up: nothing of it stays on disk."""
        self.close()
        _remove(self.path)

    def close(self) -> None:
        """Let others read it."""
        if self._connection is not None:
            self._connection.close()


def _declared(types: Sequence[str]) -> str:
    columns = ", ".join(f"c{place} {_stored(kind)}" for place, kind in enumerate(types))
    return f"CREATE TABLE r ({columns or 'c0 INTEGER'})"


def _opened(
    folder: WorkspaceFolder, path: Path, *, reading: bool = False, most: int | None = None
) -> duckdb.DuckDBPyConnection:
    settings = engine_settings(folder, most)
    connection = duckdb.connect(str(path), read_only=reading, config=settings)
    prepare(connection, folder.settings.time_zone)
    return connection


def _remove(path: Path) -> None:
    for one in (path, path.with_name(f"{path.name}.wal")):
        remove_tree(_DISCARD, one)


def _stored(kind: str) -> str:
    if _WIDE.fullmatch(kind):
        return "DECIMAL(38,0)"
    return "VARCHAR" if _AS_TEXT.search(kind) else kind


def told_columns(names: Sequence[str], types: Sequence[str]) -> list[dict[str, Any]]:
    """Columns as pages are told of them."""
    return [
        {"name": name, "type": _said(kind), "number": bool(_NUMBER.fullmatch(kind))}
        for name, kind in zip(names, types, strict=True)
    ]


def _said(kind: str) -> str:
    try:
        return from_duckdb(kind).sql
    except LakeletError:
        return kind


def _text(place: int, kind: str, longest: int = _LONGEST) -> str:
    """A value as text: what is nested as JSON, bytes as hexadecimal digits."""
    name = f"c{place}"
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")):
        text = f"CAST(to_json({name}) AS VARCHAR)"
    elif kind == "BLOB":
        text = f"lower(hex({name}))"
    else:
        text = f"CAST({name} AS VARCHAR)"
    return f"left({text}, {longest})"


def _texts(
    connection: duckdb.DuckDBPyConnection, types: Sequence[str], begin: int, end: int
) -> list[list[str | None]]:
    values = ", ".join(_text(place, kind) for place, kind in enumerate(types))
    rows = connection.execute(
        f"SELECT {values or 'NULL'} FROM r WHERE rowid >= {begin:d} AND rowid < {end:d} "
        "ORDER BY rowid"
    ).fetchall()
    return [list(row) if types else [] for row in rows]


def _types(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [str(row[1]) for row in connection.execute("DESCRIBE r").fetchall()]


def rows_of(folder: WorkspaceFolder, path: Path, begin: int, end: int) -> list[list[str | None]]:
    """Some rows of a result, as text, by their places.

    Raises:
        StorageError: it cannot be read.
    """
    with duckdb_errors():
        connection = _opened(folder, path, reading=True, most=_MEMORY)
        try:
            return _texts(connection, _types(connection), begin, end)
        finally:
            connection.close()


def value_of(folder: WorkspaceFolder, path: Path, row: int, column: int) -> str | None:
    """One value of a result, whole, as text.

    Raises:
        CommandError: there is no such value.
        StorageError: it cannot be read.
    """
    with duckdb_errors():
        connection = _opened(folder, path, reading=True, most=_MEMORY)
        try:
            types = _types(connection)
            text = _text(_place(types, column), types[column], _WHOLE)
            found = connection.execute(f"SELECT {text} FROM r WHERE rowid = {row:d}").fetchone()
        finally:
            connection.close()
    if found is None:
        raise CommandError(f"the result has no row {row}.")
    value: str | None = found[0]
    return value


def derived(
    folder: WorkspaceFolder, path: Path, *, source: str, names: Sequence[str],
    sort: Sequence[tuple[int, bool]], filters: Sequence[tuple[int, str, str]],
) -> tuple[list[dict[str, Any]], int]:  # fmt: skip
    """A result sorted and filtered, as a result of its own.

    Args:
        folder: the workspace.
        path: the file it goes to.
        source: the file of the other.
        names: the names of its columns.
        sort: places of columns to sort by, each with whether the largest come first.
        filters: places of columns, what they are asked, and what they are compared with.

    Returns:
        Its columns, and how many rows there are.

    Raises:
        CommandError: a column or a question that there is not.
    """
    make_folder(_FOLDER, path.parent)
    connection = _opened(folder, path)
    try:
        with step(_WRITE), duckdb_errors():
            connection.execute(f"ATTACH {literal(source)} AS source (READ_ONLY)")
            types = [str(r[1]) for r in connection.execute("DESCRIBE source.r").fetchall()]
            where, values = _where(types, filters)
            order = [f"c{_place(types, at)} {'DESC' if down else 'ASC'} NULLS LAST"
                     for at, down in sort]  # fmt: skip
            connection.execute(
                f"CREATE TABLE r AS SELECT * FROM source.r WHERE {where} "
                f"ORDER BY {', '.join([*order, 'rowid'])}",
                values,
            )
            ((rows,),) = connection.execute("SELECT count(*) FROM r").fetchall()
    except BaseException:
        connection.close()
        _remove(path)
        raise
    connection.close()
    return told_columns(names, types), int(rows)


def _place(types: Sequence[str], at: int) -> int:
    if not 0 <= at < len(types):
        raise CommandError(f"the result has no column {at}; nothing was sorted or filtered.")
    return at


def _where(
    types: Sequence[str], filters: Sequence[tuple[int, str, str]]
) -> tuple[str, list[object]]:
    conditions, values = ["true"], []
    for at, operator, value in filters:
        name = f"c{_place(types, at)}"
        if operator not in OPERATORS:
            raise CommandError(f"{operator!r} is nothing a column can be asked.")
        if operator in ("is missing", "is there"):
            conditions.append(f"{name} IS {'NOT ' if operator == 'is there' else ''}NULL")
            continue
        values.append(value)
        if operator == "contains":
            conditions.append(
                f"contains(lower(CAST({name} AS VARCHAR)), lower(CAST(? AS VARCHAR)))"
            )
        else:
            conditions.append(f"{name} {OPERATORS[operator]} CAST(? AS {types[at]})")
    return " AND ".join(conditions), list(values)


_EXACT_DIGITS = 15
_FORMS = {
    "csv": "FORMAT CSV, HEADER true", "parquet": "FORMAT PARQUET, COMPRESSION ZSTD",
    "json": "FORMAT JSON, ARRAY true", "jsonl": "FORMAT JSON",
}  # fmt: skip


def exported(
    folder: WorkspaceFolder, path: Path, names: Sequence[str], form: str, target: Path
) -> None:
    """Write a result into a file.

    Args:
        folder: the workspace.
        path: the result.
        names: the names of its columns.
        form: ``csv``, ``parquet``, ``json`` or ``jsonl``.
        target: the file.

    Raises:
        CommandError: no such form, or two columns of one name where the form tells them by it.
    """
    if form not in _FORMS:
        raise CommandError(f"{form!r} is no form; it is one of {', '.join(_FORMS)}.")
    lowered = [name.lower() for name in names]
    if form != "csv" and len(set(lowered)) < len(lowered):
        raise CommandError(
            f"two columns have one name, and {form} tells values by it; nothing was written.",
            hint="give one another name: SELECT … AS other. As CSV both are written.",
        )
    with duckdb_errors():
        connection = _opened(folder, path, reading=True, most=_MEMORY)
        try:
            if form == "csv":
                _csv(connection, names, target)
                return
            values = [f"c{place}" for place in range(len(names))]
            if form != "parquet":
                values = [_in_json(place, kind) for place, kind in enumerate(_types(connection))]
            columns = ", ".join(
                f"{value} AS {quote(name)}" for value, name in zip(values, names, strict=False)
            )
            with step(_EXPORT):
                connection.execute(
                    f"COPY (SELECT {columns or '1'} FROM r ORDER BY rowid) TO "
                    f"{literal(str(target))} ({_FORMS[form]})"
                )
        finally:
            connection.close()


def _in_json(place: int, kind: str) -> str:
    """A value as JSON has it; what no DOUBLE can hold as its text."""
    name = f"c{place}"
    if kind == "BLOB":
        return f"lower(hex({name}))"
    if kind.startswith("DECIMAL(") and int(kind[8:].partition(",")[0]) > _EXACT_DIGITS:
        return f"CAST({name} AS VARCHAR)"
    if kind in ("DOUBLE", "FLOAT"):
        whole = f"to_json(CAST({name} AS VARCHAR))"
        return f"CASE WHEN isfinite({name}) THEN to_json({name}) ELSE {whole} END"
    return name


def _csv(connection: duckdb.DuckDBPyConnection, names: Sequence[str], target: Path) -> None:
    """Names may come twice in CSV, which DuckDB's writer refuses: they are written beside it."""
    types = _types(connection)
    values = ", ".join(
        f"{_text(p, k).removeprefix('left(').rpartition(', ')[0]} AS c{p}"
        for p, k in enumerate(types)
    )
    with step(_EXPORT):
        with target.open("w", encoding="utf-8", newline="") as head:
            csv.writer(head).writerow(names)
        body = target.with_name(f"{target.name}.rows")
        connection.execute(
            f"COPY (SELECT {values or '1'} FROM r ORDER BY rowid) TO {literal(str(body))} "
            "(FORMAT CSV, HEADER false)"
        )
        with body.open("rb") as rows, target.open("ab") as whole:
            while block := rows.read(1 << 20):
                whole.write(block)
        body.unlink()
