"""What a workspace does with queries that are kept: lists, keeps, renames and removes them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from lakelet.errors import CommandError
from lakelet.workspace import WorkspaceFolder

if TYPE_CHECKING:
    from lakelet.session.saved_queries import SavedQuery

__all__ = ("WorkspaceQueries",)


class WorkspaceQueries:
    """The part of a workspace that knows kept queries: the files of the folder ``queries``.

    Attributes:
        folder: where the workspace is on disk, and its settings.
        source: where its statements come from.
    """

    folder: WorkspaceFolder
    source: str

    def saved_queries(self, letters: str = "") -> list[SavedQuery]:
        """The queries whose name or text holds some letters, in order of their names."""
        from lakelet.session.saved_queries import saved_queries

        return saved_queries(self.folder, letters)

    def saved_query(self, name: str) -> SavedQuery:
        """A query by its name.

        Raises:
            CommandError: there is none.
        """
        from lakelet.session.saved_queries import saved_query

        return saved_query(self.folder, name)

    def save_query(self, name: str, text: str, *, over: bool = False) -> None:
        """Keep a query as ``queries/NAME.sql``.

        Args:
            name: its name.
            text: the SQL.
            over: whether one of that name is written over.

        Raises:
            CommandError: a name that is none, or one of that name is there.
        """
        from lakelet.session.saved_queries import save_query

        with self._changing_query("save", name):
            save_query(self.folder, name, text, over=over)

    def rename_query(self, old: str, new: str) -> None:
        """Give a query another name.

        Raises:
            CommandError: there is none, a name that is none, or one of the new name is there.
        """
        from lakelet.session.audit import audited
        from lakelet.session.saved_queries import rename_query

        def called() -> str | None:
            there = {one.name for one in self.saved_queries()}
            return new if new in there and old not in there else old if old in there else None

        with audited(self.folder, self.source, "rename query", old, called):
            rename_query(self.folder, old, new)

    def delete_query(self, name: str) -> None:
        """Remove a query; its file is gone then.

        Raises:
            CommandError: there is none.
        """
        from lakelet.session.saved_queries import delete_query

        with self._changing_query("delete", name):
            delete_query(self.folder, name)

    def _changing_query(self, what: str, name: str) -> AbstractContextManager[None]:
        from lakelet.session.audit import audited

        def state() -> str | None:
            try:
                return self.saved_query(name).text
            except CommandError:
                return None

        return audited(self.folder, self.source, f"{what} query", name, state)
