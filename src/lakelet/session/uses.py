"""Who uses a table: the statements that read it, and the tables made from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lakelet.workspace.store import open_store

if TYPE_CHECKING:
    from lakelet.lake import TableName
    from lakelet.session.workspace import Workspace

__all__ = ("Reading", "readings")

_LOOKED_AT = 20_000
"""Statements looked at, the newest first."""


@dataclass(frozen=True)
class Reading:
    """A statement that read a table.

    Attributes:
        text: the statement.
        version: the version it read.
        time: when it began.
        source: ``python``, ``command line`` or ``page``.
    """

    text: str
    version: int
    time: datetime
    source: str


def readings(workspace: Workspace, name: TableName, *, limit: int = 50) -> list[Reading]:
    """The last different statements that read a table, each at its last time."""
    found: dict[str, Reading] = {}
    with open_store(workspace.folder) as store:
        rows = store.execute(
            "SELECT text, read, time, source FROM "
            "(SELECT * FROM queries ORDER BY id DESC LIMIT ?) WHERE instr(lower(read), ?) > 0",
            (_LOOKED_AT, json.dumps(str(name)).strip('"')),
        )
        for row in rows:
            read = {key.lower(): version for key, version in json.loads(row["read"]).items()}
            version = read.get(str(name))
            if version is None or row["text"] in found:
                continue
            time = datetime.fromtimestamp(row["time"], UTC)
            found[row["text"]] = Reading(row["text"], version, time, row["source"])
            if len(found) == limit:
                break
    return list(found.values())
