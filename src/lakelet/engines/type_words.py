"""DuckDB's names for types, in a text, as the lake's."""

from __future__ import annotations

import re

__all__ = ("each_type", "spark_types", "types_in_own_words")

_TYPES = {
    "STRING_LITERAL": "STRING", "INTEGER_LITERAL": "INT", "VARCHAR": "STRING", "INTEGER": "INT",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "TIMESTAMP": "TIMESTAMP_NTZ", "BLOB": "BINARY",
    "INT128": "DECIMAL(38,0)", "HUGEINT": "DECIMAL(38,0)", "INT64": "BIGINT", "INT32": "INT",
    "INT16": "SMALLINT", "INT8": "TINYINT", "BOOL": "BOOLEAN", '"NULL"': "NULL",
}  # fmt: skip
_TYPE = re.compile(
    r"(?<!\w)(?:TIMESTAMP WITH TIME ZONE|INT(?:128|64|32|16|8)|(?:STRING|INTEGER)_LITERAL|VARCHAR|"
    r'INTEGER|TIMESTAMP|BLOB|BOOL|HUGEINT|"NULL")(?!\w)'
)
_LIST = re.compile(r"([A-Z_]+(?:\([^()]*\)|<[^<>]*>)?)\[\]")
_OF_TYPE = re.compile(r"(?<=of type )[A-Z]+(?: WITH TIME ZONE|\([^()]*\))?(?:\[\])*")


def spark_types(text: str) -> str:
    """A text of types with the lake's names for them: ``INTEGER[]`` becomes ``ARRAY<INT>``."""
    text = _TYPE.sub(lambda found: _TYPES[found.group()], text)
    while (inner := _LIST.sub(r"ARRAY<\1>", text)) != text:
        text = inner
    return text


def types_in_own_words(message: str) -> str:
    """A message of a check of our own, in which a type stands behind the words "of type"."""
    return _OF_TYPE.sub(lambda found: spark_types(found.group()), message)


def each_type(types: str) -> list[str]:
    """The types of a list; a comma inside parentheses belongs to a type."""
    return re.split(r", (?![^(]*\))", types)
