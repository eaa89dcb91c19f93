"""What commands that ask models share: which model, and an answer as it comes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from lakelet.cli.output import counted, number, wrapped

if TYPE_CHECKING:
    from lakelet.inference import Answer

__all__ = ("Telling", "ThinkingCommand", "agreed", "choice", "say_ended")


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


def agreed(question: str, *, yes: bool) -> bool:
    """Whether somebody agrees to what cannot be undone; nobody does where nobody is asked.

    Args:
        question: what is asked.
        yes: whether it was agreed to before, by ``--yes``.
    """
    try:
        return yes or click.confirm(question)
    except click.Abort as end:
        click.echo(err=True)
        if not isinstance(end.__context__, KeyboardInterrupt):
            click.echo("Nobody answered; --yes does it without asking.", err=True)
        return False


class Telling:
    """What happens, as it happens: the answer to standard output, everything else beside it."""

    def __init__(
        self, model: str, window: int | None, *, quiet: bool = False, counts: bool = True
    ) -> None:
        self.model = model
        self.window = window
        self.counts = counts
        self.quiet = quiet
        self.lively = sys.stderr.isatty() and not quiet
        self.thinking = False
        self.open = False  # whether the line of a thought goes on
        self.waited = 0  # letters that say so
        self.told = False

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
            if not self.thinking:
                click.secho("(thinks)", err=True, dim=True)
                self.thinking = True
            click.secho(event.text, nl=False, err=True, dim=True)
            self.open = not event.text.endswith("\n")
        elif isinstance(event, Text):
            if self.thinking:
                click.echo("\n" * self.open, nl=False, err=True)
                click.secho("(answers)", err=True, dim=True)
                self.thinking = False
            click.echo(event.text, nl=False)

    def wait(self, place: int) -> None:
        """Say how long it takes: as it changes on a terminal, once elsewhere."""
        said = f"{self.model} is at work for others, {place} before this …"
        if not self.lively:
            if place and not self.told:
                click.echo(said, err=True)
                self.told = True
            return
        self.clear()
        said = said if place else f"loading {self.model} …"
        click.echo(said, nl=False, err=True)
        self.waited = len(said)

    def clear(self) -> None:
        """Take away what was said of waiting."""
        if self.waited:
            click.echo("\r" + " " * self.waited + "\r", nl=False, err=True)
            self.waited = 0


def say_ended(answer: Answer, *, kept: bool) -> None:
    """Say how an answer ended, beside it.

    Args:
        answer: the answer.
        kept: whether what has come of it is kept, and not only shown.
    """
    generated = answer.usage.generated
    facts = ["nobody told how many tokens were generated" if generated is None
             else f"{counted(generated, 'token')} generated"]  # fmt: skip
    if answer.usage.cached:
        facts.append(f"{number(answer.usage.cached)} of the prompt taken from the last one")
    if answer.usage.generated_per_second:
        facts.append(f"{answer.usage.generated_per_second:.1f} a second")
    click.echo(wrapped(", ".join(facts) + _ended(answer) + ".", 2, err=True), err=True)
    if answer.room.lowered:
        click.echo(f"Only {number(answer.room.tokens)} tokens were left for it.", err=True)
    for one in answer.notes:
        click.echo(wrapped(f"Careful: {one}", 2, err=True), err=True)
    for one in answer.wrong:
        said = f"Error: {one}" + " What has come is kept." * kept
        click.echo(wrapped(said, 2, err=True), err=True)
    if answer.reason == "broken off":
        click.echo("Hint: the answer is not whole; ask again.", err=True)


def _ended(answer: Answer) -> str:
    if answer.reason == "window":
        return f"; it ended because the window of {number(answer.window)} tokens is full"
    if answer.reason == "max_tokens":
        return "; it was cut at the most tokens asked for"
    if answer.reason == "loop":
        return "; it said the same again and again, and was stopped"
    if answer.reason == "broken off":
        return " before it broke off"
    return ""
