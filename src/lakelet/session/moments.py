"""Moments as people write them, read in the workspace's time zone."""

from __future__ import annotations

import datetime as dt
import re

import pytz

from lakelet.errors import SqlError

__all__ = ("parse_moment",)


def parse_moment(text: str | dt.datetime, zone: str) -> dt.datetime:
    """An instant from ISO 8601 text or a datetime; without a zone it is read in ``zone``.

    Also ``yesterday``, which is a day before now, and the like of ``2 hours ago``.

    Raises:
        SqlError: the text is no moment, or one that is still to come.
    """
    moment = text if isinstance(text, dt.datetime) else _parse(text)
    try:
        if moment.tzinfo is None:
            moment = pytz.timezone(zone).localize(moment)
        moment = moment.astimezone(dt.UTC)
    except OverflowError:
        raise _no_moment(text) from None
    # What a table will be then is not known: an answer now would be another one later.
    if moment > dt.datetime.now(dt.UTC):
        raise SqlError(
            f"{text} lies in the future: no table has a version of then.",
            hint="leave the moment out to read tables as they are now.",
        )
    return moment


_AGO = re.compile(r"(\d{1,6})\s*(minute|hour|day|week)s?\s+ago")


def _parse(text: str) -> dt.datetime:
    try:
        said = text.strip().lower()
        ago = _AGO.fullmatch("1 day ago" if said == "yesterday" else said)
        if ago:
            return dt.datetime.now(dt.UTC) - dt.timedelta(**{f"{ago[2]}s": int(ago[1])})
        return dt.datetime.fromisoformat(text.strip())
    except (ValueError, AttributeError, OverflowError):
        raise _no_moment(text) from None


def _no_moment(given: object) -> SqlError:
    return SqlError(
        f"{given!r} is no moment.",
        hint="write it as 2026-11-01, 2026-11-01 12:00, yesterday, or 2 hours ago.",
    )
