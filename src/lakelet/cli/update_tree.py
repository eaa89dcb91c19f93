"""The live tree of an update in a terminal: a line a dataset, redrawn while things happen."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from lakelet.cli.output import counted, number
from lakelet.errors import LakeletError

if TYPE_CHECKING:
    from lakelet.pipelines import Event, UpdateReport

__all__ = ("UpdateTree",)

_MARKS = {
    "waiting": "·", "running": "▸", "published": "✓", "finished": "✓", "skipped": "–",
    "view": "–", "failed": "✗", "blocked": "✗",
}  # fmt: skip
_COLOURS = {"published": "green", "finished": "green", "failed": "red", "blocked": "red"}


@dataclass
class _Line:
    dataset: str
    state: str
    reason: str
    counts: str = ""
    since: float = 0.0


class UpdateTree:
    """Draws what an update does; on a terminal in place, elsewhere each line once."""

    def __init__(self, *, enabled: bool) -> None:
        self.enabled = enabled
        self.live = enabled and sys.stdout.isatty()
        self.lines: dict[str, _Line] = {}
        self.drawn = 0

    def see(self, event: Event) -> None:
        """Take in one event."""
        if not self.enabled or event.dataset is None:
            return
        line = self.lines.setdefault(event.dataset, _Line(event.dataset, "waiting", ""))
        if event.kind == "decision":
            line.reason = event.message
            line.state = {"skip": "skipped", "view": "view"}.get(
                str(event.details.get("how")), "waiting"
            )
        elif event.kind == "started":
            line.state, line.since = "running", time.monotonic()
        elif event.kind == "finished":
            line.state, line.counts = "finished", _counts(event)
        elif event.kind in ("failed", "blocked"):
            line.state, line.reason = event.kind, event.message.splitlines()[0]
        if self.live:
            self._draw()

    def watch(self, run: Callable[..., UpdateReport], *args: Any, **options: Any) -> UpdateReport:
        """Run an update, and draw how far it came where it fails."""
        try:
            return run(*args, **options)
        except LakeletError:
            if self.enabled and not self.live:
                self._draw()
            raise

    def finish(self, report: UpdateReport) -> None:
        """Draw the whole once more, and what came of it."""
        for one in report.datasets:
            line = self.lines.setdefault(str(one.dataset), _Line(str(one.dataset), "", one.reason))
            line.state = one.state
        self._draw()
        tables = sum(one.state == "published" for one in report.datasets)
        click.echo(
            f"Update {report.update} of {report.pipeline} is published: {counted(tables, 'table')}"
            " changed together."
        )

    def _draw(self) -> None:
        if self.live and self.drawn:
            click.echo(f"\x1b[{self.drawn}A", nl=False)
        wide = max(map(len, self.lines), default=0)
        for line in self.lines.values():
            mark = click.style(_MARKS.get(line.state, "·"), fg=_COLOURS.get(line.state))
            text = f"{mark} {line.dataset:<{wide}}  {line.reason}"
            if line.counts:
                text += f"  {line.counts}"
            click.echo(("\x1b[2K" if self.live else "") + text)
        self.drawn = len(self.lines)


def _counts(event: Event) -> str:
    details = event.details
    parts = [f"{number(details['kept'])} {'row' if details['kept'] == 1 else 'rows'}"]
    parts += [f"{number(details[k])} {k}" for k in ("dropped", "rejected") if details.get(k)]
    warned = sum(
        one["broken"] for one in details.get("expectations", []) if one["action"] == "warn"
    )
    parts += [f"{number(warned)} warned of"] if warned else []
    return f"{' · '.join(parts)} · {details['seconds']:.2f} s"
