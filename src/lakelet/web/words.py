"""Numbers, sizes and moments as a person reads them on a page."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytz
from markupsafe import Markup, escape

from lakelet.session.moments import parse_moment
from lakelet.workspace.quantities import counted, format_bytes

if TYPE_CHECKING:
    from lakelet.inference.metering import Meter
    from lakelet.session.conversations import Said

__all__ = ("ago", "answered", "filters", "moment", "share", "tokens_told")

_SPANS = (
    (60, 1, "s"),
    (3600, 60, "min"),
    (86_400, 3600, "h"),
    (7 * 86_400, 86_400, "days"),
)


def ago(moment: dt.datetime, now: dt.datetime) -> str:
    """How long ago, in the largest unit that fits; the date for what is more than a week ago."""
    seconds = (now - moment).total_seconds()
    if seconds < 1:
        return "now"
    for most, unit, word in _SPANS:
        if seconds < most:
            count = int(seconds // unit)
            return f"{count} {'day' if word == 'days' and count == 1 else word} ago"
    return moment.strftime("%Y-%m-%d")


def share(part: float | None) -> str:
    """A share of a whole in per cent; 'none' and 'all' where it is exactly that."""
    if part is None:
        return ""
    if part == 0:
        return "none"
    if part == 1:
        return "all"
    percent = part * 100
    return f"{percent:.1f} %" if percent < 10 else f"{percent:.0f} %"


def moment(value: dt.datetime | None, zone: str) -> str:
    """A moment in the workspace's zone, to the second."""
    if value is None:
        return ""
    return value.astimezone(pytz.timezone(zone)).strftime("%Y-%m-%d %H:%M:%S")


_ENDED = {
    "window": "the window is full", "max_tokens": "cut at the most tokens asked for",
    "loop": "it said the same again and again, and was stopped", "stopped": "stopped",
}  # fmt: skip


def answered(said: Said) -> str:
    """How an answer came, as the page's script tells one that has just come."""
    told = []
    if said.generated is not None:
        told.append(f"{said.generated:,} tokens")
    if said.per_second:
        told.append(f"{said.per_second:,.{1 if said.per_second < 100 else 0}f} a second")
    if said.prompt and said.cached is not None:
        told.append(f"{said.cached:,} of {said.prompt:,} prompt tokens reused")
    why = _ENDED.get(said.ended, "")
    return ", ".join(told) + (f"; {why}" if why else "")


def tokens_told(meter: Meter, answer: int) -> str:
    """Where the tokens of a window went."""
    free = max(meter.room - answer, 0)
    grade = f" ({meter.grade})" if meter.grade else ""
    return (
        f"Tokens{grade}: system {meter.system:,}, before {meter.history:,}, "
        f"this turn {meter.turn:,}, answer {answer:,}; {free:,} of {meter.window:,} are free."
    )


def filters(zone: str) -> dict[str, Any]:
    """The filters of templates, in a workspace's time zone."""

    def when(value: dt.datetime | None) -> Markup:
        if value is None:
            return Markup('<span class="faint">never</span>')
        exact = moment(value, zone)
        text = ago(value, dt.datetime.now(dt.UTC))
        iso = value.astimezone(dt.UTC).isoformat()
        return Markup('<time datetime="{}" title="{} {}">{}</time>').format(iso, exact, zone, text)

    def number(value: int | float | None) -> str:
        return "" if value is None else f"{value:,}"

    def size(value: int | None) -> Markup:
        if value is None:
            return Markup()
        count, _, unit = format_bytes(value).partition(" ")
        return Markup('{} <span class="unit">{}</span>').format(count, unit)

    def breakable(value: str) -> Markup:
        """A long name, which may be broken after its punctuation."""
        text = str(escape(value))
        begin = len(text) - len(text.lstrip("/_.-"))
        before, text = text[:begin], text[begin:]
        for mark in ("/", "_", ".", "-"):
            text = text.replace(mark, f"{mark}<wbr>")
        return Markup(before + text)  # escaped above, before the marks were put in

    def as_of(value: str) -> str:
        """A moment as somebody wrote it, as it is understood."""
        return moment(parse_moment(value, zone), zone)

    return {
        "when": when, "as_of": as_of, "number": number, "size": size, "share": share,
        "answered": answered, "tokens_told": tokens_told, "counted": counted,
        "breakable": breakable, "exact": lambda value: moment(value, zone),
    }  # fmt: skip
