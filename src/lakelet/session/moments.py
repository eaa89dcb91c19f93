"""Moments as people write them, read in the workspace's time zone."""

from __future__ import annotations

import datetime as dt

import pytz

from lakelet.errors import SqlError

__all__ = ("parse_moment",)


def parse_moment(text: str | dt.datetime, zone: str) -> dt.datetime:
    """An instant from ISO 8601 text or a datetime; without a zone it is read in ``zone``.

    Raises:
        SqlError: the text is no moment.
    """
    moment = text if isinstance(text, dt.datetime) else _parse(text)
    if moment.tzinfo is None:
        moment = pytz.timezone(zone).localize(moment)
    return moment.astimezone(dt.UTC)


def _parse(text: str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(text.strip())
    except ValueError:
        raise SqlError(
            f"{text!r} is no moment.", hint="write it as 2026-11-01, or 2026-11-01T12:00."
        ) from None
