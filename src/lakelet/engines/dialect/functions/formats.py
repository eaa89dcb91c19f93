"""Java's date patterns written for DuckDB, letter by letter (page "Datetime patterns")."""

from __future__ import annotations

import re

from lakelet.errors import SqlError

__all__ = ("parsing_format", "printing_format")

_PRINTED = {
    "yyyy": "%Y", "yy": "%y", "MM": "%m", "M": "%-m", "MMM": "%b", "MMMM": "%B", "dd": "%d",
    "d": "%-d", "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M",
    "ss": "%S", "s": "%-S", "SSS": "%g", "SSSSSS": "%f", "a": "%p", "E": "%a", "EE": "%a",
    "EEE": "%a", "EEEE": "%A", "DDD": "%j",
}  # fmt: skip
# What a pattern's letters accept when text is read, and how DuckDB reads it.
_READ = {
    "yyyy": ("%Y", "[0-9]{4}"), "MM": ("%m", "[0-9]{2}"), "M": ("%m", "[0-9]{1,2}"),
    "dd": ("%d", "[0-9]{2}"), "d": ("%d", "[0-9]{1,2}"), "HH": ("%H", "[0-9]{2}"),
    "H": ("%H", "[0-9]{1,2}"), "mm": ("%M", "[0-9]{2}"), "ss": ("%S", "[0-9]{2}"),
    "SSS": ("%g", "[0-9]{3}"), "SSSSSS": ("%f", "[0-9]{6}"),
    "MMM": ("%b", "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"),
    "hh": ("%I", "[0-9]{2}"), "a": ("%p", "(?:AM|PM)"),
}  # fmt: skip


def _letters(pattern: str, known: dict[str, object]) -> list[tuple[str, str]]:
    """The pattern as pairs: the letters of a field, or plain text between fields."""
    pieces = []
    for found in re.finditer(r"(?P<letters>([A-Za-z])\2*)|('(?:[^']|'')*')|([^A-Za-z'])", pattern):
        letters, quoted, plain = found.group("letters"), found.group(3), found.group(4)
        if letters and letters not in known:
            raise SqlError(
                f"the letters {letters} in the date pattern {pattern!r} are refused.",
                hint=f"these are read: {', '.join(known)}.",
            )
        if letters:
            pieces.append((letters, ""))
        else:
            text = quoted[1:-1].replace("''", "'") or "'" if quoted else plain
            if text in {"[", "]", "{", "}", "#"}:
                raise SqlError(f"{text} in the date pattern {pattern!r} is refused.")
            pieces.append(("", text))
    return pieces


def printing_format(pattern: str) -> str:
    """A pattern for ``strftime``.

    Raises:
        SqlError: a letter has no exact counterpart.
    """
    pieces = _letters(pattern, dict(_PRINTED))
    return "".join(_PRINTED[name] if name else text.replace("%", "%%") for name, text in pieces)


def parsing_format(pattern: str) -> tuple[str, str]:
    """A pattern for ``strptime`` and the regular expression the text must match in full.

    Raises:
        SqlError: a letter has no exact counterpart.
    """
    pieces = _letters(pattern, dict(_READ))
    reading = "".join(_READ[name][0] if name else text.replace("%", "%%") for name, text in pieces)
    shape = "".join(_READ[name][1] if name else re.escape(text) for name, text in pieces)
    return reading, shape
