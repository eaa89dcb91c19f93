"""Which CSV rows plainly fit a shape, and their values, in one SQL statement."""

from __future__ import annotations

from collections.abc import Sequence

from lakelet.lake.names import literal
from lakelet.lake.types import DataType, Decimal, Primitive
from lakelet.loading.fit.moments import form_of, in_use, written_moment
from lakelet.loading.fit.rules import text_survives
from lakelet.loading.records.csv_cells import EMPTY, ESCAPED, JOIN, cells_of
from lakelet.loading.shape import Field, Shape

__all__ = ("classify_csv",)

_WRITTEN = tuple(
    Primitive(name) for name in ("BIGINT", "INT", "SMALLINT", "TINYINT", "DOUBLE", "DATE")
)
_BOOLEAN = Primitive("BOOLEAN")
_TIMES = tuple(Primitive(name) for name in ("DATE", "TIMESTAMP", "TIMESTAMP_NTZ"))


def classify_csv(
    shape: Shape, header: Sequence[str], sample: Sequence[str] = (), *, same: bool = False
) -> str:
    """A SELECT over ``batch(file, line, record)`` giving ``file, line, record, c0, c1, …, ok``.

    The cheapest proof that a row fits comes first: its values, written back, are the same bytes.

    Args:
        shape: the columns; ``c0`` is the first one's value, NULL where the file has no such cell.
        header: the file's columns; a row with a value in one that fills no column of the table
            is not ``ok``.
        sample: some of its rows, which show how moments are written.
        same: whether only what comes out as the same bytes is ``ok``.
    """
    at: dict[str, int] = {}
    for position, key in enumerate(header):
        field = shape.find(key)
        if field is not None:
            at.setdefault(field.column.name, position)
    columns, checks, limits = [], [], []
    written = ["''"] * max(1, len(header))  # a file of blank lines has a header of no columns
    rows = [row for row in map(cells_of, sample) if len(row) == len(header)]
    for index, field in enumerate(shape.fields):
        position = at.get(field.column.name, -1)
        columns.append(f"{_value(field, position)} AS c{index}")
        if position < 0:
            continue
        cell, value = f"c[{position + 1}]", f"c{index}"
        checks.append(_check(field.type, cell, value))
        form = form_of((text for row in rows if (text := row[position])), field.type)
        written[position] = _written(field.type, cell, value, form)
        if field.type == _BOOLEAN:
            limits.append(f"lower({cell}) IN ('', 'true', 'false')")
        if field.type in _TIMES:
            limits.append(in_use(field.type, value))
    checks += [f"c[{i + 1}] = ''" for i in range(len(header)) if i not in at.values()]
    alike = " AND ".join([f"concat_ws({literal(JOIN)}, {', '.join(written)}) = record", *limits])
    whole = f"len(c) = {len(header)} AND NOT starts_with(record, {literal(ESCAPED)})"
    otherwise = "false" if same else f"coalesce({' AND '.join([whole, *checks])}, false)"
    # In a SELECT list DuckDB asks both sides of an OR of every row, the branches of a CASE not.
    ok = f"CASE WHEN coalesce({whole} AND {alike}, false) THEN true ELSE {otherwise} END"
    return (
        f"SELECT file, line, record, {', '.join([*columns, ''])}{ok} AS ok "
        f"FROM (SELECT file, line, record, string_split(record, {literal(JOIN)}) AS c FROM batch)"
    )


def _written(kind: DataType, cell: str, value: str, form: str) -> str:
    """SQL for a value as the cell it came from would say it; NULL says nothing."""
    if kind in (Primitive("STRING"), _BOOLEAN):
        return cell  # a boolean is spelled in many ways
    if kind in (Primitive("TIMESTAMP"), Primitive("TIMESTAMP_NTZ")):
        return f"coalesce({written_moment(kind, value, form)}, '')" if form else "''"
    if isinstance(kind, Decimal) or kind in _WRITTEN:
        return f"coalesce(CAST({value} AS VARCHAR), '')"
    return "''"


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
