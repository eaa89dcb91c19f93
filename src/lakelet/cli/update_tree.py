"""The live tree of an update in a terminal: a line a dataset, redrawn while things happen.

What a dataset's function prints stands below its line, the last lines of it.
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

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
_MOST_PRINTED = 5
_COLOURS = {"published": "green", "finished": "green", "failed": "red", "blocked": "red"}


@dataclass
class _Line:
    dataset: str
    state: str
    reason: str
    counts: str = ""
    since: float = 0.0
    printed: deque[str] = field(default_factory=lambda: deque(maxlen=_MOST_PRINTED))
    hidden: int = 0

    def take(self, text: str) -> None:
        """Take in what was printed; of a line that was written over, what it was at last."""
        for line in text.split("\n"):
            seen = click.unstyle(line.rstrip("\r").rpartition("\r")[2]).expandtabs(4)
            self.hidden += len(self.printed) == _MOST_PRINTED
            self.printed.append("".join(c if c.isprintable() else "�" for c in seen))


class UpdateTree:
    """Draws what an update does; on a terminal in place, elsewhere each line once."""

    def __init__(self, *, enabled: bool) -> None:
        self.enabled = enabled
        self.live = enabled and sys.stdout.isatty()
        self.lines: dict[str, _Line] = {}
        self.drawn = 0
        self._lock = threading.Lock()

    def see(self, event: Event) -> None:
        """Take in one event; datasets side by side tell theirs from threads of their own."""
        if self.enabled and event.dataset is not None:
            with self._lock:
                self._see(event, event.dataset)

    def _see(self, event: Event, dataset: str) -> None:
        line = self.lines.setdefault(dataset, _Line(dataset, "waiting", ""))
        if event.kind == "decision":
            line.reason = event.message
            line.state = {"skip": "skipped", "view": "view"}.get(
                str(event.details.get("how")), "waiting"
            )
        elif event.kind == "started":
            line.state, line.since = "running", time.monotonic()
        elif event.kind == "finished":
            line.state, line.counts = "finished", _counts(event)
        elif event.kind == "output":
            line.take(event.message)
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
        parts = [f"{counted(tables, 'table')} changed together"] if tables else []
        parts += [f"{counted(len(report.dropped), 'table')} dropped"] if report.dropped else []
        said = ", ".join(parts) or "no table changed"
        click.echo(f"Update {report.update} of {report.pipeline} is published: {said}.")

    def _draw(self) -> None:
        size = shutil.get_terminal_size()
        # What does not fit would wrap or scroll, and could not be drawn over any more.
        across = size.columns if self.live else None
        down = size.lines - 1 - len(self.lines) if self.live else None
        wide = max(map(len, self.lines), default=0)
        rows = []
        for line in self.lines.values():
            mark = click.style(_MARKS.get(line.state, "·"), fg=_COLOURS.get(line.state))
            text = f"{line.dataset:<{wide}}  {line.reason}"
            if line.counts:
                text += f"  {line.counts}"
            rows.append(f"{mark} {_cut(text, across and across - 2)}")
            below = _printed(line)
            if down is not None:
                below = below[max(0, len(below) - down) :] if down > 0 else []
                down -= len(below)
            rows += [click.style(_cut(f"    {one}", across), dim=True) for one in below]
        if self.live and self.drawn:
            click.echo(f"\x1b[{self.drawn}A\x1b[J", nl=False)
        click.echo("".join(f"{row}\n" for row in rows), nl=False)
        self.drawn = len(rows)


def _printed(line: _Line) -> list[str]:
    more = [f"… {counted(line.hidden, 'line')} before"] if line.hidden else []
    return [*more, *line.printed]


def _cut(text: str, width: int | None) -> str:
    """A text that fits on one line of a terminal."""
    taken = 0
    for place, character in enumerate(text):
        taken += 2 if east_asian_width(character) in "WF" else 1
        if width is not None and taken > width:
            return f"{text[: place - 1]}…"
    return text


def _counts(event: Event) -> str:
    details = event.details
    parts = [f"{number(details['kept'])} {'row' if details['kept'] == 1 else 'rows'}"]
    parts += [f"{number(details[k])} {k}" for k in ("dropped", "rejected") if details.get(k)]
    warned = sum(
        one["broken"] for one in details.get("expectations", []) if one["action"] == "warn"
    )
    parts += [f"{number(warned)} warned of"] if warned else []
    return f"{' · '.join(parts)} · {details['seconds']:.2f} s"
