"""Whether a table is all right, where it comes from, who uses it: short answers at first sight."""

from __future__ import annotations

from dataclasses import dataclass

from lakelet.session.expectations import expectation_counts
from lakelet.session.rejected import RejectedRows
from lakelet.session.uses import readings
from lakelet.web.answer import Open, add_page
from lakelet.web.room import Room
from lakelet.web.rooms.table_head import Head, Pinned, TableHead

__all__ = ("router",)

router = Room(["table"])
_NAMED = 5


@dataclass(frozen=True)
class Broken:
    """An expectation that rows broke in the last update.

    Attributes:
        name: its name.
        action: what became of the rows: ``warn``, ``drop`` or ``fail``.
        rows: how many.
    """

    name: str
    action: str
    rows: int


@dataclass(frozen=True)
class Standing:
    """How a table stands now.

    Attributes:
        head: the table.
        expected: how many expectations its last update had.
        broken: those that rows broke.
        rejected: rows of its files that were none.
        waiting: rescued fields that wait for a decision.
        files: raw files whose rows are in it.
        sources: tables and files it is made from, directly; some of them.
        more_sources: how many further ones there are.
        made: tables made from it, directly; some of them.
        more_made: how many further ones there are.
        runs: runs that read it.
        statements: different statements that read it lately.
    """

    head: Head
    expected: int
    broken: list[Broken]
    rejected: int
    waiting: int
    files: int
    sources: list[str]
    more_sources: int
    made: list[str]
    more_made: int
    runs: int
    statements: int


def standing(head: TableHead, table: Pinned, workspace: Open) -> Standing:
    """Whether a table is all right, where it comes from and who uses it."""
    counts = expectation_counts(workspace, table.qualified, updates=1)
    broken = [Broken(o["expectation"], o["action"], o["broken"]) for o in counts if o["broken"]]
    up = workspace.lineage(table.qualified)
    down = workspace.lineage(table.qualified, "downstream")
    sources = list(dict.fromkeys(edge["source"] for edge in up if edge["depth"] == 0))
    made = list(dict.fromkeys(edge["target"] for edge in down if edge["depth"] == 0))
    return Standing(
        head, len(counts), broken,
        sum(group.rows for group in RejectedRows(workspace, table).groups()),
        sum(not field.ignored for field in table.rescued()),
        len({one["file"] for one in table.files() if one["state"] in ("loaded", "retried")}),
        sources[:_NAMED], max(0, len(sources) - _NAMED), made[:_NAMED],
        max(0, len(made) - _NAMED), len(workspace.runs_of_table(table.qualified)),
        len(readings(workspace, table.qualified)),
    )  # fmt: skip


add_page(router, "/tables/{schema}/{table}/standing", "table/standing.html", standing)
