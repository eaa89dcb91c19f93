"""Records that say, written back, the very same bytes: the cheapest proof that nothing is lost.

Most JSON lines come from a program that writes every record alike: the same keys in the same order,
the same spaces, numbers and texts as its library spells them. For such records it is enough to
write the converted values back in that manner and to compare. Equal bytes mean equal records:
no key is unknown or repeated, no digit lost, no text a number. Whatever is not equal is looked at
more closely by `json_sql`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lakelet.lake.names import literal, quote
from lakelet.lake.types import DataType, Primitive
from lakelet.loading.fit.json_sql import structure
from lakelet.loading.fit.json_text import Pairs, parse_json
from lakelet.loading.fit.moments import form_of, in_use, written_moment
from lakelet.loading.fit.rules import text_survives
from lakelet.loading.shape import Field, Shape

__all__ = ("JsonTemplate", "find_template")

_WRITTEN = ("BIGINT", "INT", "SMALLINT", "TINYINT", "DOUBLE", "BOOLEAN")
_TIMES = ("DATE", "TIMESTAMP", "TIMESTAMP_NTZ")
_SAMPLE = 8


@dataclass(frozen=True, slots=True)
class JsonTemplate:
    """How a program writes its records.

    Attributes:
        keys: the keys, in their order.
        comma: what stands between two members.
        colon: what stands between a key and its value.
        times: of keys whose moments are all written alike, that form for ``strftime``.
    """

    keys: tuple[str, ...]
    comma: str
    colon: str
    times: Mapping[str, str] = field(default_factory=dict)

    def classify(self, shape: Shape) -> str:
        """A SELECT over ``batch(file, line, record)`` giving ``file, line, record, c0, c1, …, ok``.

        A record is ``ok`` when writing its values back gives its own bytes.
        """
        fields = shape.fields
        text = Primitive("STRING")
        keys = structure((f.key, text if _is_time(f.type) else f.type) for f in fields)
        # What breaks off is the usual damage; the rest of it TRY, which is slow then, finds.
        value = (
            "CASE WHEN starts_with(record, '{') AND suffix(record, '}') "
            f"THEN TRY(from_json(record, {literal(keys)})) END"
        )
        columns = [f"{_value(field)} AS c{index}" for index, field in enumerate(fields)]
        index = {field.key: number for number, field in enumerate(fields)}
        parts: list[str] = []
        for position, key in enumerate(self.keys):
            before = ("{" if position == 0 else self.comma) + json.dumps(key, ensure_ascii=False)
            here = before + self.colon
            written = self.times.get(key)
            parts += (
                [literal(here), _moment(shape.by_key[key].type, f"c{index[key]}", written)]
                if written
                else _written(shape.by_key[key], f"c{index[key]}", here)
            )
        checks = [f"concat({', '.join(parts)}, '}}') = record"]
        # DuckDB's parser takes nan and inf, which are no JSON, and writes them the same.
        checks += [
            f"coalesce(isfinite(c{number}), true)"
            for number, field in enumerate(fields)
            if field.type == Primitive("DOUBLE")
        ]
        checks += [in_use(shape.by_key[key].type, f"c{index[key]}") for key in self.times]
        checks += [
            f"(v.{quote(key)} IS NULL OR {check})"
            for key in self.keys
            if key not in self.times and (check := _time_check(shape.by_key[key], f"c{index[key]}"))
        ]
        # Each level is a projection of its own, so that DuckDB parses a record once.
        return (
            f"SELECT file, line, record, {''.join(f'c{i}, ' for i in range(len(fields)))}"
            f"coalesce({' AND '.join(checks)}, false) AS ok FROM (SELECT file, line, record, v, "
            f"{', '.join(columns)} FROM (SELECT file, line, record, {value} AS v FROM batch))"
        )


def _value(field: Field) -> str:
    value = f"v.{quote(field.key)}"
    return f"TRY_CAST({value} AS {field.type.duckdb})" if _is_time(field.type) else value


def _is_time(kind: DataType) -> bool:
    return isinstance(kind, Primitive) and kind.name in _TIMES


def _written(field: Field, value: str, before: str) -> list[str]:
    """SQL texts that, joined, are the member as it was written."""
    if isinstance(field.type, Primitive) and field.type.name in _WRITTEN:
        return [literal(before), f"coalesce(CAST({value} AS VARCHAR), 'null')"]
    text = f"v.{quote(field.key)}" if _is_time(field.type) else value
    return [
        literal(before),
        f"CASE WHEN {text} IS NULL THEN 'null' ELSE '\"' END",
        f"coalesce({text}, '')",
        f"CASE WHEN {text} IS NULL THEN '' ELSE '\"' END",
    ]


def _moment(kind: DataType, value: str, form: str) -> str:
    quoted = f'"{form}"'
    return f"coalesce({written_moment(kind, value, quoted)}, 'null')"


def _time_check(field: Field, value: str) -> str:
    kind = field.type
    if not isinstance(kind, Primitive) or kind.name not in _TIMES:
        return ""
    text = f"v.{quote(field.key)}"
    if kind.name == "TIMESTAMP":
        common = f"strftime(timezone('UTC', {value}), '%Y-%m-%dT%H:%M:%SZ') = {text}"
    else:
        return text_survives(kind, text, value)
    return f"({common} OR {text_survives(kind, text, value)})"


def find_template(shape: Shape, records: Sequence[str]) -> JsonTemplate | None:
    """The manner in which some records are written, or None where there is no one manner.

    Only columns whose values are written in one way by all programs take part: whole numbers,
    fractions, booleans, texts, dates and moments.
    """
    simple = all(
        isinstance(f.type, Primitive) and f.type.name in (*_WRITTEN, *_TIMES, "STRING")
        for f in shape.fields
    )
    if not simple or not shape.fields:
        return None
    for record in records[:_SAMPLE]:
        try:
            parsed = parse_json(record)
        except ValueError:
            continue
        if not isinstance(parsed, Pairs) or not parsed:
            continue
        keys = tuple(key for key, _ in parsed)
        if len(set(keys)) < len(keys) or any(key not in shape.by_key for key in keys):
            continue
        start = "{" + json.dumps(keys[0], ensure_ascii=False)
        for comma, colon in ((", ", ": "), (",", ":")):
            spaced = record[len(start) + 1 :].startswith(" ")
            if record.startswith(start + colon) and spaced == (colon == ": "):
                return JsonTemplate(keys, comma, colon, _times(shape, keys, records))
    return None


def _times(shape: Shape, keys: Sequence[str], records: Sequence[str]) -> dict[str, str]:
    """The one form in which some records write each key's moments, of those that have one."""
    moments = {
        key for key in keys
        if shape.by_key[key].type in (Primitive("TIMESTAMP"), Primitive("TIMESTAMP_NTZ"))
    }  # fmt: skip
    found: dict[str, list[str]] = {key: [] for key in moments}
    for record in records[:_SAMPLE] if moments else ():
        try:
            parsed = parse_json(record)
        except ValueError:
            continue
        for key, value in parsed if isinstance(parsed, Pairs) else ():
            if key in moments and isinstance(value, str):
                found[key].append(value)
    forms = {key: form_of(texts, shape.by_key[key].type) for key, texts in found.items()}
    return {key: form for key, form in forms.items() if form}
