"""A bar by bytes for what reads or writes many of them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lakelet.session import Workspace

__all__ = ("bar_of_bytes",)


@contextmanager
def bar_of_bytes(workspace: Workspace, *, enabled: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar by bytes, on a terminal and for what takes longer than a moment; else the pages'."""
    from lakelet.session.commands import note_progress

    told = note_progress(workspace.folder)
    if told is not None:
        yield told
        return
    if not enabled or not sys.stderr.isatty():
        yield lambda _read, _all: None
        return
    started, drawn = time.monotonic(), [0.0]

    def draw(read: int, whole: int) -> None:
        now = time.monotonic()
        if not whole or now - started < 0.5 or now - drawn[0] < 0.1:
            return
        drawn[0] = now
        share = min(read / whole, 1.0)
        bar = "█" * int(30 * share) + "░" * (30 - int(30 * share))
        click.echo(f"\r{bar} {share:4.0%} of {whole / 1e6:,.0f} MB", nl=False, err=True)

    yield draw
    if drawn[0]:
        click.echo("\r" + " " * 60 + "\r", nl=False, err=True)
