"""One DuckDB database kept from query to query of a workspace: starting one costs 12 CPU-ms.

Only what needs nothing made on its own connection is read here: plain tables on disk, as views
that every query may share. Streams, deleted positions, files of buckets and the like stay on a
connection of their own, and go with it.
"""

from __future__ import annotations

import os
import string
import threading
from collections.abc import Mapping, Sequence
from weakref import WeakKeyDictionary

import duckdb

from lakelet.engines.connection import open_connection, prepare
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.settings import Settings

__all__ = ("kept_connection",)

_MOST_VIEWS = 1024
# Names that differ only in this are one to DuckDB.
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class _Database:
    """A database with the views and macros that queries have needed so far."""

    def __init__(self, workspace: WorkspaceFolder) -> None:
        self.settings: Settings = workspace.settings
        self.connection = open_connection(workspace)
        self.views: dict[str, str] = {}
        self.macros: set[str] = set()
        self.schemas: set[str] = set()

    def serves(self, workspace: WorkspaceFolder, views: Mapping[str, str]) -> bool:
        """Whether every view is here as it should be, or not at all yet."""
        return (
            self.settings == workspace.settings
            and len(self.views) + len(views) <= _MOST_VIEWS
            and all(
                self.views.get(view.translate(_LOWER), select) == select
                for view, select in views.items()
            )
        )

    def make(self, views: Mapping[str, str], macros: Sequence[str]) -> None:
        """Make the views and macros that are not here yet."""
        for macro in macros:
            if macro not in self.macros:
                # A temporary one would be known to this connection only, not to its cursors.
                self.connection.execute(macro.replace(" TEMP ", " ", 1))
                self.macros.add(macro)
        for view, select in views.items():
            if view.translate(_LOWER) in self.views:
                continue
            schema, dot, _ = view.partition('"."')
            if dot and schema not in self.schemas:
                self.connection.execute(f'CREATE SCHEMA IF NOT EXISTS {schema}"')
                self.schemas.add(schema)
            self.connection.execute(f"CREATE VIEW {view} AS {select}")
            self.views[view.translate(_LOWER)] = select


_KEPT: WeakKeyDictionary[WorkspaceFolder, _Database] = WeakKeyDictionary()
_LOCK = threading.Lock()
_OF_THE_PARENT: list[_Database] = []


def _begin_anew() -> None:
    """In a forked child: set aside what the parent had, which has no threads here.

    Closing it would wait for them.
    """
    global _LOCK
    _LOCK = threading.Lock()
    _OF_THE_PARENT.extend(_KEPT.values())
    _KEPT.clear()


os.register_at_fork(after_in_child=_begin_anew)


def kept_connection(
    workspace: WorkspaceFolder, views: Mapping[str, str], macros: Sequence[str]
) -> duckdb.DuckDBPyConnection:
    """A connection of its own to the workspace's kept database, with views and macros.

    Results keep the database they came from alive: where a view has to change, a new database
    takes over and the old one goes with its last result. All goes when the workspace goes.

    Args:
        workspace: whose settings count.
        views: the SELECT of each view by its quoted name; one that needs nothing else.
        macros: statements of `Translation.macros`.

    Raises:
        duckdb.Error: a view cannot be made.
    """
    with _LOCK:
        database = _KEPT.get(workspace)
        if database is None or not database.serves(workspace, views):
            database = _KEPT[workspace] = _Database(workspace)
        database.make(views, macros)
        connection = database.connection.cursor()
    prepare(connection, workspace.settings.time_zone)
    return connection
