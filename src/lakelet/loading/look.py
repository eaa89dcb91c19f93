"""The first look: which columns the records of files, or of the spool, ask for."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from lakelet.lake.types import Primitive
from lakelet.loading.convert import CHUNK, records_in
from lakelet.loading.fit.json_template import find_template
from lakelet.loading.inference.columns import new_columns
from lakelet.loading.inference.csv_columns import tally_csv
from lakelet.loading.inference.guessed import Guess
from lakelet.loading.inference.guessed_csv import CsvGuess
from lakelet.loading.inference.json_shapes import tally_json
from lakelet.loading.inference.tally import Tally
from lakelet.loading.records.block import Block
from lakelet.loading.shape import Shape
from lakelet.loading.source_file import Layout, SourceFile

__all__ = ("look_at", "look_at_spool")

_FIRST = 4 << 20
"""Characters of the first records, from which the columns are guessed."""
_SAMPLE = 8
_WORTH = 0.3
"""The share of records a guess must be right for to be worth its while."""


def look_at(
    connection: duckdb.DuckDBPyConnection, blocks: Iterable[tuple[SourceFile, Layout, Block]]
) -> Tally:
    """Count every value of the records."""
    look = _Look(connection)
    parts: list[tuple[int, Block]] = []
    size, layout = 0, Layout("")
    for source, found, block in blocks:
        if parts and (found != layout or size > (CHUNK if look.started else _FIRST)):
            look.count(layout, parts)
            parts, size = [], 0
        layout = found
        if block:
            parts.append((source.index, block))
            size += block.size
    if parts:
        look.count(layout, parts)
    return look.root


class _Look:
    """A look at chunks of records: the first one by itself, later ones by a guess from it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.root = Tally()
        self.started = False
        self.guess: Guess | CsvGuess | None = None
        self.guessed = Layout("")

    def count(self, layout: Layout, parts: list[tuple[int, Block]]) -> None:
        if self.guess is not None and layout == self.guessed:
            self._count_by_guess(parts)
            return
        with records_in(self.connection, parts):
            _tally(self.connection, self.root, layout)
        if layout != self.guessed:
            self.guess, self.guessed = _guess(self.root, layout, parts[0][1].records), layout
        self.started = True

    def _count_by_guess(self, parts: list[tuple[int, Block]]) -> None:
        assert self.guess is not None
        with records_in(self.connection, parts):
            share = self.guess.count(self.connection, self.root)
        if share < _WORTH:
            self.guess = None


def _guess(root: Tally, layout: Layout, records: list[str]) -> Guess | CsvGuess | None:
    if layout.kind not in ("json", "csv"):
        return None
    # Only a guess: the odd value among the first must not spoil it.
    shape = Shape.of(new_columns(root, Shape(()), {}, tolerance=0.9))
    if layout.kind == "csv":
        return CsvGuess.of(shape, layout.header, records[:_SAMPLE])
    template = find_template(shape, records)
    return Guess(shape, template) if template else None


def _tally(connection: duckdb.DuckDBPyConnection, root: Tally, layout: Layout) -> None:
    if layout.kind == "csv":
        tally_csv(connection, root, layout.header)
    elif layout.kind == "json":
        tally_json(connection, root)
    else:
        value = root.field("value")
        assert value is not None
        value.count, value.texts = 1, 1
        assert value.kind(1.0) == Primitive("STRING")


def look_at_spool(connection: duckdb.DuckDBPyConnection, headers: list[tuple[str, ...]]) -> Tally:
    """Count every value of the records that wait in the spool."""
    root = Tally()
    for (number,) in connection.execute("SELECT DISTINCT header FROM spool ORDER BY 1").fetchall():
        connection.execute(
            "CREATE OR REPLACE VIEW batch AS SELECT file, line, record FROM spool "
            f"WHERE header = {number}"
        )
        _tally(connection, root, Layout("json") if number < 0 else Layout("csv", headers[number]))
        connection.execute("DROP VIEW batch")
    return root
