"""When a job is due: its cron line in the workspace's zone, and what was missed runs once.

Cron lines have five fields (POSIX ``crontab``): minute, hour, day of the month, month, day of the
week.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lakelet.errors import SettingsError

__all__ = ("check_cron", "last_due", "next_due")


def _times(cron: str, zone: str, moment: datetime) -> Any:
    import pytz
    from croniter import croniter

    return croniter(cron, moment.astimezone(pytz.timezone(zone)))


def check_cron(cron: str, *, where: str) -> None:
    """Make sure that a cron line is one.

    Raises:
        SettingsError: it is not.
    """
    from croniter import CroniterBadDateError, croniter

    if len(cron.split()) != 5 or not croniter.is_valid(cron):
        raise SettingsError(
            f"{where}: {cron!r} is no cron line.",
            hint='five fields: minute hour day month weekday, as in "0 6 * * 1-5".',
        )
    try:
        croniter(cron, datetime.now(UTC)).get_next(datetime)
    except CroniterBadDateError:
        raise SettingsError(
            f"{where}: {cron!r} names no day that any year has.",
            hint='such as "0 0 31 1 *": 31 January, at midnight.',
        ) from None


def next_due(cron: str, zone: str, after: datetime) -> datetime:
    """The first time a cron line names after a moment, UTC."""
    found: datetime = _times(cron, zone, after).get_next(datetime)
    return found.astimezone(UTC)


def last_due(cron: str, zone: str, now: datetime) -> datetime:
    """The last time a cron line named up to a moment, UTC."""
    following = next_due(cron, zone, now)
    found: datetime = _times(cron, zone, following).get_prev(datetime)
    return found.astimezone(UTC)
