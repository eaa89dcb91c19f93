"""Counting most CSV rows by a guess, as `guessed` does for JSON.

A row that comes out as the very same bytes when its cells are read as the guessed types and written
back needs no closer look; a cell of text does only where its first letter might begin something
else. The other rows are counted cell by cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from lakelet.lake.types import Primitive
from lakelet.loading.fit.csv_sql import classify_csv
from lakelet.loading.inference.csv_columns import NO_TEXT, tally_csv
from lakelet.loading.inference.tally import Tally
from lakelet.loading.shape import Shape

__all__ = ("CsvGuess",)

_GUESSED = ("BIGINT", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP", "STRING")


@dataclass(frozen=True)
class CsvGuess:
    """Columns guessed from the rows seen so far.

    Attributes:
        shape: the guessed columns.
        header: the file's columns.
        sample: some rows, which show how moments are written.
    """

    shape: Shape
    header: tuple[str, ...]
    sample: Sequence[str]

    @classmethod
    def of(cls, shape: Shape, header: tuple[str, ...], sample: Sequence[str]) -> CsvGuess | None:
        """A guess; None where a column is of a type that is told in other ways than one."""
        simple = all(
            isinstance(f.type, Primitive) and f.type.name in _GUESSED for f in shape.fields
        )
        return cls(shape, header, sample) if simple and shape.fields else None

    def count(self, connection: duckdb.DuckDBPyConnection, root: Tally) -> float:
        """Count the rows of the relation ``batch`` into ``root``.

        Returns:
            The share of rows the guess was right for.
        """
        found = classify_csv(self.shape, self.header, self.sample, same=True)
        texts = [
            f"c{i}"
            for i, field in enumerate(self.shape.fields)
            if field.type == Primitive("STRING")
        ]
        # Asked of the first letter first: nearly all texts begin with another.
        maybe = " OR ".join(
            f"CASE WHEN left({text}, 1) IN ({_FIRST}) THEN regexp_matches({text}, '{NO_TEXT}') "
            "ELSE false END"
            for text in texts
        )
        plain = f"ok AND NOT coalesce({maybe}, false)" if texts else "ok"
        connection.execute(
            "CREATE OR REPLACE TABLE guessed AS SELECT * REPLACE "
            "(CASE WHEN NOT ok THEN record END AS record) "
            f"FROM (SELECT * REPLACE ({plain} AS ok) FROM ({found}))"
        )
        counts = ", ".join(f"count(c{index})" for index in range(len(self.shape.fields)))
        (row,) = connection.execute(f"SELECT count(*), {counts} FROM guessed WHERE ok").fetchall()
        ((every,),) = connection.execute("SELECT count(*) FROM guessed").fetchall()
        for field, count in zip(self.shape.fields, row[1:], strict=True):
            tally = root.field(field.key)
            if tally is not None:
                _add(tally, field.type, count)
        connection.execute(
            "CREATE OR REPLACE VIEW batch AS SELECT file, line, record FROM guessed WHERE NOT ok"
        )
        tally_csv(connection, root, self.header)
        connection.execute("DROP VIEW batch")
        return float(row[0]) / every if every else 1.0


_FIRST = ", ".join(f"'{letter}'" for letter in "-+.0123456789tTfFnNiI")


def _add(tally: Tally, kind: object, count: int) -> None:
    """What `tally_csv` counts for so many cells of a kind."""
    name = kind.name if isinstance(kind, Primitive) else ""
    tally.count += count
    if name in ("BIGINT", "DOUBLE"):
        tally.integers += count if name == "BIGINT" else 0
        tally.doubles += count
        tally.numbers += count
        tally.scale = max(tally.scale, 15 if name == "DOUBLE" and count else 0)
    elif name == "BOOLEAN":
        tally.booleans += count
    else:
        tally.texts += count
        tally.moments += count if name in ("DATE", "TIMESTAMP") else 0
        tally.dates += count if name == "DATE" else 0
