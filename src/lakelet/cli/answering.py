"""What commands that ask models share: which model, and an answer as it comes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from lakelet.cli.output import counted, number

if TYPE_CHECKING:
    from lakelet.inference import Answer

__all__ = ("Telling", "ThinkingCommand", "choice", "say_ended")


class ThinkingCommand(click.Command):
    """A command whose ``--think budget N`` is one option, though it is three words."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Join the words of a budget, and read the rest as always."""
        joined: list[str] = []
        for word in args:
            if joined[-2:] == ["--think", "budget"] and word.isdecimal():
                joined[-1] = f"budget {word}"
            elif joined[-1:] == ["--think=budget"] and word.isdecimal():
                joined[-1] = f"--think=budget {word}"
            else:
                joined.append(word)
        return super().parse_args(ctx, joined)


def choice(error: Any) -> str:
    """A model out of those there are, asked for at a terminal; without one the list, and 2."""
    if error.names and sys.stdin.isatty() and sys.stderr.isatty():
        kinds = click.Choice(error.names)
        return str(click.prompt("Which model", type=kinds, err=True))
    click.echo(f"Error: {error.message}", err=True)
    click.echo(f"Hint: {error.hint}", err=True)
    raise SystemExit(2)


class Telling:
    """What happens, as it happens: the answer to standard output, everything else beside it."""

    def __init__(self, window: int | None, *, quiet: bool = False, counts: bool = True) -> None:
        self.window = window
        self.counts = counts
        self.quiet = quiet
        self.lively = sys.stderr.isatty() and not quiet
        self.thinking = False
        self.waited = False

    def hear(self, event: Any) -> None:
        """Show one event."""
        from lakelet.inference import Begun, Loaded, Text, Thought, Waiting

        if self.quiet:
            return
        if isinstance(event, Waiting):
            self.wait(event.place)
        elif isinstance(event, Loaded):
            self.clear()
            window = min(event.window, self.window or event.window)
            if self.counts:
                click.echo(f"{event.name}, a window of {number(window)} tokens", err=True)
        elif isinstance(event, Begun) and self.counts:
            click.echo(f"prompt tokens: {event.count}", err=True)
        elif isinstance(event, Thought):
            self.thinking = True
            click.secho(event.text, nl=False, err=True, dim=True)
        elif isinstance(event, Text):
            if self.thinking:
                click.echo("\n", err=True)
                self.thinking = False
            click.echo(event.text, nl=False)

    def wait(self, place: int) -> None:
        """Say how long it takes, on a terminal."""
        if self.lively:
            said = f"{place} before this" if place else "loading the model"
            click.echo(f"\r{said} … ", nl=False, err=True)
            self.waited = True

    def clear(self) -> None:
        """Take away what was said of waiting."""
        if self.waited:
            click.echo("\r" + " " * 40 + "\r", nl=False, err=True)
            self.waited = False


def say_ended(answer: Answer) -> None:
    """Say how an answer ended, beside it."""
    facts = [f"{counted(answer.usage.generated or 0, 'token')} generated"]
    if answer.usage.cached:
        facts.append(f"{number(answer.usage.cached)} of the prompt taken from the last one")
    if answer.usage.generated_per_second:
        facts.append(f"{answer.usage.generated_per_second:.1f} a second")
    click.echo(", ".join(facts) + _ended(answer) + ".", err=True)
    if answer.room.lowered:
        click.echo(f"Only {number(answer.room.tokens)} tokens were left for it.", err=True)
    for one in answer.notes:
        click.echo(f"Careful: {one}", err=True)
    for one in answer.wrong:
        click.echo(f"Error: {one} What has come is kept.", err=True)


def _ended(answer: Answer) -> str:
    if answer.reason == "window":
        return f"; it ended because the window of {number(answer.window)} tokens is full"
    if answer.reason == "max_tokens":
        return "; it was cut at the most tokens asked for"
    if answer.reason == "loop":
        return "; it said the same again and again, and was stopped"
    return ""
