"""An independent account of a JSON lines file, laid beside what a load made of it."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections import Counter
from contextlib import suppress
from decimal import Decimal
from typing import Any

from lakelet.session import Workspace

_NUMBER = re.compile(
    r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?|[+-]?(nan|inf|infinity)",
    re.IGNORECASE | re.ASCII,
)


class Num(str):
    pass


class Obj(list):
    pass


def parse(text: str) -> Any:
    return json.loads(
        text, object_pairs_hook=Obj, parse_float=Num, parse_int=Num, parse_constant=Num
    )


def expected_lines(data: bytes) -> tuple[list[Any], int]:
    """Records a file holds, and how many of its lines are something else."""
    records, broken = [], 0
    for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        line = line.removesuffix(b"\r")
        if not line.strip(b" \t\r"):
            continue
        try:
            value = parse(line.decode("utf-8"))
        except (ValueError, RecursionError):
            broken += 1
            continue
        if isinstance(value, Obj):
            records.append(value)
        else:
            broken += 1
    return records, broken


def account(ws: Workspace, table: str, data: bytes) -> None:
    """Every record is a row or a rejected row, and every value is in its column or rescued."""
    compare(ws, table, *expected_lines(data))


def compare(ws: Workspace, table: str, records: list[Any], broken: int) -> None:
    """Lay records, objects by key, and the number of what is none beside a table."""
    handle = ws.table(table)
    rows = handle.sql("SELECT * FROM this").dicts()
    assert len(rows) == len(records), (len(rows), len(records))
    assert len(handle.rejected()) == broken
    fields = {c.name: dict(c.metadata).get("lakelet.field", c.name) for c in handle.columns}
    got = Counter(_row_text(row, fields) for row in rows)
    wanted = Counter(_record_text(record) for record in records)
    assert got == wanted, {
        "missing": list((wanted - got).items())[:3],
        "extra": list((got - wanted).items())[:3],
    }


def _record_text(record: Obj) -> str:
    return json.dumps(sorted(_leaves("", record)))


def _row_text(row: dict[str, Any], fields: dict[str, str]) -> str:
    leaves: list[tuple[str, str]] = []
    for name, value in row.items():
        if name in ("_rescued_data", "_metadata") or value is None:
            continue
        leaves += _leaves("." + fields[name].lower(), value)
    if row["_rescued_data"]:
        for path, value in parse(row["_rescued_data"]):
            leaves += _leaves("." + _unquote(path), value)
    return json.dumps(sorted(leaves))


def _unquote(path: str) -> str:
    if path.startswith('"'):
        end = json.JSONDecoder().raw_decode(path)[1]
        path = json.loads(path[:end]) + path[end:]
    head, hash_, count = path.rpartition("#")
    return (head if hash_ and count.isdigit() else path).lower()


def _leaves(path: str, value: Any) -> list[tuple[str, str]]:
    """Paths and texts of all values, in a form that spelling does not change."""
    if value is None:
        return []
    if isinstance(value, Obj):
        return [leaf for key, item in value for leaf in _leaves(f"{path}.{key.lower()}", item)]
    if isinstance(value, dict):
        return [
            leaf
            for key, item in value.items()
            for leaf in _leaves(f"{path}.{str(key).lower()}", item)
        ]
    if isinstance(value, list):
        return [leaf for i, item in enumerate(value) for leaf in _leaves(f"{path}[{i}]", item)]
    if isinstance(value, str) and not isinstance(value, Num) and value[:1] in ("[", "{"):
        try:  # an object or array kept as text in a column of texts still says the same
            return _leaves(path, parse(value))
        except ValueError:
            pass
    return [(path, _text(value))]


def _text(value: Any) -> str:
    if isinstance(value, bool) or (isinstance(value, str) and value.lower() in ("true", "false")):
        return f"bool {str(value).lower()}"
    if isinstance(value, Num):
        return _number(str(value))
    if isinstance(value, int | Decimal):
        return _number(str(value))
    if isinstance(value, float):
        return _number(repr(value))
    text = str(value)
    if len(text) >= 10 and text[4] == "-":
        with suppress(ValueError):
            moment = dt.datetime.fromisoformat(text)
            moment = moment.replace(tzinfo=moment.tzinfo or dt.UTC)
            return f"moment {moment.astimezone(dt.UTC).isoformat()}"
    if _NUMBER.fullmatch(text):
        return _number(text)  # a number kept as text still says the same
    return f"text {text}"


def _number(text: str) -> str:
    number = Decimal(text)
    if number.is_nan():
        return "number nan"
    if number.is_infinite():
        return f"number {math.copysign(1, number)} inf"
    if not number:
        return "number 0"
    sign, digits, exponent = number.normalize().as_tuple()
    return f"number {sign} {''.join(map(str, digits))}e{exponent}"
