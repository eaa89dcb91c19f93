"""Renaming a table together with what speaks of it: its rejected rows and the ledger.

The order makes a kill harmless. Entries under the new name come first and count for nothing while
no table of that name holds their batches; those under the old name go last, and until then speak
of a table that is not there. What is left of either, the next load of such a name removes.
"""

from __future__ import annotations

from lakelet.errors import TableExistsError, TableNotFoundError
from lakelet.lake import Lake, LakeTable, TableName
from lakelet.loading.connection import loading_connection
from lakelet.loading.ledger import LEDGER, Ledger

__all__ = ("rename_table",)


def rename_table(lake: Lake, table: LakeTable, name: TableName) -> None:
    """Give a table of a local lake another name; its history and versions stay.

    Raises:
        TableExistsError: the name is taken, by a dropped table too.
        TableNotFoundError: the table is one that lies elsewhere and was only attached.
    """
    old = table.name
    if not lake.is_own(old):
        raise TableNotFoundError(
            f"{old} lies elsewhere and has only its name here; nothing was changed.",
            hint=f"DROP TABLE {old}, then `lakelet attach {table.location} --name {name}`.",
        )
    if not lake.is_free(name):
        raise TableExistsError(
            f"the name {name} is taken, perhaps by a dropped table; nothing was changed.",
            hint="choose another name.",
        )
    connection = loading_connection(lake.workspace)
    try:
        ledger = Ledger(lake, connection)
        with table.load_lock(), table.lock():
            known = lake.exists(LEDGER) and ledger.copy(old, name)
            if lake.exists(old.rejected) and lake.is_free(name.rejected):
                lake.rename_table(old.rejected, name.rejected)
            lake.rename_table(old, name)
            if known:
                ledger.discard(old, 0)
    finally:
        connection.close()
