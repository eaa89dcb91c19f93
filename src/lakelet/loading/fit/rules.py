"""SQL conditions under which a text plainly survives its conversion, shared by JSON and CSV.

Each is sufficient, not necessary: what they do not let through is looked at by `exact`.
"""

from __future__ import annotations

from lakelet.lake.types import Decimal, Primitive
from lakelet.loading.fit.moments import in_use

__all__ = ("text_survives",)

_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
_ZONE = "(Z|[+-][0-9]{2}(:?[0-9]{2})?)"


def text_survives(kind: Primitive | Decimal, text: str, value: str) -> str:
    """A condition over two SQL expressions: the text and the value it was cast to.

    Args:
        kind: the type of ``value``.
        text: the text, not NULL.
        value: ``TRY_CAST`` of the text.
    """
    if isinstance(kind, Decimal):
        fraction = rf"(\.[0-9]{{1,{kind.scale}}})?" if kind.scale else ""
        pattern = f"-?[0-9]{{1,{max(kind.precision - kind.scale, 1)}}}{fraction}"
        return f"({value} IS NOT NULL AND regexp_full_match({text}, '{pattern}'))"
    known = {
        "BIGINT": "-?[0-9]{1,19}",
        "INT": "-?[0-9]{1,10}",
        "SMALLINT": "-?[0-9]{1,5}",
        "TINYINT": "-?[0-9]{1,3}",
        # At most 15 digits always survive a double (IEEE 754); a point is one character more.
        "DOUBLE": r"-?[0-9]{1,15}|-?[0-9]{1,7}\.[0-9]{1,8}|-?0\.[0-9]{1,15}",
        "DATE": _DATE,
    }
    if kind.name == "DOUBLE":
        # Longer texts survive when they are the very text the double is written with.
        short = f"regexp_full_match({text}, '{known['DOUBLE']}')"
        return _first(f"CAST({value} AS VARCHAR) = {text}", f"{value} IS NOT NULL AND {short}")
    if kind.name in ("BIGINT", "INT", "SMALLINT", "TINYINT", "DATE"):
        # The same text again is the cheaper proof, and nearly always there. Of days it is not
        # enough: DuckDB also knows infinity, years before 1 and beyond 9999.
        extra = f" AND length({text}) = 10 AND {text} NOT LIKE '0%'" if kind.name == "DATE" else ""
        pattern = f"regexp_full_match({text}, '{known[kind.name]}')"
        same = f"CAST({value} AS VARCHAR) = {text}"
        return f"({_first(same, f'{value} IS NOT NULL AND {pattern}')}{extra})"
    if kind.name == "TIMESTAMP":
        # Without a zone the clock must show that very time: it skips an hour each spring.
        zoned = f"regexp_full_match({text}, '{_DATE}{_CLOCK}{_ZONE}')"
        plain = (
            f"(regexp_full_match({text}, '{_DATE}{_CLOCK}') "
            f"AND CAST({value} AS TIMESTAMP) = TRY_CAST({text} AS TIMESTAMP))"
        )
        # The very text again, in the form most programs write, is the cheaper proof.
        common = f"strftime(timezone('UTC', {value}), '%Y-%m-%dT%H:%M:%SZ') = {text}"
        exact = _first(f"{common} AND {in_use(kind, value)}", f"{zoned} OR {plain}")
        return f"({value} IS NOT NULL AND {text} NOT LIKE '0%' AND {exact})"
    if kind.name == "TIMESTAMP_NTZ":
        match = f"regexp_full_match({text}, '{_DATE}{_CLOCK}')"
        return f"({value} IS NOT NULL AND {text} NOT LIKE '0%' AND {match})"
    if kind.name == "BOOLEAN":
        return f"(lower({text}) IN ('true', 'false'))"
    return "true" if kind.name == "STRING" else "false"


def _first(cheap: str, otherwise: str) -> str:
    """Either condition, the second asked only where the first does not hold.

    In a SELECT list DuckDB asks both sides of an OR of every row, the branches of a CASE not.
    """
    return f"CASE WHEN {cheap} THEN true ELSE {otherwise} END"
