"""Commands that run beside the pages: how far each is, what it printed, and ending it."""

from __future__ import annotations

from dataclasses import dataclass

from lakelet.session.commands import Command, all_commands, begin_command, command_of, end_command
from lakelet.web.acts import Act, Done, add_act
from lakelet.web.answer import Open, add_page
from lakelet.web.code import as_command
from lakelet.web.failure import RequestError
from lakelet.web.room import Room

__all__ = ("begun", "router")

router = Room(["commands"])


@dataclass(frozen=True)
class Commands:
    """The last commands that pages began.

    Attributes:
        commands: the commands, the newest first.
    """

    commands: list[Command]


def commands(workspace: Open) -> Commands:
    """The last commands that pages began."""
    return Commands(all_commands(workspace.folder))


@dataclass(frozen=True)
class CommandPage:
    """A command that a page began.

    Attributes:
        ran: the command.
        command: as a person types it.
    """

    ran: Command
    command: str


def command(name: str, workspace: Open) -> CommandPage:
    """A command that a page began: how far it is, and what it printed."""
    found = command_of(workspace.folder, name)
    if found is None:
        raise RequestError.not_found("no such command was begun here.", "Commands lists the last.")
    return CommandPage(found, as_command(found.arguments))


def begun(act: Act, arguments: list[str], *, back: str, place: str = "") -> Done:
    """Begin a command for an act; its page shows how far it is.

    Args:
        act: the act, whose name the command gets.
        arguments: what follows ``lakelet`` on the command line.
        back: the page it was begun on.
        place: the page that shows what comes of it; the command's own without it.
    """
    begin_command(act.workspace.folder, act.name, arguments, back)
    command = as_command(arguments)
    return Done(f"Begun: {command}", place or f"/commands/{act.name}", command, begun=act.name)


def end(act: Act) -> Done:
    """End a command, as Ctrl-C does."""
    end_command(act.workspace.folder, act.where["name"])
    return Done("It is asked to end; what it committed stays.", f"/commands/{act.where['name']}")


add_page(router, "/commands", "commands.html", commands)
add_page(router, "/commands/{name}", "command.html", command)
add_page(router, "/parts/commands/{name}", "command_part.html", command, twin=False)
add_act(router, "/commands/{name}/end", end)
