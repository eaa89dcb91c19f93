"""What a decision about a rescued field would do, said before it is made; nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass

from lakelet.engines.engine import duckdb_errors
from lakelet.engines.rewrite import Target
from lakelet.engines.rewrite.schema_change import table_bytes
from lakelet.errors import SchemaError
from lakelet.lake import Lake, LakeTable
from lakelet.lake.types import DataType, Primitive
from lakelet.loading.connection import loading_connection
from lakelet.loading.fit.exact import MISFIT, Fitter
from lakelet.loading.rescued import existing_column, rescued_field, tally_of
from lakelet.loading.rescued_values import is_csv, rescued_files, rescued_rows, take
from lakelet.loading.shape import RESCUED, column_for
from lakelet.loading.widening import refuse_narrower, wider_type

__all__ = ("Proposal", "propose")

_LOOKED_AT = 10_000
"""Values whose fit is looked at; the share of more is told of these."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a decision would do.

    Attributes:
        action: ``promote``, ``widen`` or ``map``.
        field: the rescued field.
        column: the column its values would move into.
        type: the column's type then.
        fits: values of those looked at that would fit.
        looked_at: values looked at; all of them where there are not many.
        rows: rows with a rescued value of the field.
        files: data files that would be written anew.
        bytes: bytes of these.
    """

    action: str
    field: str
    column: str
    type: str
    fits: int
    looked_at: int
    rows: int
    files: int
    bytes: int


def propose(
    lake: Lake,
    table: LakeTable,
    action: str,
    field: str,
    *,
    column: str | None = None,
    kind: DataType | None = None,
) -> Proposal:
    """What a decision would do.

    Args:
        lake: the lake.
        table: the table.
        action: ``promote``, ``widen`` or ``map``.
        field: the rescued field.
        column: the column to fill; that of the field's own name without it.
        kind: the column's type; the narrowest that most values fit without it.

    Raises:
        SchemaError: no such field was rescued, or no such column, or its name is taken.
    """
    found = rescued_field(lake, table, field)
    old = None if action == "promote" else existing_column(table, column or found.column or field)
    connection = loading_connection(lake.workspace)
    try:
        with duckdb_errors():
            target = Target.attach(table, connection)
            filled = RESCUED if old is None else old.name
            rows = rescued_rows(target, field, filled, limit=_LOOKED_AT)
            uris = rescued_files(target, field)
        size = target.bytes_of(uris)
        tally = tally_of(rows, field)
        if old is None:
            kind = kind or tally.kind(lake.workspace.settings.loading.tolerance)
            assert kind is not None
            made = column_for(field, kind, {c.name.lower() for c in target.columns})
            if made is None:
                raise SchemaError(
                    f"{table.name} has a column of that name already.",
                    hint="let the field fill it, or give it a wider type.",
                )
            name = made.name
        elif action == "widen":
            name = old.name
            kind = kind or wider_type(old.type, tally) or Primitive("STRING")
            refuse_narrower(name, old.type, kind)
            uris, size = set(target.uris), table_bytes(target.snapshot)
        else:
            name, kind = old.name, old.type
    finally:
        connection.close()
    # A cell that holds a value is not written over: there the rescued one stays where it is.
    free = [row for row in rows if old is None or row[4]]
    fitter = Fitter(lake.workspace.settings.time_zone)
    fits = sum(
        take(fitter, text, field, kind, csv=is_csv(file))[0] is not MISFIT
        for _, _, file, text, _ in free
    )
    return Proposal(
        action, field, name, kind.sql, fits, len(rows), found.count, len(uris), size
    )  # fmt: skip
