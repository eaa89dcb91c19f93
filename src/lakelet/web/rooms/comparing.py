"""Two versions of a table side by side: rows that changed cell by cell, that came, that went."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Query

from lakelet.errors import SchemaError
from lakelet.session.diff import Diff
from lakelet.session.pairing import Pairing
from lakelet.web.answer import add_page
from lakelet.web.room import Room
from lakelet.web.rooms.table_head import Head, Pinned, TableHead

__all__ = ("router",)

router = Room(["table"])
_SHOWN = 200
_DIFFERING = 50


@dataclass(frozen=True)
class Cell:
    """A cell of a row that changed.

    Attributes:
        before: what it was.
        after: what it is.
        changed: whether these differ.
    """

    before: str
    after: str
    changed: bool


@dataclass(frozen=True)
class Difference:
    """What differs between two versions.

    Attributes:
        head: the table.
        first: the earlier version.
        second: the later version.
        columns: changes of the schema, in words.
        key: the columns that say which rows are the same; none where rows are not paired.
        guessed: whether nobody named them.
        wrong: why rows are not paired by the columns named.
        common: the columns that may be named.
        changed: rows that changed.
        changed_names: columns of these.
        changed_rows: some of them, cell by cell.
        added: rows only the later version has.
        removed: rows only the earlier version has.
        added_names: columns of the rows added.
        removed_names: columns of the rows removed.
        added_rows: some of them, as text.
        removed_rows: some of them, as text.
    """

    head: Head
    first: int
    second: int
    columns: list[str]
    key: list[str]
    guessed: bool
    wrong: str
    common: list[str]
    changed: int
    changed_names: list[str]
    changed_rows: list[list[Cell]] = field(default_factory=list)
    added: int = 0
    removed: int = 0
    added_names: list[str] = field(default_factory=list)
    removed_names: list[str] = field(default_factory=list)
    added_rows: list[list[str]] = field(default_factory=list)
    removed_rows: list[list[str]] = field(default_factory=list)


def difference(
    head: TableHead,
    table: Pinned,
    first: Annotated[int, Query(ge=0, description="The earlier version.")],
    second: Annotated[int, Query(ge=0, description="The later version.")],
    key: Annotated[
        list[str],
        Query(description="Columns that say which rows are the same; guessed without them.",
              default_factory=list),
    ],
) -> Difference:  # fmt: skip
    """What differs between two versions of a table."""
    first, second = sorted((first, second))
    found = table.diff(first, second)
    pairs, wrong = _paired(found, [name for name in key if name])
    told: Diff | Pairing = pairs or found
    return Difference(
        head, first, second, found.columns, pairs.key if pairs else [], not any(key), wrong,
        found.names, pairs.changed if pairs else 0, pairs.names if pairs else [],
        _cells(pairs) if pairs else [], told.added, told.removed, found.added_names,
        found.removed_names, _texts(told.added_rows(limit=_DIFFERING)),
        _texts(told.removed_rows(limit=_DIFFERING)),
    )  # fmt: skip


def _paired(found: Diff, key: list[str]) -> tuple[Pairing | None, str]:
    try:
        return found.paired(key), ""
    except SchemaError as error:
        return None, error.message


def _cells(pairs: Pairing) -> list[list[Cell]]:
    return [
        [
            Cell(_cut(before), _cut(after), changed)
            for before, after, changed in zip(row.before, row.after, row.changed, strict=True)
        ]
        for row in pairs.changed_rows(limit=_DIFFERING)
    ]


def _texts(rows: list[tuple[Any, ...]]) -> list[list[str]]:
    return [[_cut(value) for value in row] for row in rows]


def _cut(value: Any) -> str:
    """A value as samples show it, or its beginning: what has parts as JSON."""
    if isinstance(value, dict | list | bool):
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    else:
        text = "NULL" if value is None else str(value)
    return text[:_SHOWN]


add_page(router, "/tables/{schema}/{table}/diff", "table/diff.html", difference)
