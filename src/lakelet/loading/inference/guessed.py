"""Counting most records by a guess: what the first ones were like, the others nearly always are.

After the first chunk the columns are guessed, and a later chunk is counted by proving that its
records, written back with the guessed types, are the same bytes (`fit.json_template`). What is
proven needs no look at its structure; the rest is counted as the first chunk was.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from lakelet.lake.types import Primitive
from lakelet.loading.fit.json_template import JsonTemplate
from lakelet.loading.inference.json_shapes import tally_json
from lakelet.loading.inference.tally import Tally
from lakelet.loading.shape import Shape

__all__ = ("Guess",)

# A text that may be a date or a moment: only then is it counted by itself.
_MAYBE_TIME = "substr({0}, 5, 1) = '-' AND length({0}) >= 10"


@dataclass(frozen=True)
class Guess:
    """Columns guessed from the records seen so far, and how these were written.

    Attributes:
        shape: the guessed columns, by the records' own keys.
        template: the manner of writing.
    """

    shape: Shape
    template: JsonTemplate

    def count(self, connection: duckdb.DuckDBPyConnection, root: Tally) -> float:
        """Count the records of the relation ``batch`` into ``root``.

        Returns:
            The share of records the guess was right for.
        """
        texts = [
            _MAYBE_TIME.format(f"c{index}")
            for index, field in enumerate(self.shape.fields)
            if field.type == Primitive("STRING")
        ]
        # A column of texts may yet turn out to hold dates; those records are counted exactly.
        maybe = " OR ".join(f"coalesce({text}, false)" for text in texts) or "false"
        connection.execute(
            "CREATE OR REPLACE TABLE guessed AS SELECT * REPLACE "
            "(CASE WHEN NOT ok THEN record END AS record) FROM (SELECT * REPLACE "
            f"(ok AND NOT ({maybe}) AS ok) FROM ({self.template.classify(self.shape)}))"
        )
        good = self._add_good(connection, root)
        ((every,),) = connection.execute("SELECT count(*) FROM guessed").fetchall()
        connection.execute(
            "CREATE OR REPLACE VIEW batch AS SELECT file, line, record FROM guessed WHERE NOT ok"
        )
        tally_json(connection, root)
        connection.execute("DROP VIEW batch")
        return good / every if every else 1.0

    def _add_good(self, connection: duckdb.DuckDBPyConnection, root: Tally) -> int:
        counts = [f"count(c{index})" for index in range(len(self.shape.fields))]
        (row,) = connection.execute(
            f"SELECT count(*), {', '.join(counts)} FROM guessed WHERE ok"
        ).fetchall()
        root.count += row[0]
        root.objects += row[0]
        for field, count in zip(self.shape.fields, row[1:], strict=True):
            tally = root.field(field.key)
            if tally is not None:
                _add(tally, str(getattr(field.type, "name", "")), count)
        return int(row[0])


def _add(tally: Tally, kind: str, count: int) -> None:
    tally.count += count
    if kind in ("BIGINT", "DOUBLE"):
        tally.numbers += count
        tally.doubles += count
        # What came out the same as a DOUBLE was written with a fraction.
        tally.integers += count if kind == "BIGINT" else 0
        tally.scale = max(tally.scale, 15 if kind == "DOUBLE" and count else 0)
    elif kind == "BOOLEAN":
        tally.booleans += count
    else:
        tally.texts += count
        tally.moments += count if kind in ("DATE", "TIMESTAMP") else 0
        tally.dates += count if kind == "DATE" else 0
