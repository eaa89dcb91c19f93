"""Calls over dates and times whose text depends on more than the arguments' text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakelet.engines.dialect.functions.formats import parsing_format, printing_format
from lakelet.engines.dialect.functions.special import literal_text
from lakelet.engines.dialect.literals import string_literal
from lakelet.engines.dialect.renderer import refuse
from lakelet.engines.dialect.shortening import converted
from lakelet.errors import SqlError

if TYPE_CHECKING:
    from sqlglot import exp

    from lakelet.engines.dialect.renderer import Renderer

__all__ = (
    "add_unit", "date_format", "date_part", "date_trunc", "difference", "field_of",
    "from_unixtime", "to_date", "to_timestamp", "trunc", "try_to_timestamp", "unix_timestamp",
)  # fmt: skip

_UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
_FINE = ("millisecond", "microsecond")
_TRUNCATED = {
    "year": "year", "yyyy": "year", "yy": "year", "quarter": "quarter", "month": "month",
    "mon": "month", "mm": "month", "week": "week", "day": "day", "dd": "day", "hour": "hour",
    "minute": "minute", "second": "second", "millisecond": "millisecond",
    "microsecond": "microsecond",
}  # fmt: skip
_MICROSECONDS = {
    "hour": 3600000000, "minute": 60000000, "second": 1000000, "millisecond": 1000,
    "microsecond": 1,
}  # fmt: skip
_CALENDAR = {
    "year": ("months", 12), "quarter": ("months", 3), "month": ("months", 1),
    "week": ("days", 7), "day": ("days", 1),
}  # fmt: skip
_MONTHS = {"year": 12, "quarter": 3, "month": 1}
FIELDS = {
    "year": "CAST(year(lk_day({0})) AS INTEGER)",
    "quarter": "CAST(quarter(lk_day({0})) AS INTEGER)",
    "month": "CAST(month(lk_day({0})) AS INTEGER)",
    "week": "CAST(weekofyear(lk_day({0})) AS INTEGER)",
    "day": "CAST(day(lk_day({0})) AS INTEGER)",
    "dayofweek": "CAST(dayofweek(lk_day({0})) + 1 AS INTEGER)",
    "dow": "CAST(dayofweek(lk_day({0})) + 1 AS INTEGER)",
    "doy": "CAST(dayofyear(lk_day({0})) AS INTEGER)",
    "hour": "CAST(hour(lk_clock({0})) AS INTEGER)",
    "minute": "CAST(minute(lk_clock({0})) AS INTEGER)",
    "second": "CAST(microsecond(lk_clock({0})) / 1000000 AS DECIMAL(8, 6))",
}


def _unit_name(r: Renderer, node: exp.Expr) -> str:
    """A unit written bare, as in ``dateadd(DAY, 1, d)``."""
    if type(node).__name__ == "Column" and not node.args.get("table"):
        return str(node.name).lower()
    if type(node).__name__ == "Var":
        return str(node.name).lower()
    if type(node).__name__ == "Literal" and node.args.get("is_string"):
        return r.prepared.string(node.name).lower()
    raise SqlError("a unit such as DAY is expected here.")


def _unit(r: Renderer, node: exp.Expr) -> str:
    unit = _unit_name(r, node)
    if unit not in (*_UNITS, *_FINE):
        raise refuse(f"the unit {unit}", (*_UNITS, *_FINE))
    return unit


def add_unit(r: Renderer, node: exp.Expr) -> str:
    """``dateadd(unit, n, x)``, or days with two arguments."""
    items = node.expressions
    if len(items) == 2:
        return converted(r, "(lk_day({0}) + CAST({1} AS INTEGER))", *items)
    unit, number = _unit(r, items[0]), r.sql(items[1])
    value = converted(r, "lk_moment({0})", items[2])
    if unit in _MICROSECONDS:
        micros = f"CAST({number} AS BIGINT) * {_MICROSECONDS[unit]}"
        return f"lk_add_clock({value}, {micros})"
    plural, factor = _CALENDAR[unit]
    return f"{value} + to_{plural}(CAST({number} AS INTEGER) * {factor})"


def difference(r: Renderer, node: exp.Expr) -> str:
    """``datediff(end, start)`` in days, or ``datediff(unit, start, end)`` in whole units."""
    items = node.expressions
    if len(items) == 2:
        return converted(r, "CAST(lk_day({0}) - lk_day({1}) AS INTEGER)", *items)
    unit = _unit(r, items[0])
    start, end = (converted(r, "lk_cast_timestamp({0})", item) for item in items[1:])
    if unit not in _MICROSECONDS:
        start, end = f"CAST({start} AS TIMESTAMP)", f"CAST({end} AS TIMESTAMP)"
    if unit in _MONTHS:
        return f"CAST(lk_months_over({start}, {end}) // {_MONTHS[unit]} AS BIGINT)"
    return f"date_sub('{unit}', {start}, {end})"


def date_trunc(r: Renderer, node: exp.Expr) -> str:
    """A timestamp cut to a unit."""
    unit = literal_text(r, node.expressions[0], "the unit").lower()
    if unit not in _TRUNCATED:
        raise refuse(f"date_trunc to {unit}", _TRUNCATED)
    value = converted(r, "lk_instant_or_wall({0})", node.expressions[1])
    return f"date_trunc('{_TRUNCATED[unit]}', {value})"


def trunc(r: Renderer, node: exp.Expr) -> str:
    """A date cut to year, quarter, month or week."""
    unit = literal_text(r, node.expressions[1], "the unit").lower()
    if _TRUNCATED.get(unit) not in {"year", "quarter", "month", "week"}:
        raise refuse(f"trunc to {unit}", ("year", "quarter", "month", "week"))
    day = converted(r, "lk_day({0})", node.expressions[0])
    return f"CAST(date_trunc('{_TRUNCATED[unit]}', {day}) AS DATE)"


def field_of(r: Renderer, name: str, value: exp.Expr) -> str:
    """A field of a date or time, such as ``extract(YEAR FROM x)``."""
    aliases = {
        "y": "year",
        "yr": "year",
        "mon": "month",
        "w": "week",
        "d": "day",
        "h": "hour",
        "m": "minute",
        "s": "second",
        "qtr": "quarter",
        "years": "year",
        "months": "month",
        "days": "day",
        "hours": "hour",
        "minutes": "minute",
        "seconds": "second",
    }
    text = FIELDS.get(aliases.get(name.lower(), name.lower()))
    if text is None:
        raise refuse(f"the field {name}", FIELDS)
    return converted(r, text, value)


def date_part(r: Renderer, node: exp.Expr) -> str:
    """``date_part('field', x)``."""
    name = literal_text(r, node.expressions[0], "the field")
    return field_of(r, name, node.expressions[1])


def date_format(r: Renderer, node: exp.Expr) -> str:
    """Date or time as text by a pattern."""
    pattern = printing_format(literal_text(r, node.expressions[1], "the pattern"))
    clock = converted(r, "lk_clock({0})", node.expressions[0])
    return f"strftime({clock}, {string_literal(pattern)})"


def from_unixtime(r: Renderer, node: exp.Expr) -> str:
    """Seconds since 1970 as text."""
    pattern = "yyyy-MM-dd HH:mm:ss"
    if len(node.expressions) == 2:
        pattern = literal_text(r, node.expressions[1], "the pattern")
    seconds = f"CAST({r.sql(node.expressions[0])} AS BIGINT)"
    wall = f"CAST(make_timestamptz({seconds} * 1000000) AS TIMESTAMP)"
    return f"strftime({wall}, {string_literal(printing_format(pattern))})"


def _read(r: Renderer, node: exp.Expr, macro: str) -> str:
    pattern = literal_text(r, node.expressions[1], "the pattern")
    reading, shape = parsing_format(pattern)
    text = r.sql(node.expressions[0])
    return f"{macro}({text}, {string_literal(reading)}, {string_literal(shape)})"


def to_date(r: Renderer, node: exp.Expr) -> str:
    """Text to a date, by a pattern if there is one."""
    if len(node.expressions) == 1:
        return converted(r, "lk_cast_date({0})", node.expressions[0])
    return f"CAST({_read(r, node, 'lk_read_time')} AS DATE)"


def to_timestamp(r: Renderer, node: exp.Expr) -> str:
    """Text to a timestamp, by a pattern if there is one."""
    if len(node.expressions) == 1:
        return converted(r, "lk_cast_timestamp({0})", node.expressions[0])
    return f"CAST({_read(r, node, 'lk_read_time')} AS TIMESTAMPTZ)"


def try_to_timestamp(r: Renderer, node: exp.Expr) -> str:
    """The same, NULL where the text is no timestamp."""
    if len(node.expressions) == 1:
        return f"lk_try_timestamp({r.sql(node.expressions[0])})"
    return f"CAST({_read(r, node, 'lk_try_read_time')} AS TIMESTAMPTZ)"


def unix_timestamp(r: Renderer, node: exp.Expr) -> str:
    """Seconds since 1970."""
    if not node.expressions:
        return "CAST(floor(epoch_us(now()) / 1000000) AS BIGINT)"
    if len(node.expressions) == 2:
        instant = f"CAST({_read(r, node, 'lk_read_time')} AS TIMESTAMPTZ)"
    else:
        instant = converted(r, "lk_cast_timestamp({0})", node.expressions[0])
    return f"CAST(floor(epoch_us({instant}) / 1000000) AS BIGINT)"
