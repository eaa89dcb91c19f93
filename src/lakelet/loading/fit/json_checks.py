"""SQL conditions under which a JSON value plainly fits a type, for nested types too."""

from __future__ import annotations

from dataclasses import dataclass

from lakelet.lake.names import literal, quote
from lakelet.lake.types import Array, DataType, Decimal, Map, Primitive, Struct
from lakelet.loading.fit.rules import text_survives

__all__ = ("Node", "check", "filled", "number_texts", "pointer")

_NUMBERS = {
    "BIGINT": ("UBIGINT", "BIGINT"),
    "INT": ("UBIGINT", "BIGINT"),
    "SMALLINT": ("UBIGINT", "BIGINT"),
    "TINYINT": ("UBIGINT", "BIGINT"),
    "DOUBLE": ("UBIGINT", "BIGINT", "DOUBLE"),
    "FLOAT": ("UBIGINT", "BIGINT", "DOUBLE"),
}
_MAX_LAMBDAS = 5
"""Arrays and maps inside one another that are proven in SQL: DuckDB's time doubles with each."""
_STRINGS = ("VARCHAR", "UBIGINT", "BIGINT", "BOOLEAN")
_TIMES = ("DATE", "TIMESTAMP", "TIMESTAMP_NTZ")


def pointer(key: str) -> str:
    """A JSON pointer to one key (RFC 6901), as an SQL literal."""
    return literal("/" + key.replace("~", "~0").replace("/", "~1"))


def filled(types: str) -> str:
    """How many of a list of JSON types are those of values that are there and not null."""
    return f"len(list_filter({types}, lambda x: x <> 'NULL'))"


def number_texts(kind: DataType, value: str, depth: int = 0) -> str | None:
    """A list of the texts of all numbers in a value, or None where its type holds none."""
    if isinstance(kind, Primitive):
        if kind.name == "FLOAT":
            return f"[CAST(CAST({value} AS DOUBLE) AS VARCHAR)]"
        return f"[CAST({value} AS VARCHAR)]" if kind.name in ("BIGINT", "DOUBLE") else None
    if isinstance(kind, Struct):
        parts = [number_texts(k, f"{value}.{quote(name)}", depth) for name, k in kind.fields]
        found = [part for part in parts if part]
        return f"flatten([{', '.join(found)}])" if found else None
    if isinstance(kind, Array | Map):
        if depth >= _MAX_LAMBDAS:
            return None
        inner = kind.element if isinstance(kind, Array) else kind.value
        items = value if isinstance(kind, Array) else f"map_values({value})"
        part = number_texts(inner, f"x{depth}", depth + 1)
        if part is None:
            return None
        return f"coalesce(flatten(list_transform({items}, lambda x{depth}: {part})), [])"
    return None


@dataclass(frozen=True, slots=True)
class Node:
    """SQL expressions for a JSON value: its type, its text, and itself."""

    type: str
    text: str
    json: str


def _inner(json_sql: str) -> Node:
    return Node(f"json_type({json_sql})", f"json_extract_string({json_sql}, '$')", json_sql)


def check(kind: DataType, node: Node, value: str, depth: int) -> str:
    """The condition under which a JSON value that is not null plainly fits."""
    if isinstance(kind, Struct):
        return _check_struct(kind, node, value, depth)
    if isinstance(kind, Array | Map) and depth >= _MAX_LAMBDAS:
        return "false"
    if isinstance(kind, Array):
        return _check_array(kind, node, value, depth)
    if isinstance(kind, Map):
        return _check_map(kind, node, value, depth)
    if isinstance(kind, Decimal):
        fits = text_survives(kind, node.text, value)
        return f"({node.type} IN ('UBIGINT', 'BIGINT', 'DOUBLE') AND {fits})"
    if kind.name == "FLOAT":
        return f"({node.type} IN {_NUMBERS['FLOAT']} AND TRY_CAST({node.text} AS DOUBLE) = {value})"
    if kind.name in _NUMBERS:
        return f"({node.type} IN {_NUMBERS[kind.name]} AND {value} IS NOT NULL)"
    if kind.name in _TIMES:
        return f"({node.type} = 'VARCHAR' AND {text_survives(kind, node.text, value)})"
    if kind.name == "BOOLEAN":
        return f"{node.type} = 'BOOLEAN'"
    # A number with a fraction may be spelled in many ways; DuckDB's text of it is only one.
    return f"{node.type} IN {_STRINGS}" if kind.name == "STRING" else "false"


def _or_null(kind: DataType, node: Node, value: str, depth: int) -> str:
    return f"(coalesce({node.type}, 'NULL') = 'NULL' OR {check(kind, node, value, depth)})"


def _check_struct(kind: Struct, node: Node, value: str, depth: int) -> str:
    pointers = ", ".join(pointer(name) for name, _ in kind.fields)
    known = filled(f"json_type({node.json}, [{pointers}])")
    every = filled(f"json_type({node.json}, '$.*')")
    parts = [f"{node.type} = 'OBJECT'", f"{every} = {known}"]
    for name, inner in kind.fields:
        part = _inner(f"json_extract({node.json}, {pointer(name)})")
        parts.append(_or_null(inner, part, f"{value}.{quote(name)}", depth))
    return f"({' AND '.join(parts)})"


def _check_array(kind: Array, node: Node, value: str, depth: int) -> str:
    types = f"json_type({node.json}, '$[*]')"
    element = kind.element
    if isinstance(element, Primitive) and element.name in ("BIGINT", "DOUBLE", "BOOLEAN", "STRING"):
        known = {**_NUMBERS, "BOOLEAN": ("BOOLEAN",), "STRING": _STRINGS}[element.name]
        allowed = ", ".join(literal(name) for name in (*known, "NULL"))
        return f"({node.type} = 'ARRAY' AND list_has_all([{allowed}], {types}))"
    pair = f"p{depth}"
    part = _or_null(element, _inner(f"{pair}[1]"), f"{pair}[2]", depth + 1)
    pairs = f"list_zip(json_extract({node.json}, '$[*]'), {value})"
    every = f"list_bool_and(list_transform({pairs}, lambda {pair}: {part}))"
    return f"({node.type} = 'ARRAY' AND coalesce({every}, true))"


def _check_map(kind: Map, node: Node, value: str, depth: int) -> str:
    keys, pair = f"json_keys({node.json})", f"p{depth}"
    part = _or_null(kind.value, _inner(f"{pair}[1]"), f"{pair}[2]", depth + 1)
    pairs = f"list_zip(json_extract({node.json}, '$.*'), map_values({value}))"
    every = f"list_bool_and(list_transform({pairs}, lambda {pair}: {part}))"
    distinct = f"len({keys}) = len(list_distinct({keys}))"
    return (
        f"({node.type} = 'OBJECT' AND {distinct} AND {value} IS NOT NULL "
        f"AND coalesce({every}, true))"
    )
