"""A table's page and its tabs: what it is, what is in it, where it came from and goes to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query

from lakelet.lake import TableName
from lakelet.session.expectations import expectation_counts
from lakelet.session.moments import parse_moment
from lakelet.session.profile import Profile, profile_table
from lakelet.session.sample import Filter, Sample, take_sample
from lakelet.session.table import Table
from lakelet.session.uses import Reading, readings
from lakelet.web.answer import At, Open, add_page
from lakelet.web.room import Room
from lakelet.web.rooms.layout import MOST_DRAWN, Drawing, draw
from lakelet.web.rooms.runs import RunRow, row_of

__all__ = ("router",)

router = Room(["table"])
_SHOWN = 200


@dataclass(frozen=True)
class Head:
    """What stands above every tab of a table.

    Attributes:
        name: ``schema.table``.
        schema: the schema.
        table: the table.
        comment: what it is, if someone said so.
        version: the version shown.
        changed: when it came to be.
        rows: how many rows it has.
        bytes: its size.
        files: how many files.
        pipeline: the pipeline that makes it.
        columns: name, type, whether it may be NULL, comment.
        partition_by: columns whose values are folders.
        constraints: checks by name.
        route: how its rows are read.
        route_reason: why in that way.
        location: where it lies, from the workspace where it lies in it.
    """

    name: str
    schema: str
    table: str
    comment: str | None
    version: int
    changed: datetime | None
    rows: int
    bytes: int
    files: int
    pipeline: str | None
    columns: list[dict[str, Any]]
    partition_by: list[str]
    constraints: dict[str, str]
    route: str
    route_reason: str
    location: str


Numbered = Annotated[int | None, Query(description="A version; as people see it without it.")]


def pinned(
    workspace: Open, schema: str, table: str, at: At = None, version: Numbered = None
) -> Table:
    """The table of an address, at its version or at the page's moment."""
    found = workspace.table(TableName.of(schema, table))
    if version is not None:
        return found.at(version=version)
    return found if at is None else found.at(at)


Pinned = Annotated[Table, Depends(pinned)]


def head_of(table: Pinned, workspace: Open) -> Head:
    """What stands above the tabs."""
    said = table.describe()
    told = {key: said[key] for key in said if key in Head.__dataclass_fields__}
    told["location"] = said["location"].removeprefix(f"{workspace.folder.root}/")
    return Head(schema=table.qualified.schema, table=table.qualified.table, **told)


TableHead = Annotated[Head, Depends(head_of)]


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


@dataclass(frozen=True)
class Difference:
    """What differs between two versions.

    Attributes:
        head: the table.
        first: the earlier version.
        second: the later version.
        columns: changes of the schema, in words.
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
    added: int
    removed: int
    added_names: list[str]
    removed_names: list[str]
    added_rows: list[list[str]]
    removed_rows: list[list[str]]


_VERSIONS = 100
_DIFFERING = 50


def difference(
    head: TableHead,
    table: Pinned,
    first: Annotated[int, Query(ge=0, description="The earlier version.")],
    second: Annotated[int, Query(ge=0, description="The later version.")],
) -> Difference:
    """What differs between two versions of a table."""
    first, second = sorted((first, second))
    found = table.diff(first, second)

    def texts(rows: list[tuple[Any, ...]]) -> list[list[str]]:
        return [["NULL" if v is None else str(v)[:_SHOWN] for v in row] for row in rows]

    return Difference(
        head, first, second, found.columns, found.added, found.removed, found.added_names,
        found.removed_names, texts(found.added_rows(limit=_DIFFERING)),
        texts(found.removed_rows(limit=_DIFFERING)),
    )  # fmt: skip


@dataclass(frozen=True)
class Files:
    """The raw files that became rows of a table.

    Attributes:
        head: the table.
        files: the files, the newest first.
        count: how many there are.
    """

    head: Head
    files: list[dict[str, Any]]
    count: int


def files(head: TableHead, table: Pinned) -> Files:
    """The raw files that became rows of a table, with counts and the version each made."""
    found = [one for one in table.files() if _by(one["version"], head)]
    return Files(head, found[:_SHOWN], len(found))


def _by(version: int | None, head: Head) -> bool:
    return version is None or version <= head.version


@dataclass(frozen=True)
class Rescued:
    """Values that fit no column, by field.

    Attributes:
        head: the table.
        fields: path, count, samples, the column it would fill, whether it is ignored.
    """

    head: Head
    fields: list[dict[str, Any]]


def rescued(head: TableHead, table: Pinned) -> Rescued:
    """Values that fit no column of a table, by field."""
    return Rescued(head, [asdict(field) for field in table.rescued()])


@dataclass(frozen=True)
class Quality:
    """What was kept out of a table, and why.

    Attributes:
        head: the table.
        expectations: counts of the last updates, the newest first.
        rows: rejected rows, the newest first: when, batch, file, line, reason, raw text.
        more: whether there are more.
        file: the file whose rows are shown; '' for all.
    """

    head: Head
    expectations: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    more: bool
    file: str


def quality(
    head: TableHead,
    table: Pinned,
    workspace: Open,
    file: Annotated[str, Query(description="Only rows of this raw file.")] = "",
    at: At = None,
) -> Quality:
    """Expectations over time, and the rows that were kept out."""
    until = None if at is None else parse_moment(at, workspace.time_zone)
    found = table.rejected(limit=None if file or until else _SHOWN + 1)
    if file:
        found = [row for row in found if row["file"] == file]
    if until is not None:
        found = [row for row in found if row["rejected_at"] <= until]
    for row in found[:_SHOWN]:
        row["record"] = str(row["record"])[: 10 * _SHOWN]
    counts = expectation_counts(workspace, table.qualified)
    if until is not None:
        counts = [one for one in counts if one["time"] <= until]
    return Quality(head, counts, found[:_SHOWN], len(found) > _SHOWN, file)


@dataclass(frozen=True)
class Used:
    """Who uses a table.

    Attributes:
        head: the table.
        made: tables made from it, directly.
        queries: the last different statements that read it.
        runs: the last runs that read it, each with the versions it read.
    """

    head: Head
    made: list[str]
    queries: list[Reading]
    runs: list[tuple[RunRow, list[int]]]


def used(head: TableHead, table: Pinned, workspace: Open) -> Used:
    """The runs and statements that read a table, and the tables made from it."""
    edges = workspace.lineage(head.name, "downstream")
    made = dict.fromkeys(edge["target"] for edge in edges if edge["depth"] == 0)
    runs = [(row_of(run), found) for run, found in workspace.runs_of_table(head.name)]
    return Used(head, list(made), readings(workspace, table.qualified), runs)


@dataclass(frozen=True)
class LineagePage:
    """What a table comes from and what comes from it.

    Attributes:
        head: the table.
        upstream: edges towards it, with depths.
        downstream: edges from it, with depths.
        drawing: the tables and files around it; None where they are too many, or none.
    """

    head: Head
    upstream: list[dict[str, Any]]
    downstream: list[dict[str, Any]]
    drawing: Drawing | None


def lineage(head: TableHead, workspace: Open, at: At = None) -> LineagePage:
    """What a table comes from, and what comes from it."""
    up = workspace.lineage(head.name, at=at)
    down = workspace.lineage(head.name, "downstream", at=at)
    return LineagePage(head, up, down, _around(head.name, [*up, *down]))


def _around(name: str, edges: list[dict[str, Any]]) -> Drawing | None:
    """The picture of what leads to a table and on from it."""
    reads: dict[str, set[str]] = {name: set()}
    for edge in edges:
        reads.setdefault(edge["source"], set())
        reads.setdefault(edge["target"], set()).add(edge["source"])
    if not 1 < len(reads) <= MOST_DRAWN:
        return None
    order: list[str] = []
    left = dict.fromkeys(reads)
    while left:
        # What reads itself, or stands in a circle, comes last in no order of its own.
        free = [one for one in left if not reads[one] & (left.keys() - {one})] or list(left)
        order += free
        for one in free:
            del left[one]
    return draw({one: sorted(reads[one] - {one}) for one in order})


@dataclass(frozen=True)
class HealthPage:
    """How a table lies on the disk.

    Attributes:
        head: the table.
        health: files, small files, space of older versions, strays.
        advice: what to do; '' where all is well.
    """

    head: Head
    health: dict[str, Any]
    advice: str


def health(head: TableHead, table: Pinned) -> HealthPage:
    """Small files, space by version, files that belong to nobody."""
    found = table.examine()
    return HealthPage(head, asdict(found), found.advice)


_TABS: dict[str, Callable[..., Any]] = {
    "sample": sample, "history": history, "diff": difference, "files": files,
    "rescued": rescued, "quality": quality, "lineage": lineage, "used": used,
    "health": health, "profile": profile,
}  # fmt: skip
for tab, look in _TABS.items():
    add_page(router, f"/tables/{{schema}}/{{table}}/{tab}", f"table/{tab}.html", look)
add_page(router, "/tables/{schema}/{table}/overview", "table/overview.html", overview)
add_page(router, "/tables/{schema}/{table}", "table/overview.html", overview)
add_page(router, "/parts/columns/{schema}/{table}", "table/column_list.html", overview, twin=False)
