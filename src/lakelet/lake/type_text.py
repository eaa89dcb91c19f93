"""Types as people write them: ``a DATE, b DECIMAL(18,2), c STRUCT<x: BIGINT>``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lakelet.errors import SchemaError, nearest
from lakelet.lake.types import Array, Column, DataType, Decimal, Map, Primitive, Struct

__all__ = ("parse_columns", "parse_hints", "parse_type")

# Every spelling of a type without parts; the values are Databricks' names. DuckDB's own spellings
# are accepted too, since a person who reads DuckDB's output types them.
_SPELLINGS = {
    **dict.fromkeys(("BIGINT", "LONG", "INT8", "INT64"), "BIGINT"),
    **dict.fromkeys(("INT", "INTEGER", "INT4", "INT32"), "INT"),
    **dict.fromkeys(("SMALLINT", "SHORT", "INT2", "INT16"), "SMALLINT"),
    **dict.fromkeys(("TINYINT", "BYTE"), "TINYINT"),
    **dict.fromkeys(("DOUBLE", "FLOAT8", "FLOAT64"), "DOUBLE"),
    **dict.fromkeys(("FLOAT", "REAL", "FLOAT4", "FLOAT32"), "FLOAT"),
    **dict.fromkeys(("BOOLEAN", "BOOL"), "BOOLEAN"),
    **dict.fromkeys(("STRING", "VARCHAR", "TEXT", "CHAR"), "STRING"),
    **dict.fromkeys(("BINARY", "BLOB", "BYTES"), "BINARY"),
    "DATE": "DATE",
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP_LTZ"), "TIMESTAMP"),
    "TIMESTAMP_NTZ": "TIMESTAMP_NTZ",
}
_TOKEN = re.compile(
    r"\s*(?:(?P<word>[^\W\d][\w$]*)|(?P<number>\d+)|`(?P<tick>(?:[^`]|``)+)`"
    r'|"(?P<quote>(?:[^"]|"")+)"|\'(?P<text>(?:[^\']|\'\')*)\'|(?P<mark>[<>(),:.\[\]]))'
)
_MAX_PRECISION = 38


class _Reader:
    """A cursor over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if match is None:
                raise self.wrong(f"unexpected {text[position:].strip()[:10]!r}")
            kind = str(match.lastgroup)
            self.tokens.append((kind, match[kind]))
            position = match.end()
        self.at = 0

    def wrong(self, what: str) -> SchemaError:
        return SchemaError(
            f"{self.text!r} does not say columns and types: {what}.",
            hint='write for example "created TIMESTAMP, price DECIMAL(18,2), tags ARRAY<STRING>".',
        )

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise self.wrong("it ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def accept(self, *marks: str) -> bool:
        if self.peek().upper() in marks:
            self.at += 1
            return True
        return False

    def expect(self, mark: str) -> None:
        if not self.accept(mark):
            raise self.wrong(f"{mark!r} is missing before {self.peek() or 'the end'!r}")

    def name(self) -> str:
        kind, text = self.take()
        if kind == "tick":
            return text.replace("``", "`")
        if kind == "quote":
            return text.replace('""', '"')
        if kind == "word":
            return text
        raise self.wrong(f"{text!r} is not a name")

    def number(self) -> int:
        kind, text = self.take()
        if kind != "number":
            raise self.wrong(f"{text!r} is not a number")
        return int(text)

    def type(self) -> DataType:
        found = self._base_type()
        while self.accept("["):
            self.expect("]")
            found = Array(found)
        return found

    def _base_type(self) -> DataType:
        _, word = self.take()
        word = word.upper()
        if word in ("DECIMAL", "NUMERIC", "DEC"):
            return self._decimal()
        if word in ("ARRAY", "STRUCT", "MAP"):
            opened = "<" if self.peek() == "<" else "("
            self.expect(opened)
            found = self._parts(word, opened)
            self.expect(">" if opened == "<" else ")")
            return found
        if word not in _SPELLINGS:
            close = nearest(word, _SPELLINGS)
            raise self.wrong(f"{word} is no type" + (f", did you mean {close}" if close else ""))
        if word in ("VARCHAR", "CHAR") and self.accept("("):
            self.number()
            self.expect(")")
        return Primitive(_SPELLINGS[word])

    def _parts(self, word: str, opened: str) -> DataType:
        if word == "ARRAY":
            return Array(self.type())
        if word == "MAP":
            key = self.type()
            self.expect(",")
            return Map(key, self.type())
        fields: list[tuple[str, DataType]] = []
        while not fields or self.accept(","):
            name = self.name()
            self.accept(":")
            fields.append((name, self.type()))
            if self.accept("COMMENT"):
                self.take()
        return Struct(tuple(fields))

    def _decimal(self) -> DataType:
        precision, scale = 10, 0
        if self.accept("("):
            precision = self.number()
            scale = self.number() if self.accept(",") else 0
            self.expect(")")
        if not (1 <= precision <= _MAX_PRECISION and 0 <= scale <= precision):
            raise self.wrong(
                f"DECIMAL({precision},{scale}) is outside 1 to {_MAX_PRECISION} digits"
            )
        return Decimal(precision, scale)

    def done(self) -> None:
        if self.at < len(self.tokens):
            raise self.wrong(f"{self.peek()!r} is too much")


def parse_type(text: str) -> DataType:
    """One type from its text.

    Raises:
        SchemaError: the text is not a type; the message names the nearest one.
    """
    reader = _Reader(text)
    found = reader.type()
    reader.done()
    return found


def parse_columns(text: str) -> tuple[Column, ...]:
    """Columns from ``name TYPE [NOT NULL] [COMMENT 'text']``, separated by commas.

    Raises:
        SchemaError: the text does not say columns and types.
    """
    reader = _Reader(text)
    columns: list[Column] = []
    while reader.at < len(reader.tokens):
        name = reader.name()
        reader.accept(":")
        kind, nullable, comment = reader.type(), True, None
        if reader.accept("NOT"):
            reader.expect("NULL")
            nullable = False
        if reader.accept("COMMENT"):
            comment = reader.take()[1].replace("''", "'")
        columns.append(Column(name, kind, nullable, comment))
        if not reader.accept(","):
            break
    reader.done()
    return tuple(columns)


def parse_hints(hints: Mapping[str, str] | str | None) -> tuple[Column, ...]:
    """Columns from types by name, or from their text.

    Raises:
        SchemaError: the text does not say columns and types.
    """
    if isinstance(hints, Mapping):
        return tuple(Column(name, parse_type(kind)) for name, kind in hints.items())
    return parse_columns(hints or "")
