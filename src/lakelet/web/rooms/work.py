"""Commands that run beside the pages: how far each is, what it printed, and ending it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from lakelet.session.work import Work, all_work, begin_work, end_work, work_of
from lakelet.web.acts import Act, Done, add_act
from lakelet.web.answer import Open, add_page
from lakelet.web.failure import RequestError
from lakelet.web.room import Room

__all__ = ("begun", "router")

router = Room(["work"])


@dataclass(frozen=True)
class WorkList:
    """The last commands that pages began.

    Attributes:
        work: the commands, the newest first.
    """

    work: list[Work]


def works(workspace: Open) -> WorkList:
    """The last commands that pages began."""
    return WorkList(all_work(workspace.folder))


@dataclass(frozen=True)
class WorkPage:
    """A command that a page began.

    Attributes:
        work: the command.
        command: as a person types it.
    """

    work: Work
    command: str


def work(name: str, workspace: Open) -> WorkPage:
    """A command that a page began: how far it is, and what it printed."""
    found = work_of(workspace.folder, name)
    if found is None:
        raise RequestError.not_found("no such command was begun here.", "Work lists the last.")
    return WorkPage(found, shlex.join(["lakelet", *found.arguments]))


def begun(act: Act, arguments: list[str], place: str = "") -> Done:
    """Begin a command for an act; its page shows how far it is.

    Args:
        act: the act, whose name the command gets.
        arguments: what follows ``lakelet`` on the command line.
        place: the page that shows what comes of it; the command's own without it.
    """
    begin_work(act.workspace.folder, act.name, arguments, place)
    command = shlex.join(["lakelet", *arguments])
    return Done(f"Begun: {command}", place or f"/work/{act.name}", command)


def end(act: Act) -> Done:
    """End a command, as Ctrl-C does."""
    end_work(act.workspace.folder, act.where["name"])
    return Done("It is asked to end; what it committed stays.", f"/work/{act.where['name']}")


add_page(router, "/work", "works.html", works)
add_page(router, "/work/{name}", "work.html", work)
add_page(router, "/parts/work/{name}", "work_part.html", work, twin=False)
add_act(router, "/work/{name}/end", end)
