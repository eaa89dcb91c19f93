"""The lineage of statements: which tables one made, from which tables and files.

A statement that makes no rows from elsewhere pays nothing; one whose edges are known writes none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from lakelet.engines.dialect.translation import without_catalog
from lakelet.errors import LakeletError

if TYPE_CHECKING:
    from lakelet.engines.dialect import TableFunctionCall, TableReference
    from lakelet.lake import TableName
    from lakelet.pipelines.edges import EdgesKept
    from lakelet.session.workspace import Workspace

__all__ = ("Traced",)

_CREATES = frozenset({"CREATE TABLE", "CREATE OR REPLACE TABLE"})
_MAKES = _CREATES | {"INSERT", "MERGE", "UPDATE", "a load"}


class Traced:
    """What one statement reads and makes.

    Attributes:
        sources: tables and files it read, as edges of lineage name them.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.sources: list[str] = []
        self._made: TableName | None = None
        self._anew = False

    def reads(self, reference: TableReference) -> None:
        """Note that a table is read."""
        parts = reference.parts
        if parts[0] == "delta" and len(parts) == 2:
            self.sources.append(f"files: {parts[1]}")
        else:
            self.sources.append(".".join(without_catalog(parts)).lower())

    def calls(self, call: TableFunctionCall) -> None:
        """Note that files are read."""
        if call.positional:
            self.sources.append(f"files: {call.positional[0]}")

    @contextmanager
    def making(self, table: TableName, what: str) -> Iterator[None]:
        """Note that the body changes a table, once it has."""
        lake = self.workspace.lake
        creates = what in _CREATES
        before = lake.table(table).newest_version() if creates and lake.exists(table) else None
        yield
        # CREATE TABLE IF NOT EXISTS may have found the table there, and done nothing.
        if what in _MAKES and not (creates and lake.table(table).newest_version() == before):
            self._made, self._anew = table, creates

    def note(self) -> None:
        """Keep what was made from what; the statement is done by now and does not fail for it."""
        table = self._made
        if table is None:
            return
        sources = [source for source in self.sources if source != str(table)]
        if sources or self._anew:
            with suppress(LakeletError):
                self._kept().note(self.workspace.lake, table, sources, anew=self._anew)

    def renamed(self, old: TableName, new: TableName) -> None:
        """Keep what is known of a table for its new name."""
        with suppress(LakeletError):
            self._kept().renamed(self.workspace.lake, old, new)

    def _kept(self) -> EdgesKept:
        from lakelet.pipelines.edges import EdgesKept

        if self.workspace.edges is None:
            self.workspace.edges = EdgesKept()
        return self.workspace.edges
