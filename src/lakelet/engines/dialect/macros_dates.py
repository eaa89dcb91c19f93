"""Macros for dates and times (pages of the functions of the same name, "INTERVAL type")."""

from __future__ import annotations

__all__ = ("MACROS",)

_INSTANT = "'TIMESTAMP WITH TIME ZONE'"
_WEEKDAYS = "['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA']"

MACROS: dict[str, str] = {
    "lk_today": "() AS CAST(now() AS DATE)",
    "lk_day": "(x) AS lk_cast_date(x)",
    # The wall clock of the session's zone.
    "lk_clock": (
        "(x) AS struct_extract({'wall': lk_as(x, 'TIMESTAMP'), "
        "'other': CAST(lk_cast_timestamp(x) AS TIMESTAMP)}, "
        "CASE WHEN typeof(x) = 'TIMESTAMP' THEN 'wall' ELSE 'other' END)"
    ),
    "lk_moment": (
        "(x) AS struct_extract({'wall': lk_as(x, 'TIMESTAMP'), 'other': lk_cast_timestamp(x)}, "
        "CASE WHEN typeof(x) = 'TIMESTAMP' THEN 'wall' ELSE 'other' END)"
    ),
    "lk_instant_or_wall": "(x) AS lk_cast_timestamp(x)",
    # A date plus days stays a date; plus hours it becomes a timestamp.
    "lk_add_days": (
        "(x, i) AS struct_extract({'date': CAST(lk_as(x, 'DATE') + i AS DATE), "
        f"'instant': lk_as(x, {_INSTANT}) + i, 'wall': lk_as(x, 'TIMESTAMP') + i, "
        "'other': lk_fail('[DATATYPE_MISMATCH] an interval is added to a value of type ' || "
        "typeof(x) || '; cast it to DATE or TIMESTAMP.')}, CASE WHEN lk_kind(x) IN ('date', "
        "'instant', 'wall') THEN lk_kind(x) ELSE 'other' END)"
    ),
    # Whole days among the microseconds move the calendar, the rest the clock.
    "lk_micros": "(n) AS to_days(CAST(n // 86400000000 AS INTEGER)) "
    "+ to_microseconds(n % 86400000000)",
    "lk_add_time": (
        "(x, n) AS struct_extract({'date': CAST(lk_as(x, 'DATE') AS TIMESTAMPTZ) + lk_micros(n), "
        f"'instant': lk_as(x, {_INSTANT}) + lk_micros(n), "
        "'wall': lk_as(x, 'TIMESTAMP') + lk_micros(n), "
        "'other': lk_fail('[DATATYPE_MISMATCH] an interval is added to a value of type ' || "
        "typeof(x) || '; cast it to DATE or TIMESTAMP.')}, CASE WHEN lk_kind(x) IN ('date', "
        "'instant', 'wall') THEN lk_kind(x) ELSE 'other' END)"
    ),
    "lk_add_calendar": "(x, i) AS x + i",
    "lk_add_clock": "(x, n) AS x + lk_micros(n)",
    # Whole months where both are the same day or both a last day, else 31 days to a month.
    "lk_months_apart": (
        "(x, y) AS list_transform([{'a': x, 'b': y}], lambda p: CASE WHEN day(p.a) = day(p.b) OR "
        "(CAST(p.a AS DATE) = last_day(p.a) AND CAST(p.b AS DATE) = last_day(p.b)) THEN "
        "CAST(lk_month_number(p.a) - lk_month_number(p.b) AS DOUBLE) ELSE lk_round_float("
        "lk_month_number(p.a) - lk_month_number(p.b) + ((day(p.a) - day(p.b)) * 86400 + "
        "epoch(CAST(p.a AS TIME)) - epoch(CAST(p.b AS TIME))) / CAST(2678400 AS DOUBLE), 8) "
        "END)[1]"
    ),
    # Months that are over; the day and the clock of the later one must have been reached.
    "lk_months_over": (
        "(x, y) AS list_transform([{'a': x, 'b': y, 'm': lk_month_number(y) - "
        "lk_month_number(x)}], lambda p: CASE WHEN p.m > 0 AND lk_in_month(p.b) < "
        "lk_in_month(p.a) THEN p.m - 1 WHEN p.m < 0 AND lk_in_month(p.b) > lk_in_month(p.a) "
        "THEN p.m + 1 ELSE p.m END)[1]"
    ),
    "lk_in_month": (
        "(a) AS day(a) * 86400000000 + (epoch_us(a) % 86400000000 + 86400000000) % 86400000000"
    ),
    "lk_month_number": "(a) AS year(a) * 12 + month(a)",
    "lk_next_day": (
        f"(x, name) AS lk_day_after(x, list_position({_WEEKDAYS}, lk_weekday(upper(name))), name)"
    ),
    "lk_weekday": (
        "(name) AS CASE WHEN name IN ('SU', 'SUN', 'SUNDAY', 'MO', 'MON', 'MONDAY', 'TU', 'TUE', "
        "'TUESDAY', 'WE', 'WED', 'WEDNESDAY', 'TH', 'THU', 'THURSDAY', 'FR', 'FRI', 'FRIDAY', "
        "'SA', 'SAT', 'SATURDAY') THEN left(name, 2) END"
    ),
    "lk_day_after": (
        "(d, wanted, name) AS CASE WHEN d IS NULL OR name IS NULL THEN NULL WHEN wanted IS NULL "
        "THEN lk_fail('[ILLEGAL_DAY_OF_WEEK] ' || name || ' is no day of the week.') "
        "ELSE d + CAST((wanted + 12 - dayofweek(d)) % 7 + 1 AS INTEGER) END"
    ),
    "lk_try_read_time": (
        "(s, format, shape) AS CASE WHEN regexp_full_match(s, shape) "
        "THEN try_strptime(s, format) END"
    ),
    "lk_read_time": (
        "(s, format, shape) AS coalesce(lk_try_read_time(s, format, shape), CASE WHEN "
        "s IS NOT NULL THEN lk_fail('[CANNOT_PARSE_TIMESTAMP] the text ' || s || ' does not follow "
        "the pattern. Use try_to_timestamp to get NULL instead.') END)"
    ),
    "lk_from_utc": ("(x, zone) AS CAST(timezone(zone, timezone('UTC', x)) AS TIMESTAMPTZ)"),
    "lk_to_utc": ("(x, zone) AS CAST(timezone('UTC', timezone(zone, x)) AS TIMESTAMPTZ)"),
}
