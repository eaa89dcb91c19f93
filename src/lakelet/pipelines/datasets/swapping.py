"""Which rows of a table come and which go, and what of a file stays when rows of it go.

The rows that are there are held in a table with their places (`PLACE_FILE`, `PLACE_ROW`); a row
that is the same before and after is not touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb

from lakelet.engines.rewrite import Target
from lakelet.engines.routes.file_source import PLACE_FILE, PLACE_ROW

__all__ = ("find_differences", "same_values", "staying_rows")


def same_values(a: str, b: str, names: Iterable[str]) -> str:
    """A condition: rows of two tables have the same values in some columns, NULL like NULL."""
    return " AND ".join(f"{a}.{name} IS NOT DISTINCT FROM {b}.{name}" for name in names) or "true"


def find_differences(
    engine: duckdb.DuckDBPyConnection,
    old: str,
    new: str,
    names: Sequence[str],
    *,
    come: str,
    gone: str,
) -> None:
    """Make the tables of what comes, as rows, and of what goes, as places ``file`` and ``row``.

    Args:
        engine: where all of them are.
        old: the table of rows that are there, with their places.
        new: the table of rows that shall be there.
        names: the columns that make a row the same, quoted.
        come: the table to make of rows of ``new`` that are not there.
        gone: the table to make of places of rows that shall not be there.
    """
    same = same_values("a", "b", names)
    engine.execute(
        f"CREATE TABLE {come} AS SELECT * FROM {new} AS a ANTI JOIN {old} AS b ON {same}"
    )
    engine.execute(
        f"CREATE TABLE {gone} AS SELECT {PLACE_FILE} AS file, {PLACE_ROW} AS row "
        f"FROM {old} AS a ANTI JOIN {new} AS b ON {same}"
    )


def staying_rows(target: Target, uris: Sequence[str], gone: str, values: Sequence[str]) -> str:
    """A SELECT of the rows of some files of a table that are not among those that go."""
    target.narrow(uris)
    return (
        f"SELECT {', '.join(values)} FROM {target.AFFECTED} AS a ANTI JOIN {gone} AS b "
        f"ON a.{PLACE_FILE} = b.file AND a.{PLACE_ROW} = b.row"
    )
