"""A table's page, and the tabs that show its rows and versions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Query

from lakelet.session.profile import Profile, profile_table
from lakelet.session.sample import Filter, Sample, take_sample
from lakelet.session.table import Table
from lakelet.web.answer import Open, add_page
from lakelet.web.room import Room
from lakelet.web.rooms.table_head import Head, Pinned, TableHead

__all__ = ("router",)

router = Room(["table"])
_SHOWN = 200


@dataclass(frozen=True)
class Version:
    """A version of a table.

    Attributes:
        version: its number.
        time: when it came to be.
        operation: what made it.
        rows: rows that came with it, where it says so.
        detail: what else is to be known of it.
    """

    version: int
    time: datetime
    operation: str
    rows: int | None
    detail: str


@dataclass(frozen=True)
class Overview:
    """A table at a glance.

    Attributes:
        head: the table.
        lately: its last versions.
        first: the number of the first column shown.
    """

    head: Head
    lately: list[Version]
    first: int


First = Annotated[int, Query(ge=0, description="The number of the first column.")]


def overview(head: TableHead, table: Pinned, first: First = 0) -> Overview:
    """A table: columns, what is known of them, where it comes from and goes to."""
    return Overview(head, _versions(table, head.version, 5), first)


def _versions(table: Table, until: int, most: int) -> list[Version]:
    newest = table.history(limit=1)[0].version
    found = table.history(limit=newest - until + most) if until >= 0 else []
    return [
        Version(c.version, c.time, c.operation, c.rows, c.detail)
        for c in found
        if c.version <= until
    ][:most]


@dataclass(frozen=True)
class ProfilePage:
    """What the values of a table's columns are like.

    Attributes:
        head: the table.
        profile: the columns and their values.
    """

    head: Head
    profile: Profile


def profile(head: TableHead, table: Pinned, workspace: Open, first: First = 0) -> ProfilePage:
    """What the values of a table's columns are like, some columns at a time."""
    return ProfilePage(head, profile_table(workspace, table, first=first))


@dataclass(frozen=True)
class SamplePage:
    """Some rows.

    Attributes:
        head: the table.
        sample: the rows.
        sort: the column they are sorted by; '' for none.
        descending: whether the largest come first.
        where: what they were to be like.
        first: the number of the first column shown.
        most: how many columns are shown at once.
    """

    head: Head
    sample: Sample
    sort: str
    descending: bool
    where: list[Filter]
    first: int
    most: int


_COLUMNS = 60


def sample(
    head: TableHead,
    table: Pinned,
    sort: Annotated[str, Query(description="The column to sort by.")] = "",
    descending: Annotated[bool, Query(description="Whether the largest come first.")] = False,
    column: Annotated[str, Query(description="A column to filter by.")] = "",
    operator: Annotated[str, Query(description="What it is asked.")] = "is",
    value: Annotated[str, Query(description="What it is compared with.")] = "",
    first: First = 0,
) -> SamplePage:
    """Rows of a table, filtered and sorted."""
    where = [Filter(column, operator, value)] if column else []
    rows = take_sample(
        table, sort=sort, descending=descending, where=where, limit=_SHOWN, first=first,
        most=_COLUMNS,
    )  # fmt: skip
    return SamplePage(head, rows, sort, descending, where, first, _COLUMNS)


@dataclass(frozen=True)
class History:
    """Versions of a table, the newest first.

    Attributes:
        head: the table.
        versions: the versions.
        more: whether there are older ones.
    """

    head: Head
    versions: list[Version]
    more: bool


def history(
    head: TableHead,
    table: Pinned,
    before: Annotated[int | None, Query(description="Only versions before this one.")] = None,
) -> History:
    """The versions of a table, the newest first."""
    until = head.version if before is None else min(head.version, before - 1)
    found = _versions(table, until, _VERSIONS + 1)
    return History(head, found[:_VERSIONS], len(found) > _VERSIONS)


_VERSIONS = 100


for tab, page in (
    ("sample", sample), ("history", history), ("profile", profile),
):  # fmt: skip
    add_page(router, f"/tables/{{schema}}/{{table}}/{tab}", f"table/{tab}.html", page)
add_page(router, "/tables/{schema}/{table}/overview", "table/overview.html", overview)
add_page(router, "/tables/{schema}/{table}", "table/overview.html", overview)
add_page(router, "/parts/columns/{schema}/{table}", "table/column_list.html", overview, twin=False)
