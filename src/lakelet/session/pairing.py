"""Rows that changed between two versions: one that went and one that came, told apart by a key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakelet.engines.engine import duckdb_errors
from lakelet.errors import SchemaError, nearest
from lakelet.lake.names import quote

if TYPE_CHECKING:
    import duckdb

    from lakelet.session.diff import Diff

__all__ = ("ChangedRow", "Pairing", "guessed_key", "pair_rows")

_MOST_TRIED = 40
"""Columns whose values in the rows that differ are looked at."""
_MOST_LOOKED_AT = 8
"""Of these, columns whose values in whole versions are."""
_KEYS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "DECIMAL", "VARCHAR", "DATE", "TIMESTAMP")


@dataclass(frozen=True)
class ChangedRow:
    """A row that both versions have, with other values.

    Attributes:
        before: its values in the first version; None where that has no such column.
        after: its values in the second.
        changed: which of them differ.
    """

    before: tuple[Any, ...]
    after: tuple[Any, ...]
    changed: tuple[bool, ...]


@dataclass(frozen=True)
class Pairing:
    """What differs between two versions, rows of the same key told as one that changed.

    Attributes:
        key: the columns that say which rows are the same.
        names: the columns of changed rows: those of the second version, then those of the first
            alone.
        changed: how many rows changed.
        added: how many came.
        removed: how many went.
    """

    key: list[str]
    names: list[str]
    changed: int
    added: int
    removed: int
    connection: duckdb.DuckDBPyConnection

    def changed_rows(self, *, limit: int | None = None) -> list[ChangedRow]:
        """Rows that changed, in the order of their keys."""
        many = len(self.names)
        found = self._rows("changed", limit)
        return [
            ChangedRow(row[:many], row[many : 2 * many], tuple(map(bool, row[2 * many :])))
            for row in found
        ]

    def added_rows(self, *, limit: int | None = None) -> list[tuple[Any, ...]]:
        """Rows whose key only the second version has."""
        return self._rows("came", limit)

    def removed_rows(self, *, limit: int | None = None) -> list[tuple[Any, ...]]:
        """Rows whose key only the first version has."""
        return self._rows("went", limit)

    def _rows(self, which: str, limit: int | None) -> list[tuple[Any, ...]]:
        end = "" if limit is None else f" LIMIT {limit}"
        return self.connection.execute(f"SELECT * FROM {which}{end}").fetchall()


def guessed_key(diff: Diff) -> list[str]:
    """The column that says which of the rows that differ are the same; none where none does.

    It has no value twice, and none missing, in either version as a whole: a column whose few
    values here happen to be different would pair rows that have nothing to do with one another.
    """
    if not diff.added or not diff.removed:
        return []
    types = {name: kind for name, kind in diff.typed if name in set(diff.names)}
    names = [
        name for name in diff.names
        if name not in diff.as_text and types[name].partition("(")[0].startswith(_KEYS)
        and "[" not in types[name]
    ]  # fmt: skip
    with duckdb_errors():
        met = {
            name: many
            for name in sorted(names, key=_rank)[:_MOST_TRIED]
            if (many := _met(diff, name)) and all(_unique(diff, t, name) for t in _DIFFERING)
        }
        # Of several, what is called like a key, then what pairs most rows.
        for name in sorted(met, key=lambda n: (_rank(n), -met[n]))[:_MOST_LOOKED_AT]:
            if all(_unique(diff, version, name) for version in ("old", "new")):
                return [name]
    return []


_DIFFERING = ("added", "removed")


def _rank(name: str) -> int:
    lowered = name.lower()
    if lowered in ("id", "key", "uuid", "_id"):
        return 0
    return 1 if lowered.endswith(("_id", "_key", "uuid")) else 2


def _met(diff: Diff, name: str) -> int:
    """How many values of a column both sides have."""
    column = quote(name)
    both = f"SELECT {column} FROM added INTERSECT SELECT {column} FROM removed"
    ((many,),) = diff.connection.execute(f"SELECT count(*) FROM ({both})").fetchall()
    return int(many)


def _unique(diff: Diff, table: str, name: str) -> bool:
    column = quote(name)
    query = f"SELECT count(*) = count(DISTINCT {column}) FROM {table}"
    ((unique,),) = diff.connection.execute(query).fetchall()
    return bool(unique)


def pair_rows(diff: Diff, key: Sequence[str]) -> Pairing:
    """Tell rows of the same key as one that changed.

    Args:
        diff: what differs.
        key: the columns that say which rows are the same.

    Raises:
        SchemaError: a column that not both versions have, or a key that several rows have.
    """
    known = {name.lower(): name for name in diff.names}
    for name in key:
        if name.lower() not in known:
            close = nearest(name.lower(), known)
            raise SchemaError(
                f"not both versions have a column {name!r}; rows were not paired.",
                hint=f"did you mean {known[close]!r}?" if close else None,
            )
    keys = list(dict.fromkeys(known[name.lower()] for name in key))
    with duckdb_errors():
        for side in _DIFFERING:
            _refuse_repeated(diff, side, keys)
        counts = _make(diff, keys)
    names = _all_names(diff)
    return Pairing(keys, names, *counts, diff.connection)


def _refuse_repeated(diff: Diff, side: str, keys: list[str]) -> None:
    columns = ", ".join(_said(diff, name) for name in keys)
    found = diff.connection.execute(
        f"SELECT count(*) FROM {side} WHERE {_present(keys)} GROUP BY {columns} "
        "HAVING count(*) > 1 LIMIT 1"
    ).fetchall()
    if found:
        raise SchemaError(
            f"{', '.join(keys)} does not tell rows apart: {found[0][0]} rows that were {side} have "
            "the same; rows were not paired.",
            hint="name a column more, or another.",
        )


def _present(keys: list[str], of: str = "") -> str:
    # A missing value says nothing about which row it is.
    return " AND ".join(f"{of}{quote(name)} IS NOT NULL" for name in keys)


def _said(diff: Diff, name: str, of: str = "") -> str:
    """A column as it is compared: as text where its type became one that differs in kind."""
    column = f"{of}{quote(name)}"
    return f"CAST({column} AS VARCHAR)" if name in diff.as_text else column


def _all_names(diff: Diff) -> list[str]:
    there = set(diff.added_names)
    return [*diff.added_names, *(name for name in diff.removed_names if name not in there)]


def _make(diff: Diff, keys: list[str]) -> tuple[int, int, int]:
    """Make the tables of rows that changed, came and went; how many rows each has."""
    before, after = set(diff.removed_names), set(diff.added_names)
    names = _all_names(diff)
    olds = [f"r.{quote(n)}" if n in before else "NULL" for n in names]
    news = [f"a.{quote(n)}" if n in after else "NULL" for n in names]
    marks = [
        f"{_said(diff, n, 'r.')} IS DISTINCT FROM {_said(diff, n, 'a.')}"
        if n in before and n in after
        else f"{new if n in after else old} IS NOT NULL"
        for n, old, new in zip(names, olds, news, strict=True)
    ]
    picked = [f"{part} AS c{number}" for number, part in enumerate([*olds, *news, *marks])]
    same = " AND ".join(f"{_said(diff, n, 'r.')} = {_said(diff, n, 'a.')}" for n in keys)
    by = ", ".join(f"a.{quote(n)}" for n in keys)
    run = diff.connection.execute
    run(
        f"CREATE OR REPLACE TABLE changed AS SELECT {', '.join(picked)} FROM removed r "
        f"JOIN added a ON {same} ORDER BY {by}"
    )
    run(f"CREATE OR REPLACE TABLE came AS SELECT * FROM added a ANTI JOIN removed r ON {same}")
    run(f"CREATE OR REPLACE TABLE went AS SELECT * FROM removed r ANTI JOIN added a ON {same}")
    counted = [
        int(run(f"SELECT count(*) FROM {table}").fetchall()[0][0])
        for table in ("changed", "came", "went")
    ]
    return counted[0], counted[1], counted[2]
