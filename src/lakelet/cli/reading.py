"""What commands that read raw files share: their options, and Ctrl-C between files."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from lakelet.cli.context import words
from lakelet.interrupts import asking_first

__all__ = ("interruptible", "one_of", "parse_given", "reading_options")

_WORDS = {
    "evolve": ("add", "widen", "rescue", "fail"),
    "on-changed": ("report", "replace", "fail"),
}


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--format``, ``--hints``, ``--option`` and ``--evolve`` to a command."""
    for option in (
        click.option(
            "--evolve",
            metavar="add|widen|rescue|fail",
            help="What becomes of new fields.",
            shell_complete=words(*_WORDS["evolve"]),
        ),
        click.option(
            "--option", "options", multiple=True, metavar="NAME=VALUE", help="As in read_files."
        ),
        click.option(
            "--hints", default="", metavar='"a DATE, b DECIMAL(18,2)"', help="Types you know."
        ),
        click.option(
            "--format",
            "format_",
            metavar="auto|json|jsonl|csv|tsv|parquet|text",
            help="Otherwise told by the file's name.",
            shell_complete=words("auto", "json", "jsonl", "csv", "tsv", "parquet", "text"),
        ),
    ):
        command = option(command)
    return command


def parse_given(format_: str | None, options: Sequence[str]) -> dict[str, object]:
    """The options of ``--format`` and ``--option`` by name.

    Raises:
        click.UsageError: an option that there is not, or a value it cannot have.
    """
    from lakelet.errors import SettingsError
    from lakelet.loading import parse_options

    given: dict[str, object] = {} if format_ is None else {"format": format_}
    for text in options:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"--option {text}: write NAME=VALUE.")
        given[name] = value
    try:
        parse_options(given)
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    return given


def one_of(value: str | None, option: str) -> str | None:
    """The word given for an option that takes one of a few."""
    known = _WORDS[option]
    if value is not None and value not in known:
        raise click.UsageError(f"--{option} is one of {', '.join(known)}.")
    return value


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Ctrl-C asks to stop after the file in hand; a second one, and a page's Stop, ends at once.

    Who presses Stop on a page sees no terminal that would say how to stop at once.
    """
    from lakelet.session.commands import runs_beside_pages

    if runs_beside_pages():
        yield lambda: False
        return
    asked = False

    def ask(_signal: int, _frame: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        click.echo("\nStopping after the file in hand; Ctrl-C again stops at once.", err=True)

    before = signal.signal(signal.SIGINT, ask)
    try:
        with asking_first():
            yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
