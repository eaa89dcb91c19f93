"""The inbox: surprising fields of all tables that wait for a person's decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakelet.errors import LakeletError
from lakelet.loading.rescued import RescuedField
from lakelet.session.lately import rescued_in

if TYPE_CHECKING:
    from lakelet.session.workspace import Workspace

__all__ = ("Waiting", "inbox")


@dataclass(frozen=True)
class Waiting:
    """A table with fields that wait for a decision.

    Attributes:
        table: the table.
        fields: the fields, the most frequent first.
    """

    table: str
    fields: list[RescuedField]


def inbox(workspace: Workspace) -> list[Waiting]:
    """The tables with fields that wait for a decision, those with the most rescued rows first."""
    found = []
    for one in rescued_in(workspace):
        try:
            fields = workspace.table(one.table).rescued()
        except LakeletError:
            continue  # its own page says what is wrong with it
        waiting = [field for field in fields if not field.ignored]
        if waiting:
            found.append(Waiting(one.table, waiting))
    return found
