"""Functions over dates and times; every one reads the session's zone (page "TIMESTAMP type")."""

from __future__ import annotations

from lakelet.engines.dialect.functions import dated
from lakelet.engines.dialect.functions.entry import Function

__all__ = ("DATES",)


def _field(name: str, doc: str) -> Function:
    return Function(dated.FIELDS[name], 1, 1, doc, "number")


_ADD = Function(dated.add_unit, 2, 3, "days, or a number of a unit, added")
_DIFF = Function(dated.difference, 2, 3, "days, or whole units, between two moments", "number")
_DAY = _field("day", "the day of the month")
_NOW = Function("now()", 0, 0, "this moment, the same throughout a query", "timestamp")
_TODAY = Function("lk_today()", 0, 0, "today in the session's zone", "date")
_PART = Function(dated.date_part, 2, 2, "a field of a date or time by name", "number")
_UNIX = Function(dated.unix_timestamp, 0, 2, "seconds since 1970", "number")

DATES: dict[str, Function] = {
    "current_date": _TODAY,
    "curdate": _TODAY,
    "current_timestamp": _NOW,
    "now": _NOW,
    "current_timezone": Function(
        "CAST(current_setting('TimeZone') AS VARCHAR)", 0, 0, "the session's zone", "string"
    ),
    "date_add": _ADD,
    "dateadd": _ADD,
    "timestampadd": Function(dated.add_unit, 3, 3, "a number of a unit added"),
    "date_sub": Function(
        "(lk_day({0}) - CAST({1} AS INTEGER))", 2, 2, "days taken from a date", "date"
    ),
    "datediff": _DIFF,
    "date_diff": _DIFF,
    "timestampdiff": Function(dated.difference, 3, 3, "whole units between moments", "number"),
    "add_months": Function(
        "CAST(lk_day({0}) + to_months(CAST({1} AS INTEGER)) AS DATE)",
        2,
        2,
        "months added, cut to the month's last day",
        "date",
    ),
    "months_between": Function(
        "lk_months_apart(lk_clock({0}), lk_clock({1}))",
        2,
        2,
        "months between, to eight digits",
        "number",
    ),
    "last_day": Function("last_day(lk_day({0}))", 1, 1, "the last day of the month", "date"),
    "next_day": Function(
        "lk_next_day(lk_day({0}), {1})", 2, 2, "the next such weekday after", "date"
    ),
    "date_trunc": Function(dated.date_trunc, 2, 2, "a timestamp cut to a unit", "timestamp"),
    "trunc": Function(dated.trunc, 2, 2, "a date cut to a unit", "date"),
    "year": _field("year", "the year"),
    "quarter": _field("quarter", "the quarter"),
    "month": _field("month", "the month"),
    "weekofyear": _field("week", "the ISO week"),
    "day": _DAY,
    "dayofmonth": _DAY,
    "dayofweek": _field("dayofweek", "the weekday, Sunday is 1"),
    "weekday": Function(
        "CAST(isodow(lk_day({0})) - 1 AS INTEGER)", 1, 1, "the weekday, Monday is 0", "number"
    ),
    "dayofyear": _field("doy", "the day of the year"),
    "hour": _field("hour", "the hour in the session's zone"),
    "minute": _field("minute", "the minute"),
    "second": Function(
        "CAST(second(lk_clock({0})) AS INTEGER)", 1, 1, "the whole second", "number"
    ),
    "dayname": Function(
        "strftime(lk_day({0}), '%a')", 1, 1, "the weekday's short English name", "string"
    ),
    "monthname": Function(
        "strftime(lk_day({0}), '%b')", 1, 1, "the month's short English name", "string"
    ),
    "date_part": _PART,
    "datepart": _PART,
    "date_format": Function(dated.date_format, 2, 2, "a date or time as text", "string"),
    "to_date": Function(dated.to_date, 1, 2, "text as a date", "date"),
    "to_timestamp": Function(dated.to_timestamp, 1, 2, "text as a timestamp", "timestamp"),
    "try_to_timestamp": Function(
        dated.try_to_timestamp, 1, 2, "text as a timestamp, NULL if it is none", "timestamp"
    ),
    "unix_timestamp": _UNIX,
    "to_unix_timestamp": _UNIX,
    "from_unixtime": Function(dated.from_unixtime, 1, 2, "seconds since 1970 as text", "string"),
    "timestamp_seconds": Function(
        "make_timestamptz(CAST(CAST({0} AS DECIMAL(38, 6)) * 1000000 AS BIGINT))",
        1,
        1,
        "a timestamp of seconds",
        "timestamp",
    ),
    "timestamp_millis": Function(
        "make_timestamptz(({0}) * CAST(1000 AS BIGINT))",
        1,
        1,
        "a timestamp of milliseconds",
        "timestamp",
    ),
    "timestamp_micros": Function(
        "make_timestamptz(CAST({0} AS BIGINT))", 1, 1, "a timestamp of microseconds", "timestamp"
    ),
    "unix_seconds": Function(
        "CAST(floor(epoch_us(lk_cast_timestamp({0})) / 1000000) AS BIGINT)",
        1,
        1,
        "seconds since 1970",
        "number",
    ),
    "unix_millis": Function(
        "CAST(floor(epoch_us(lk_cast_timestamp({0})) / 1000) AS BIGINT)",
        1,
        1,
        "milliseconds since 1970",
        "number",
    ),
    "unix_micros": Function(
        "epoch_us(lk_cast_timestamp({0}))", 1, 1, "microseconds since 1970", "number"
    ),
    "unix_date": Function(
        "CAST(lk_day({0}) - CAST('1970-01-01' AS DATE) AS INTEGER)",
        1,
        1,
        "days since 1970",
        "number",
    ),
    "date_from_unix_date": Function(
        "(CAST('1970-01-01' AS DATE) + CAST({0} AS INTEGER))",
        1,
        1,
        "a date of days since 1970",
        "date",
    ),
    "make_date": Function("make_date({0}, {1}, {2})", 3, 3, "a date of its parts", "date"),
    "make_timestamp": Function(
        "CAST(make_timestamp({0}, {1}, {2}, {3}, {4}, lk_cast_double({5})) AS TIMESTAMPTZ)",
        6,
        6,
        "a timestamp of its parts",
        "timestamp",
    ),
    "from_utc_timestamp": Function(
        "lk_from_utc(lk_clock({0}), {1})", 2, 2, "UTC shown on a zone's clock", "timestamp"
    ),
    "to_utc_timestamp": Function(
        "lk_to_utc(lk_clock({0}), {1})", 2, 2, "a zone's clock shown in UTC", "timestamp"
    ),
}
