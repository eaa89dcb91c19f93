"""Dropping a table: what depends on it, and doing it; dropped tables, and bringing one back."""

from __future__ import annotations

from dataclasses import dataclass

from lakelet.errors import LakeletError
from lakelet.lake import TableName
from lakelet.session import Workspace
from lakelet.session.dropped import DroppedTable, dropped_tables
from lakelet.session.saved_queries import queries_of_table
from lakelet.web.acts import Act, Done, add_act
from lakelet.web.answer import Open, add_page
from lakelet.web.links import table_path
from lakelet.web.room import Room
from lakelet.web.rooms.altering import refuse_other, table_of
from lakelet.web.rooms.runs import RunRow, row_of
from lakelet.web.rooms.table_head import Head, TableHead
from lakelet.web.statements import DIALECT, as_sql_command, drop_table, undrop_table

__all__ = ("router",)

router = Room(["table"])


@dataclass(frozen=True)
class MadeFrom:
    """A table that is made from one.

    Attributes:
        name: the table.
        pipeline: the pipeline that makes it; None where none does.
        depth: how many steps there are between them.
    """

    name: str
    pipeline: str | None
    depth: int


@dataclass(frozen=True)
class Dropping:
    """What depends on a table.

    Attributes:
        head: the table.
        elsewhere: whether it lies elsewhere, so that only its name here goes.
        made: tables made from it, the nearest first.
        pipelines: the pipelines that make some of them, whose next update would fail.
        runs: the last runs that read it, each with the versions it read.
        queries: kept queries that name it.
        jobs: pipelines that are updated when it moves.
        command: what drops it in a terminal.
    """

    head: Head
    elsewhere: bool
    made: list[MadeFrom]
    pipelines: list[str]
    runs: list[tuple[RunRow, list[int]]]
    queries: list[str]
    jobs: list[str]
    command: str


def dropping(head: TableHead, workspace: Open) -> Dropping:
    """What depends on a table, before it is dropped."""
    name = TableName(head.schema, head.table)
    depths: dict[str, int] = {}
    for edge in workspace.lineage(name, "downstream"):
        depths.setdefault(edge["target"], edge["depth"])
    made = [MadeFrom(one, _pipeline(workspace, one), depth) for one, depth in depths.items()]
    runs = [(row_of(run), versions) for run, versions in workspace.runs_of_table(name)]
    return Dropping(
        head, workspace.lake.state(name) == "attached", made,
        list(dict.fromkeys(one.pipeline for one in made if one.pipeline)), runs,
        queries_of_table(workspace.folder, name),
        [job for job, one in workspace.folder.settings.jobs.items()
         if one.on_table.lower() == str(name)],
        as_sql_command(workspace, drop_table(name)),
    )  # fmt: skip


def _pipeline(workspace: Workspace, name: str) -> str | None:
    try:
        found = workspace.table(name).describe()["pipeline"]
    except LakeletError:  # it was dropped since
        return None
    return None if found is None else str(found)


def drop(act: Act) -> Done:
    """Drop a table; nothing of it moves."""
    workspace = act.workspace
    name = TableName.of(act.where["schema"], act.where["table"])
    if workspace.lake.state(name) == "dropped":
        return Done(f"{name} was dropped before; nothing is changed.", "/dropped")
    refuse_other(table_of(act), act.one("seen"))
    elsewhere = workspace.lake.state(name) == "attached"
    statement = drop_table(name)
    workspace.sql(statement, dialect=DIALECT)
    command = as_sql_command(workspace, statement)
    if elsewhere:
        return Done(f"{name} is let go of; the table stays where it lies.", "/tables", command)
    said = f"{name} is dropped. Its files stay, and it can be brought back."
    return Done(said, "/dropped", command)


@dataclass(frozen=True)
class Dropped:
    """Tables that were dropped and can be brought back.

    Attributes:
        tables: the tables, with who dropped each and when, where that is known.
    """

    tables: list[DroppedTable]


def dropped(workspace: Open) -> Dropped:
    """Tables that were dropped and can be brought back."""
    return Dropped(dropped_tables(workspace))


def undrop(act: Act) -> Done:
    """Bring a dropped table back."""
    name = TableName.parse(act.one("table"))
    statement = undrop_table(name)
    act.workspace.sql(statement, dialect=DIALECT)
    command = as_sql_command(act.workspace, statement)
    said = f"{name} is back, with all its versions."
    return Done(said, table_path(name), command, table_path(name, "drop"))


_PATH = "/tables/{schema}/{table}/drop"
add_page(router, _PATH, "table/drop.html", dropping)
add_act(router, _PATH, drop)
add_page(router, "/dropped", "dropped.html", dropped)
add_act(router, "/dropped", undrop)
