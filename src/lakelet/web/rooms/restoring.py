"""Going back to an earlier version of a table: what it would change, and doing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from lakelet.lake import TableName
from lakelet.session.restoring import WouldRestore
from lakelet.web.acts import Act, Done, add_act
from lakelet.web.answer import Open, add_page
from lakelet.web.code import as_command, as_name
from lakelet.web.failure import RequestError
from lakelet.web.links import table_path
from lakelet.web.room import Room
from lakelet.web.rooms.table_head import Head, TableHead
from lakelet.workspace.quantities import counted

__all__ = ("router",)

router = Room(["table"])


@dataclass(frozen=True)
class Restoring:
    """What going back to a version would do.

    Attributes:
        head: the table as it is.
        would: what would change.
        command: what does it in a terminal.
    """

    head: Head
    would: WouldRestore
    command: str


def restoring(
    head: TableHead,
    workspace: Open,
    to: Annotated[int, Query(ge=0, description="The version to go back to.")],
) -> Restoring:
    """What going back to a version of a table would do, before it is done."""
    found = workspace.table(TableName(head.schema, head.table)).would_restore(to)
    command = as_command(["restore", as_name(head.schema, head.table), "--to", str(to)])
    return Restoring(head, found, command)


def restore(act: Act) -> Done:
    """Make a table equal an earlier version; it is refused where the table changed since."""
    table = act.workspace.table(TableName.of(act.where["schema"], act.where["table"]))
    to, seen = act.one("to"), act.one("seen")
    if not to.isdecimal():
        raise RequestError(422, "unfit", f"{to!r} is no version; nothing was changed.")
    before = table.version
    if seen != str(before):
        raise RequestError(
            409, "changed", f"{table.name} has come to version {before} since this page was made; "
            "nothing was changed.", "look at what going back would change now.",
        )  # fmt: skip
    undone = table.restore(int(to))
    said = f"{table.name} is as it was at version {to}; that is version {table.version}."
    if undone:
        said += f" {counted(undone, 'file counts', 'files count')} as not loaded again."
    name = table.qualified
    undo = f"{table_path(name, 'restore')}?to={before}"
    command = as_command(["restore", table.name, "--to", to])
    return Done(said, table_path(name, "history"), command, undo)


_PATH = "/tables/{schema}/{table}/restore"
add_page(router, _PATH, "table/restore.html", restoring)
add_act(router, _PATH, restore)
