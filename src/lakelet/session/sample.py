"""A look at some rows of a table: filtered, sorted, each value as short text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakelet.errors import SchemaError, SqlError, nearest
from lakelet.lake.names import quote
from lakelet.lake.types import Array, DataType, Decimal, Map, Primitive, Struct
from lakelet.session.pinned import SERVICE_COLUMNS

if TYPE_CHECKING:
    from lakelet.session.table import Table

__all__ = ("OPERATORS", "Filter", "Sample", "take_sample")

OPERATORS = {
    "is": "=",
    "is not": "<>",
    "at least": ">=",
    "at most": "<=",
    "contains": "",
    "is missing": "",
    "is there": "",
}
"""What a filter can ask of a column, and the SQL of what compares."""
LONGEST = 300
"""Letters of a value that are shown."""
_NUMBERS = ("TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE")


@dataclass(frozen=True)
class Filter:
    """Which rows are wanted.

    Attributes:
        column: the column asked.
        operator: one of `OPERATORS`.
        value: what it is compared with, as text.
    """

    column: str
    operator: str
    value: str = ""


@dataclass(frozen=True)
class SampleColumn:
    """A column of a sample.

    Attributes:
        name: its name.
        type: its type, as SQL.
        number: whether its values are numbers.
    """

    name: str
    type: str
    number: bool


@dataclass(frozen=True)
class Sample:
    """Some rows of a table.

    Attributes:
        columns: the columns.
        rows: the values as text, none longer than 300 letters and an ellipsis; None for NULL.
        more: whether there are rows beyond these.
    """

    columns: list[SampleColumn]
    rows: list[list[str | None]]
    more: bool


def take_sample(
    table: Table, *, sort: str = "", descending: bool = False, where: Sequence[Filter] = (),
    limit: int = 200, first: int = 0, most: int = 100, each_file: bool = False,
) -> Sample:  # fmt: skip
    """The first rows that are wanted.

    Args:
        table: the table, at a version or as people see it.
        sort: the column to sort by; in no order without one.
        descending: whether the largest come first.
        where: what rows must be like, all of it.
        limit: how many rows at most.
        first: the number of the first column shown, from 0.
        most: how many columns are shown.
        each_file: whether the first row of every file comes before the second of any; of a loaded
            table.

    Raises:
        SchemaError: a column the table does not have.
        SqlError: a value that none of the column's type can be compared with.
    """
    columns = {column.name: column.type for column in table.columns}
    own = [name for name in columns if name in SERVICE_COLUMNS]
    shown = [*(name for name in columns if name not in own), *own][first : first + most]
    params: list[object] = []
    conditions = [_condition(columns, one, params) for one in where]
    condition = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    order = ""
    if sort:
        order = f" ORDER BY {quote(_known(columns, sort))} {'DESC' if descending else 'ASC'}"
        order += " NULLS LAST"
    elif each_file and "_metadata" in own:
        order = (
            " ORDER BY row_number() OVER (PARTITION BY _metadata.file_path "
            "ORDER BY _metadata.line), _metadata.file_path"
        )
    values = ", ".join(
        f"left({_text(name, columns[name])}, {LONGEST + 1}) AS c{index}"
        for index, name in enumerate(shown)
    )
    text = f"SELECT {values or '1'} FROM this{condition}{order} LIMIT {limit + 1}"
    rows = table.look(text, params).rows()
    return Sample(
        [SampleColumn(n, columns[n].sql, _is_number(columns[n])) for n in shown],
        [[_short(value) for value in row] if shown else [] for row in rows[:limit]],
        len(rows) > limit,
    )


def _is_number(kind: DataType) -> bool:
    return isinstance(kind, Decimal) or (isinstance(kind, Primitive) and kind.name in _NUMBERS)


def _text(name: str, kind: DataType) -> str:
    """A value as text: what is nested as JSON, bytes as hexadecimal digits."""
    if isinstance(kind, Array | Map | Struct):
        return f"CAST(to_json({quote(name)}) AS VARCHAR)"
    if kind == Primitive("BINARY"):
        return f"lower(hex({quote(name)}))"
    return f"CAST({quote(name)} AS VARCHAR)"


def _short(value: str | None) -> str | None:
    return value if value is None or len(value) <= LONGEST else value[:LONGEST] + "…"


def _known(columns: Mapping[str, DataType], name: str) -> str:
    found = next((one for one in columns if one.lower() == name.lower()), None)
    if found is None:
        close = nearest(name, columns)
        raise SchemaError(
            f"there is no column {name!r}; nothing was read.",
            hint=f"did you mean {close!r}?" if close else None,
        )
    return found


def _condition(columns: Mapping[str, DataType], wanted: Filter, params: list[object]) -> str:
    name = _known(columns, wanted.column)
    column = quote(name)
    if wanted.operator not in OPERATORS:
        raise SqlError(
            f"{wanted.operator!r} is nothing a column can be asked.",
            hint=f"it is one of: {', '.join(OPERATORS)}.",
        )
    if wanted.operator in ("is missing", "is there"):
        return f"{column} IS {'NOT ' if wanted.operator == 'is there' else ''}NULL"
    params.append(wanted.value)
    if wanted.operator == "contains":
        return f"contains(lower(CAST({column} AS VARCHAR)), lower(CAST(? AS VARCHAR)))"
    return f"{column} {OPERATORS[wanted.operator]} CAST(? AS {columns[name].duckdb})"
