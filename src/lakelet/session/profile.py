"""What the values of a table's columns are like: missing ones, different ones, range, spread.

A profile is of one version of a table, so it is kept as long as the metadata store is: a version
never changes.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lakelet.errors import StorageError
from lakelet.lake.names import quote
from lakelet.lake.types import Array, Column, DataType, Map, Primitive, Struct
from lakelet.lake.types import Decimal as DecimalType
from lakelet.session.pinned import SERVICE_COLUMNS
from lakelet.workspace.store import open_store

if TYPE_CHECKING:
    from lakelet.session.table import Table
    from lakelet.session.workspace import Workspace
    from lakelet.workspace import WorkspaceFolder

__all__ = ("ColumnProfile", "Profile", "profile_table")

_ROWS = 200_000
_VALUES = 8_000_000
"""Values looked at for one profile; of a wide table it is of fewer rows."""
_BINS = 12
_NAMED = 8
"""Different values up to which each has a bar of its own."""
_SHORT = 24
_KEPT = 5_000
"""Profiles that are kept; the oldest go first."""


@dataclass(frozen=True)
class ColumnProfile:
    """A column's values.

    Attributes:
        name: its name.
        type: its type, as SQL.
        comment: what it is, if someone said so.
        missing: the share of NULLs, 0 to 1; None where there are no rows.
        distinct: about how many different values there are (HyperLogLog, a few per cent off; exact
            where there are few); None for nested values.
        range: the least and the greatest value, or the most frequent ones, in words.
        bars: heights of equal intervals from the least value to the greatest, or of the most
            frequent values, the highest 1; empty where there is nothing to draw.
        said: what stands in the place of bars.
    """

    name: str
    type: str
    comment: str | None
    missing: float | None
    distinct: int | None
    range: str
    bars: list[float]
    said: str


@dataclass(frozen=True)
class Profile:
    """The profile of some columns of a version of a table.

    Attributes:
        version: the version.
        rows: the rows looked at.
        sampled: whether these are not all.
        columns: the columns.
        following: the number of the first column after these, if there is one.
    """

    version: int
    rows: int
    sampled: bool
    columns: list[ColumnProfile]
    following: int | None


def profile_table(workspace: Workspace, table: Table, *, first: int = 0, most: int = 50) -> Profile:
    """The profile of a table's columns, from the store or from up to 200,000 of its rows.

    Args:
        workspace: the workspace, in whose store profiles are kept.
        table: the table, at a version or as people see it.
        first: the number of the first column, from 0; the loader's own come last.
        most: how many columns.
    """
    version = table.version
    columns = [c for c in table.columns if c.name not in SERVICE_COLUMNS]
    columns += [c for c in table.columns if c.name in SERVICE_COLUMNS]
    key = json.dumps([table.brief()["id"], version, first, most])
    kept = _kept(workspace.folder, key)
    if kept is not None:
        return kept
    shown = columns[first : first + most]
    limit = max(1, min(_ROWS, _VALUES // max(1, len(shown))))
    following = first + most if first + most < len(columns) else None
    found = replace(_look(table, shown, limit), version=version, following=following)
    _keep(workspace.folder, key, found)
    return found


def _kept(folder: WorkspaceFolder, key: str) -> Profile | None:
    with suppress(StorageError), open_store(folder) as store:
        row = store.execute("SELECT result FROM profiles WHERE key = ?", (key,)).fetchone()
        if row is not None:
            said = json.loads(row["result"])
            columns = [ColumnProfile(**one) for one in said.pop("columns")]
            return Profile(**said, columns=columns)
    return None


def _keep(folder: WorkspaceFolder, key: str, found: Profile) -> None:
    # A disk that takes nothing more keeps nobody from looking.
    with suppress(StorageError), open_store(folder) as store:
        store.execute(
            "INSERT OR REPLACE INTO profiles (key, result) VALUES (?, ?)",
            (key, json.dumps(asdict(found))),
        )
        store.execute(
            "DELETE FROM profiles WHERE rowid <= (SELECT max(rowid) FROM profiles) - ?", (_KEPT,)
        )


def _look(table: Table, columns: Sequence[Column], limit: int) -> Profile:
    some = f"(SELECT {_list(columns)} FROM this LIMIT {limit + 1})"
    asked = ["count(*)"]
    for index, column in enumerate(columns):
        value = f"v{index}"
        asked.append(f"count({value})")
        plain = _is_plain(column.type)
        asked.append(f"approx_count_distinct({value})" if plain else "NULL")
        ordered = plain and column.type != Primitive("BOOLEAN")
        length = "" if not ordered or column.type != Primitive("STRING") else "length"
        asked += [f"min({length}({value}))", f"max({length}({value}))"] if ordered else ["NULL"] * 2
    ((rows, *facts),) = table.look(f"SELECT {', '.join(asked)} FROM {some}").rows()
    counted = [facts[4 * i : 4 * i + 4] for i in range(len(columns))]
    spread = _spread(table, columns, counted, some)
    found = [
        _column(column, rows, counted[index], spread[index]) for index, column in enumerate(columns)
    ]
    return Profile(0, min(rows, limit), rows > limit, found, None)


def _list(columns: Sequence[Column]) -> str:
    return ", ".join(f"{quote(c.name)} AS v{i}" for i, c in enumerate(columns)) or "1"


def _is_plain(kind: DataType) -> bool:
    return not isinstance(kind, Array | Map | Struct) and kind != Primitive("BINARY")


def _spread(
    table: Table, columns: Sequence[Column], counted: list[list[Any]], some: str
) -> list[_Spread]:
    """Counts of equal intervals for numbers, moments and lengths; of the values for what is few."""
    found = [_Spread() for _ in columns]
    asked: list[tuple[int, str]] = []
    for index, (column, (_, distinct, least, most)) in enumerate(
        zip(columns, counted, strict=True)
    ):
        value = f"v{index}"
        if distinct and distinct <= _NAMED:
            asked.append((index, f"histogram({value})"))
            continue
        number = _as_number(column.type, value)
        low, high = _float(least), _float(most)
        if not distinct or number is None or low is None or high is None or not high > low:
            continue
        bin_ = f"least({_BINS - 1}, floor(({number} - {low!r}) / {(high - low) / _BINS!r}))"
        asked.append((index, f"histogram(CAST({bin_} AS INT))"))
    if not asked:
        return found
    (row,) = table.look(f"SELECT {', '.join(text for _, text in asked)} FROM {some}").rows()
    for (index, _), counts in zip(asked, row, strict=True):
        by = _map(counts)
        highest = max(by.values(), default=1)
        if counted[index][1] <= _NAMED:
            often = sorted(by.items(), key=lambda one: -one[1])
            found[index] = _Spread([n / highest for _, n in often], often)
        else:
            found[index] = _Spread([by.get(number, 0) / highest for number in range(_BINS)])
    return found


def _map(value: Any) -> dict[Any, int]:
    if isinstance(value, dict) and set(value) == {"key", "value"} and value["key"] is not None:
        return dict(zip(value["key"], value["value"], strict=True))
    return dict(value or {})


@dataclass(frozen=True)
class _Spread:
    """How values are spread: heights of bars, and where there are few values, how often each is."""

    bars: list[float] = field(default_factory=list)
    often: list[tuple[Any, int]] = field(default_factory=list)


def _as_number(kind: DataType, value: str) -> str | None:
    if kind == Primitive("STRING"):
        return f"length({value})"
    if kind in (Primitive("TIMESTAMP"), Primitive("TIMESTAMP_NTZ"), Primitive("DATE")):
        return f"epoch({value})"
    if isinstance(kind, DecimalType | Primitive):
        return f"CAST({value} AS DOUBLE)" if kind != Primitive("BOOLEAN") else None
    return None


def _float(value: Any) -> float | None:
    if isinstance(value, dt.datetime):
        value = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
        return float(value.timestamp())
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC).timestamp()
    if isinstance(value, int | float | Decimal):
        number = float(value)
        return number if abs(number) < 1e300 else None
    return None


def _column(column: Column, rows: int, counted: Sequence[Any], spread: _Spread) -> ColumnProfile:
    there, distinct, least, most = counted
    said = "nothing but NULL" if rows and not there else ""
    if distinct is not None and there > _NAMED and distinct >= 0.97 * there:
        said = "nearly all different"
    if spread.often:
        named = [f"{_brief(v)} {100 * n / there:.0f} %" for v, n in spread.often[:3]]
        text = " · ".join(named) + (" …" if len(spread.often) > len(named) else "")
    elif least is None:
        text = ""
    elif column.type == Primitive("STRING"):
        text = f"{least:,} … {most:,} letters" if least != most else f"{least:,} letters"
    else:
        text = f"{_brief(least)} … {_brief(most)}" if least != most else _brief(least)
    return ColumnProfile(
        column.name, column.type.sql, column.comment, 1 - there / rows if rows else None,
        None if distinct is None else min(distinct, there), text, spread.bars, said,
    )  # fmt: skip


def _brief(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:,.6g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d")
    text = " ".join(str(value).split())
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"
