"""`system.audit`: who changed what, from where, and what it was before and after.

Written down by whatever changes a table, a pipeline's tables or a setting, whether asked from
Python, a command or a page. A line is begun before the change and completed after it, so that one
whose process was killed is there too, without an end.
"""

from __future__ import annotations

import json
import os
import pwd
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lakelet.errors import LakeletError, StorageError
from lakelet.lake.storage.url import without_secrets
from lakelet.workspace.folder import ASKED_FROM
from lakelet.workspace.store import open_store

if TYPE_CHECKING:
    import duckdb

    from lakelet.workspace import WorkspaceFolder

__all__ = ("AuditTable", "audited", "operating_user")

_TYPED = (
    ("id", "BIGINT"), ("time", "TIMESTAMP WITH TIME ZONE"), ("user", "VARCHAR"),
    ("source", "VARCHAR"), ("action", "VARCHAR"), ("target", "VARCHAR"), ("before", "VARCHAR"),
    ("after", "VARCHAR"), ("ended", "TIMESTAMP WITH TIME ZONE"), ("error", "VARCHAR"),
)  # fmt: skip


def operating_user() -> str:
    """The operating system's name for whoever this process runs as; its number without one."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


@contextmanager
def audited(
    folder: WorkspaceFolder,
    source: str,
    action: str,
    target: str,
    state: Callable[[], Any] = lambda: None,
) -> Iterator[None]:
    """Write down what the body does, also where it fails.

    Args:
        folder: the workspace.
        source: where it was asked for: ``python``, ``command line``, ``page``.
        action: what is done.
        target: to what.
        state: tells what there is to tell of the target, before and after; JSON.
    """
    asked = os.environ.get(ASKED_FROM, source)
    number = _begin(folder, asked, action, target, _told(state))
    try:
        yield
    except BaseException as error:
        said = error.message if isinstance(error, LakeletError) else type(error).__name__
        _end(folder, number, _told(state), said)
        raise
    _end(folder, number, _told(state), None)


def _told(state: Callable[[], Any]) -> str | None:
    try:
        found = state()
    except LakeletError:
        return None  # what is broken has no state to tell; the change itself says why
    return None if found is None else without_secrets(json.dumps(found))


def _begin(
    folder: WorkspaceFolder, source: str, action: str, target: str, before: str | None
) -> int | None:
    # A change is not to blame where its account cannot be kept (a read-only disk).
    with suppress(StorageError), open_store(folder) as store:
        return store.execute(
            "INSERT INTO audit (time, user, source, action, target, before) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                time.time(),
                operating_user(),
                source,
                without_secrets(action),
                without_secrets(target),
                before,
            ),
        ).lastrowid
    return None


def _end(folder: WorkspaceFolder, number: int | None, after: str | None, error: str | None) -> None:
    if number is None:
        return
    with suppress(StorageError), open_store(folder) as store:
        store.execute(
            "UPDATE audit SET after = ?, ended = ?, error = ? WHERE id = ?",
            (after, time.time(), None if error is None else without_secrets(error), number),
        )


@dataclass(frozen=True)
class AuditTable:
    """What was changed, as a table of a query."""

    workspace: WorkspaceFolder

    @property
    def typed(self) -> tuple[tuple[str, str], ...]:
        """Names and DuckDB types of the columns."""
        return _TYPED

    def attach(self, connection: duckdb.DuckDBPyConnection, view: str) -> None:
        """Make the account a table of that name on a connection."""
        columns = ", ".join(f'"{name}"' for name, _ in _TYPED)
        with open_store(self.workspace) as store:
            rows = store.execute(f"SELECT {columns} FROM audit ORDER BY id").fetchall()
        declared = ", ".join(f'"{name}" {kind}' for name, kind in _TYPED)
        connection.execute(f"CREATE TABLE {view} ({declared})")
        if rows:
            marks = ", ".join("?" for _ in _TYPED)
            connection.executemany(
                f"INSERT INTO {view} VALUES ({marks})", [_bound(row) for row in rows]
            )


def _bound(row: Any) -> list[Any]:
    found = dict(row)
    for name in ("time", "ended"):
        if found[name] is not None:
            found[name] = datetime.fromtimestamp(found[name], UTC)
    return list(found.values())
