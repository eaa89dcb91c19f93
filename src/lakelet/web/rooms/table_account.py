"""The account of a table: its raw files, what was kept out, who uses it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from lakelet.lake import TableName
from lakelet.session.uses import Reading, readings
from lakelet.web.answer import Open, add_page
from lakelet.web.room import Room
from lakelet.web.rooms.runs import RunRow, row_of
from lakelet.web.rooms.table_head import Head, Pinned, TableHead
from lakelet.web.rooms.table_lineage import lineage

__all__ = ("router",)

router = Room(["table"])
_SHOWN = 200


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
    edges = workspace.lineage(table.qualified, "downstream")
    made = dict.fromkeys(edge["target"] for edge in edges if edge["depth"] == 0)
    runs = [
        (row_of(run), found)
        for run, found in workspace.runs_of_table(TableName(head.schema, head.table))
    ]
    return Used(head, list(made), readings(workspace, table.qualified), runs)


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


for tab, look in (
    ("files", files), ("lineage", lineage),
    ("used", used), ("health", health),
):  # fmt: skip
    add_page(router, f"/tables/{{schema}}/{{table}}/{tab}", f"table/{tab}.html", look)
