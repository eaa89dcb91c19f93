"""Tables that cannot be read, in commands about all tables: told after those that can."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import click

from lakelet.errors import LakeletError

__all__ = ("Unreadable",)

T = TypeVar("T")


@dataclass
class Unreadable:
    """What could not be read, and why."""

    errors: dict[str, LakeletError] = field(default_factory=dict)

    def skip(self, names: Iterable[object], act: Callable[[str], T]) -> Iterator[T]:
        """What ``act`` says of each table; one of which it fails is kept for `end`."""
        for name in names:
            try:
                yield act(str(name))
            except LakeletError as error:
                self.errors[str(name)] = error

    def as_dicts(self, key: str) -> list[dict[str, Any]]:
        """For programs: each by its name under ``key``."""
        return [{key: name, "error": e.message, "hint": e.hint} for name, e in self.errors.items()]

    def end(self) -> None:
        """Tell a person, and end the command with exit code 1, if there was any."""
        for name, error in self.errors.items():
            click.echo(click.style("Error: ", fg="red", bold=True) + f"{name}: {error}", err=True)
        if self.errors:
            click.get_current_context().exit(1)
