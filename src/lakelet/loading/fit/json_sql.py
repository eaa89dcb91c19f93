"""Which JSON records plainly fit a shape, and their values, in one SQL statement.

Measured traps of DuckDB's ``from_json`` that the conditions close: it turns 1.7 into 2, "5" into 5
and true into 1, lets unknown keys pass, takes the first of repeated keys, and its parser accepts
NaN, trailing commas and numbers it cannot hold. A record that any of this might concern is not
``ok`` here and is looked at by `exact`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from lakelet.lake.names import literal, quote
from lakelet.lake.types import Array, DataType, Map, Primitive, Struct
from lakelet.loading.fit.exact import BASE64
from lakelet.loading.fit.json_checks import Node, check, filled, number_texts, pointer
from lakelet.loading.shape import Field, Shape

__all__ = ("classify_json", "inference_source", "structure", "value_from_json")

# Digits that a double may lose: more than 15 of them. A point is one character more.
_LONG = r"[0-9][0-9.]{15,}"
_LONG_NUMBER = r"-?[0-9][0-9.]{15,}(?:[eE][+-]?[0-9]+)?"
# Not JSON, yet accepted; exponents near the ends of a double; minus zero, which is written as 0.
_ODD = (
    r"[0-9][eE][+-]?[0-9]{3}|[:,\[]\s*-0(?:[^.0-9]|$)"
    r"|[:,\[]\s*[-+]?(?:[iI][nN][fF]|[nN][aA][nN])|,\s*[\]}]"
)
_ESCAPES = r"\\u0000|\\u[dD][89a-fA-F]"  # NUL, and surrogates that may be alone
_MANY_OPEN = 1000
"""Brackets in a record from which on it is looked at by itself."""
_TIMESTAMP, _BINARY = Primitive("TIMESTAMP"), Primitive("BINARY")
_STRING = r'"(?:[^"\\]|\\.)*"'


def structure(kinds: Iterable[tuple[str, DataType]]) -> str:
    """The structure text that makes ``from_json`` give a struct of these fields."""
    return json.dumps({key: kind.duckdb for key, kind in kinds}, ensure_ascii=False)


def _looked_at() -> str:
    """A SELECT adding to each record: whether it is plain JSON, and its long numbers.

    One cheap pattern finds the records that any trap might concern; only those have their strings
    taken out, so that text about numbers is not mistaken for numbers.
    """
    flagged = f"regexp_matches(record, {literal(f'{_LONG}|{_ODD}|{_ESCAPES}')})"
    bare = f"regexp_replace(record, {literal(_STRING)}, '', 'g')"
    odd = f"regexp_matches(bare, {literal(_ODD)}) OR regexp_matches(record, {literal(_ESCAPES)})"
    return (
        "SELECT file, line, record, "
        f"valid AND (bare IS NULL OR NOT ({odd})) AS plain, "
        f"CASE WHEN bare IS NOT NULL THEN regexp_extract_all(bare, {literal(_LONG_NUMBER)}) END "
        "AS long FROM ("
        f"SELECT file, line, record, json_valid(record) AS valid, "
        f"CASE WHEN {flagged} THEN {bare} END AS bare FROM batch)"
    )


def classify_json(shape: Shape) -> str:
    """A SELECT over ``batch(file, line, record)`` giving ``file, line, record, c0, c1, …, ok``.

    Keys the shape does not know may be there as long as they are null.
    """
    fields = shape.fields
    columns = [f"{_value(field)} AS c{index}" for index, field in enumerate(fields)]
    pointers = [pointer(field.key) for field in fields]
    typed = f"json_type(record, [{', '.join(pointers)}])" if pointers else "[]::VARCHAR[]"
    every = filled("json_type(record, '$.*')")
    numbers = [number_texts(field.type, f"c{index}") for index, field in enumerate(fields)]
    known = [part for part in numbers if part]
    texts = f"flatten([{', '.join(known)}])" if known else "[]::VARCHAR[]"
    ok = " AND ".join(
        [
            "json_type(record) = 'OBJECT'",
            f"{every} = {filled('t')}",
            f"(long IS NULL OR list_has_all({texts}, long))",
            *(_top_level(index, field) for index, field in enumerate(fields)),
        ]
    )
    keys = structure((field.key, _read_as(field.type)) for field in fields)
    value = f"from_json(record, {literal(keys)})" if fields else "NULL"
    names = "".join(f"c{index}, " for index in range(len(fields)))
    return (
        f"SELECT file, line, record, {names}"
        f"CASE WHEN plain THEN coalesce({ok}, false) ELSE false END AS ok FROM ("
        f"SELECT file, line, record, plain, long, t{''.join(', ' + c for c in columns)} FROM ("
        f"SELECT file, line, record, plain, long, CASE WHEN plain THEN {value} END AS v, "
        f"CASE WHEN plain THEN {typed} END AS t FROM ({_looked_at()})))"
    )


def _read_as(kind: DataType) -> DataType:
    """The type as which ``from_json`` reads a field.

    It would take a moment without a zone for UTC; a cast takes it for the session's time zone.
    And it knows bytes in a form of its own, not in base64.
    """
    if kind in (_TIMESTAMP, _BINARY):
        return Primitive("STRING")
    if isinstance(kind, Array):
        return Array(_read_as(kind.element))
    if isinstance(kind, Map):
        return Map(kind.key, _read_as(kind.value))
    if isinstance(kind, Struct):
        return Struct(tuple((name, _read_as(inner)) for name, inner in kind.fields))
    return kind


def _value(field: Field) -> str:
    value = f"v.{quote(field.key)}"
    if _read_as(field.type) == field.type:
        return value
    if field.type == _BINARY:
        told = f"regexp_full_match({value}, {literal(BASE64)})"
        return f"CASE WHEN {told} THEN from_base64({value}) END"
    return f"TRY_CAST({value} AS {field.type.duckdb})"


def _top_level(index: int, field: Field) -> str:
    """The condition for a field of the record, whose JSON type stands in the list ``t``."""
    here, at = f"t[{index + 1}]", pointer(field.key)
    if field.type == _BINARY:  # inside others bytes are looked at exactly
        return (
            f"(coalesce({here}, 'NULL') = 'NULL' OR ({here} = 'VARCHAR' AND c{index} IS NOT NULL))"
        )
    node = Node(here, f"json_extract_string(record, {at})", f"json_extract(record, {at})")
    return f"(coalesce({here}, 'NULL') = 'NULL' OR {check(field.type, node, f'c{index}', 0)})"


def inference_source() -> str:
    """A SELECT over ``batch`` giving ``record, plain``: whether its JSON types say all there is."""
    survives = (
        "CAST(TRY_CAST(x AS DOUBLE) AS VARCHAR) = x "
        "OR (NOT contains(x, '.') AND TRY_CAST(x AS BIGINT) IS NOT NULL)"
    )
    lossless = f"long IS NULL OR len(list_filter(long, lambda x: NOT ({survives}))) = 0"
    # DuckDB finds a structure by recursion, which a record nested deep enough would crash.
    flat = (
        f"CASE WHEN strlen(record) < {2 * _MANY_OPEN} THEN true ELSE strlen(record) - "
        f"strlen(replace(replace(record, '[', ''), '{{', '')) < {_MANY_OPEN} END"
    )
    return (
        f"SELECT record, coalesce(plain AND ({lossless}) AND ({flat}), false) AS plain "
        f"FROM ({_looked_at()})"
    )


def value_from_json(shape: Shape) -> str:
    """An SQL expression for the columns' values out of ``record``, JSON by column name.

    The records come from `exact`, which has made certain of every value.
    """
    if not shape.fields:
        return "NULL"
    keys = structure((field.column.name, field.type) for field in shape.fields)
    return f"from_json(record, {literal(keys)})"
