"""Which CSV rows plainly fit a shape, and their values, in one SQL statement."""

from __future__ import annotations

from collections.abc import Sequence

from lakelet.lake.names import literal
from lakelet.lake.types import DataType, Decimal, Primitive
from lakelet.loading.fit.rules import text_survives
from lakelet.loading.records.csv_cells import EMPTY, ESCAPED, JOIN
from lakelet.loading.shape import Field, Shape

__all__ = ("classify_csv",)


def classify_csv(shape: Shape, header: Sequence[str]) -> str:
    """A SELECT over ``batch(file, line, record)`` giving ``file, line, record, ok, c0, c1, …``.

    Args:
        shape: the columns; ``c0`` is the first one's value, NULL where the file has no such cell.
        header: the file's columns; a row with a value in one that fills no column of the table
            is not ``ok``.
    """
    at: dict[str, int] = {}
    stray: list[int] = []
    for position, key in enumerate(header):
        field = shape.find(key)
        if field is None or field.column.name in at:
            stray.append(position)
        else:
            at[field.column.name] = position
    columns, checks = [], []
    for index, field in enumerate(shape.fields):
        position = at.get(field.column.name, -1)
        columns.append(f"{_value(field, position)} AS c{index}")
        if position >= 0:
            checks.append(_check(field.type, f"c[{position + 1}]", f"c{index}"))
    checks += [f"c[{position + 1}] = ''" for position in stray]
    ok = " AND ".join(
        [f"len(c) = {len(header)}", f"NOT starts_with(record, {literal(ESCAPED)})", *checks]
    )
    return (
        f"SELECT file, line, record, {', '.join([*columns, ''])}coalesce({ok}, false) AS ok "
        f"FROM (SELECT file, line, record, string_split(record, {literal(JOIN)}) AS c FROM batch)"
    )


def _value(field: Field, position: int) -> str:
    kind = field.type
    if position < 0:
        return f"CAST(NULL AS {kind.duckdb})"
    cell = f"c[{position + 1}]"
    if kind == Primitive("STRING"):
        return f"CASE {cell} WHEN '' THEN NULL WHEN {literal(EMPTY)} THEN '' ELSE {cell} END"
    if isinstance(kind, Primitive | Decimal):
        return f"TRY_CAST({cell} AS {kind.duckdb})"
    return f"CAST(NULL AS {kind.duckdb})"


def _check(kind: DataType, cell: str, value: str) -> str:
    if kind == Primitive("STRING"):
        return "true"
    survives = (
        text_survives(kind, cell, value) if isinstance(kind, Primitive | Decimal) else "false"
    )
    return f"({cell} = '' OR {survives})"
