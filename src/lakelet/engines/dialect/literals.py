"""Literals, typed as Databricks types them (pages "Literals", "DECIMAL type", "DOUBLE type")."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import TYPE_CHECKING

from lakelet.engines.dialect.parsing import marker_number
from lakelet.engines.dialect.renderer import Node, Renderer, refuse
from lakelet.errors import SqlError
from lakelet.lake.names import literal

if TYPE_CHECKING:
    from sqlglot import exp

MARKS = ("\ue010", "\ue011")  # private-use characters around a call that takes modifiers
__all__ = (
    "LITERALS",
    "MARKS",
    "decimal_type",
    "is_plain_date",
    "is_plain_moment",
    "marked",
    "string_literal",
    "text_as",
)

_NAMES = {"TINYINT": "TINYINT", "SMALLINT": "SMALLINT", "INTEGER": "INT", "BIGINT": "BIGINT"}
_CASTS = {
    "DOUBLE": "lk_cast_double_text", "FLOAT": "lk_cast_double_text",
    "BOOLEAN": "lk_cast_boolean_text", "TIMESTAMP": "lk_cast_wall_text",
    "TIMESTAMP WITH TIME ZONE": "lk_cast_timestamp_text", "DATE": "lk_cast_date_text",
}  # fmt: skip
_INTERVAL_UNITS = ("year", "month", "week", "day", "hour", "minute", "second")


def string_literal(text: str) -> str:
    """Text as a DuckDB string, whatever characters it holds.

    Raises:
        SqlError: the text holds a NUL character, which DuckDB's text cannot.
    """
    if "\0" in text:
        raise SqlError("a NUL character in a string literal is refused.", hint="leave it out.")
    quoted = literal(text)
    if not set(MARKS) & set(text):
        return quoted
    for mark in MARKS:
        quoted = quoted.replace(mark, f"' || chr({ord(mark)}) || '")
    return f"({quoted})"


def text_as(text: str, kind: str | None) -> str | None:
    """A string literal beside a value of a DuckDB type, converted as ``lk_text_as`` would do it.

    What is written in the plainest form becomes a constant at once. None where the type is none
    of those that text is converted to.
    """
    quoted = string_literal(text)
    if kind in _NAMES:
        return f"CAST(lk_cast_whole_text({quoted}, '{_NAMES[kind or '']}') AS BIGINT)"
    if kind == "VARCHAR":
        return quoted
    if kind is not None and kind.startswith("DECIMAL("):
        return f"lk_cast_decimal_text({quoted}, NULL::DECIMAL(38, 18))"
    if kind == "DATE" and is_plain_date(text):
        return f"CAST({quoted} AS DATE)"
    if kind == "TIMESTAMP WITH TIME ZONE" and is_plain_moment(text):
        return f"CAST(CAST({quoted} AS TIMESTAMP) AS TIMESTAMPTZ)"
    if kind == "TIMESTAMP" and is_plain_moment(text):
        return f"CAST({quoted} AS TIMESTAMP)"
    return f"{_CASTS[kind]}({quoted})" if kind in _CASTS else None


def is_plain_date(text: str) -> bool:
    """Whether text is a day that every reader takes alike, as in 2026-01-31."""
    return re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is not None and _is_moment(text)


def is_plain_moment(text: str) -> bool:
    """Whether text is a day, or a day and a time of the clock, in the plainest form."""
    shape = r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}:[0-9]{2})?"
    return re.fullmatch(shape, text) is not None and _is_moment(text)


def _is_moment(text: str) -> bool:
    try:
        return dt.datetime.fromisoformat(text).year > 0
    except ValueError:
        return False


def marked(call: str) -> str:
    """An aggregate's call as one that takes the DISTINCT, FILTER and OVER of the original."""
    return MARKS[0] + call + MARKS[1]


def decimal_type(text: str) -> tuple[int, int]:
    """Precision and scale of a number written with a point: 1.5 is DECIMAL(2,1), 0.05 (2,2)."""
    whole, _, fraction = text.partition(".")
    whole = whole.lstrip("0")
    return max(len(whole) + len(fraction), 1), len(fraction)


def _number(text: str) -> str:
    if re.search(r"[eE]", text):
        if math.isinf(float(text)):
            raise SqlError(
                f"[INVALID_NUMERIC_LITERAL_RANGE] the number {text} is beyond the range of DOUBLE.",
                hint="the largest is 1.7976931348623157e308.",
            )
        return f"CAST('{text}' AS DOUBLE)"
    if "." not in text and len(text.lstrip("0") or "0") <= 19 and int(text) < 2**63:
        return str(int(text))
    precision, scale = decimal_type(text)
    if precision > 38:
        raise SqlError(
            f"the number {text} has more than 38 digits.", hint="write it as 1.23e40, a DOUBLE."
        )
    return f"CAST('{text}' AS DECIMAL({precision}, {scale}))"


def _literal(r: Renderer, node: exp.Expr) -> str:
    if node.args.get("is_string"):
        return string_literal(r.prepared.string(node.name))
    return _number(node.name)


def _hex(r: Renderer, node: exp.Expr) -> str:
    digits = node.name if len(node.name) % 2 == 0 else "0" + node.name
    return f"unhex('{digits}')"


def _interval(r: Renderer, node: exp.Expr) -> str:
    """``INTERVAL n unit`` with one unit; n is a whole number or, for seconds, a fraction."""
    unit_node, value = node.args.get("unit"), node.this
    unit = str(unit_node.name).lower() if unit_node and type(unit_node).__name__ == "Var" else ""
    singular = unit.removesuffix("s")
    if singular not in _INTERVAL_UNITS or value is None:
        raise refuse(
            f"this INTERVAL ({node.sql('databricks')})",
            hint="write one number and one unit, for example INTERVAL 3 DAY.",
        )
    if type(value).__name__ == "Literal":
        text = r.prepared.string(value.name).strip()
        whole = r"[+-]?\d+(\.\d{1,6})?" if singular == "second" else r"[+-]?\d+"
        if not re.fullmatch(whole, text):
            raise refuse(f"INTERVAL '{text}' {unit.upper()}", hint="write one number and one unit.")
        return f"INTERVAL '{text.removeprefix('+')} {singular}'"
    if type(value).__name__ == "Neg" and type(value.this).__name__ == "Literal":
        return f"INTERVAL '-{value.this.name} {singular}'"
    raise refuse("INTERVAL with an expression", hint="use dateadd(unit, number, date).")


def _placeholder(r: Renderer, node: exp.Expr) -> str:
    name = str(node.name) if node.args.get("this") else "?"
    number = marker_number(name)
    if number is None and name not in r.parameters:
        r.parameters.append(name)
    if r.prepared.markers and (number is None or r.parameters):
        raise SqlError(":name and ? are mixed in one query.", hint="use one of the two kinds.")
    # By its number, since an expression may be written several times.
    return f"${name}" if number is None else f"${number}"


LITERALS: dict[str, Node] = {
    "Literal": Node(_literal, frozenset({"this", "is_string"})),
    "Concat": Node(  # adjacent string literals
        lambda r, node: " || ".join(r.sql(part) for part in node.expressions).join("()"),
        frozenset({"expressions", "coalesce"}),
    ),
    "HexString": Node(_hex, frozenset({"this", "is_integer"})),
    "Null": Node(lambda r, node: "NULL", frozenset()),
    "Boolean": Node(lambda r, node: "TRUE" if node.this else "FALSE", frozenset({"this"})),
    "Interval": Node(_interval, frozenset({"this", "unit"})),
    "Placeholder": Node(_placeholder, frozenset({"this"})),
}
