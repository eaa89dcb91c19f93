"""Going back to an earlier version of a table: what it would change, and doing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from lakelet.lake import TableName
from lakelet.loading.rescued import ignored_by
from lakelet.session.table import Table
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
        to: the version to go back to.
        gone: rows that would go.
        back: rows that would come back.
        columns: changes of the schema.
        words: comments, tags and constraints that would change.
        asked: fields that would be asked about again.
        ignored: fields that would not be asked about any more.
        files: raw files that would count as not loaded.
        command: what does it in a terminal.
    """

    head: Head
    to: int
    gone: int
    back: int
    columns: list[str]
    words: list[str]
    asked: list[str]
    ignored: list[str]
    files: list[str]
    command: str


def restoring(
    head: TableHead,
    workspace: Open,
    to: Annotated[int, Query(ge=0, description="The version to go back to.")],
) -> Restoring:
    """What going back to a version of a table would do, before it is done."""
    table = workspace.table(TableName(head.schema, head.table))
    found = table.diff(table.version, to)
    files = [
        one["file"]
        for one in table.files()
        if one["state"] == "loaded" and (one["version"] or 0) > to
    ]
    now, then = (
        ignored_by(table.at(version=version).describe()["properties"])
        for version in (table.version, to)
    )
    return Restoring(
        head, to, found.removed, found.added, [_would(one) for one in found.columns],
        _words(table.at(version=table.version), table.at(version=to)),
        sorted(now - then), sorted(then - now), files,
        as_command(["restore", as_name(head.schema, head.table), "--to", str(to)]),
    )  # fmt: skip


def _words(now: Table, then: Table) -> list[str]:
    """What besides rows and columns would change, each as a sentence."""
    first, second = _told(now), _told(then)
    return [
        f"{what} would be {second[what]!r}, and is {first[what]!r} now" if what in first and what in
        second else f"{what} would {'come back' if what in second else 'go'}"
        for what in sorted({*first, *second}) if first.get(what) != second.get(what)
    ]  # fmt: skip


def _told(table: Table) -> dict[str, str]:
    """Comments, tags and constraints of a version, each by what it is called."""
    facts = table.describe()
    told = {"the table's comment": facts["comment"]} if facts["comment"] else {}
    told |= {f"the tag {name}": value for name, value in facts["tags"].items()}
    told |= {f"the constraint {name}": rule for name, rule in facts["constraints"].items()}
    told |= {
        f"the comment of {one['name']}": one["comment"]
        for one in facts["columns"] if one["comment"]
    }  # fmt: skip
    return told


def _would(change: str) -> str:
    """A change of the schema that is not made yet."""
    for made, would in ((" was added", " would come back"), (" was removed", " would go"),
                        (" changed from", " would change from")):  # fmt: skip
        if made in change:
            return change.replace(made, would, 1)
    return change


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
