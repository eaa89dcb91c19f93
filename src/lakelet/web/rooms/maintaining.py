"""Cleaning a table up: what would go, what stays for runs, and doing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from lakelet.lake import TableName
from lakelet.lake.foreseen import Foreseen
from lakelet.web.acts import Act, Done, add_act
from lakelet.web.answer import Open, add_page
from lakelet.web.code import as_command, as_name
from lakelet.web.links import table_path
from lakelet.web.room import Room
from lakelet.web.rooms.altering import refuse_other, table_of
from lakelet.web.rooms.commands import begun
from lakelet.web.rooms.table_head import Head, TableHead

__all__ = ("router",)

router = Room(["table"])


@dataclass(frozen=True)
class Maintaining:
    """What a clean-up would do.

    Attributes:
        head: the table.
        even_pinned: whether versions that runs are pinned to would go, too.
        would: files, bytes and versions.
        ranges: the versions that would go, as ranges.
        command: what does it in a terminal.
    """

    head: Head
    even_pinned: bool
    would: Foreseen
    ranges: list[tuple[int, int]]
    command: str


def _arguments(name: str, *, even_pinned: bool) -> list[str]:
    return ["maintain", name, *(["--even-pinned"] if even_pinned else [])]


def maintaining(
    head: TableHead,
    workspace: Open,
    even_pinned: Annotated[bool, Query(description="Also what runs are pinned to.")] = False,
) -> Maintaining:
    """What a clean-up of a table would do, before it is done."""
    would = workspace.table(TableName(head.schema, head.table)).foresee_maintenance(
        even_pinned=even_pinned
    )
    command = as_command(_arguments(as_name(head.schema, head.table), even_pinned=even_pinned))
    return Maintaining(head, even_pinned, would, would.version_ranges, command)


def maintain(act: Act) -> Done:
    """Begin a clean-up; its page shows how it goes."""
    table = table_of(act)
    refuse_other(table, act.one("seen"))
    name = table.qualified
    arguments = _arguments(
        as_name(name.schema, name.table), even_pinned=act.one("even_pinned") == "true"
    )
    back = table_path(table.qualified, "health")
    return begun(act, arguments, back=back, place=back)


_PATH = "/tables/{schema}/{table}/maintain"
add_page(router, _PATH, "table/maintain.html", maintaining)
add_act(router, _PATH, maintain)
