"""Queries that are kept: files of SQL in the folder ``queries`` of the workspace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lakelet.errors import CommandError, SqlError
from lakelet.workspace.steps import declare, remove_tree, step, write_file

if TYPE_CHECKING:
    from lakelet.lake import TableName
    from lakelet.workspace import WorkspaceFolder

__all__ = (
    "SavedQuery", "delete_query", "queries_of_table", "rename_query", "save_query",
    "saved_queries", "saved_query",
)  # fmt: skip

_SAVE = declare("queries.save", "a query is kept, whole")
_RENAME = declare("queries.rename", "a query has another name")
_DELETE = declare("queries.delete", "a query is gone")
_MOST_BYTES = 200
_MOST_TEXT = 1 << 20


@dataclass(frozen=True)
class SavedQuery:
    """A query that is kept.

    Attributes:
        name: its file's name without the ending.
        text: the SQL.
        changed: when it was changed.
    """

    name: str
    text: str
    changed: datetime


def _path(folder: WorkspaceFolder, name: str) -> Path:
    bad = any(one in '/\\:*?"<>|' or not one.isprintable() for one in name)
    if not name.strip() or name != name.strip() or bad or name.startswith("."):
        raise CommandError(
            f"{name[:60]!r} is no name for a query; nothing was changed.",
            hint='letters, digits, blanks and signs such as "-", not beginning with a dot.',
        )
    if len(name.encode("utf-8", "replace")) > _MOST_BYTES:
        raise CommandError("the name of a query has at most 200 bytes; nothing was changed.")
    return folder.root / "queries" / f"{name}.sql"


def saved_queries(folder: WorkspaceFolder, letters: str = "") -> list[SavedQuery]:
    """The queries whose name or text holds some letters, in order of their names."""
    found = [_read(path) for path in sorted((folder.root / "queries").glob("*.sql"))]
    wanted = letters.lower()
    return [one for one in found if wanted in f"{one.name}\n{one.text}".lower()]


def queries_of_table(folder: WorkspaceFolder, table: TableName) -> list[str]:
    """The names of the queries that name a table, in whichever dialect they are written."""
    from lakelet.engines.dialect.tokens import name_of, tokenize

    wanted, found = (table.schema.lower(), ".", table.table.lower()), []
    for one in saved_queries(folder):
        try:
            tokens = [token for token in tokenize(one.text) if token.kind != "space"]
        except SqlError:  # a text without an end names nothing that can be read
            continue
        words = [name_of(token).lower() for token in tokens]
        if wanted in zip(words, words[1:], words[2:], strict=False):
            found.append(one.name)
    return found


def _read(path: Path) -> SavedQuery:
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return SavedQuery(path.stem, path.read_text("utf-8", "replace"), changed)


def saved_query(folder: WorkspaceFolder, name: str) -> SavedQuery:
    """A query by its name.

    Raises:
        CommandError: there is none.
    """
    path = _path(folder, name)
    if not path.is_file():
        raise CommandError(f"there is no query {name!r} in queries/.")
    return _read(path)


def save_query(folder: WorkspaceFolder, name: str, text: str, *, over: bool) -> None:
    """Keep a query.

    Args:
        folder: the workspace.
        name: its name.
        text: the SQL.
        over: whether one of that name is written over.

    Raises:
        CommandError: a name that is none, or one of that name is there.
    """
    path = _path(folder, name)
    if path.exists() and not over:
        raise CommandError(
            f"there is a query {name!r} already; nothing was changed.",
            hint="give it another name, or save it over that one.",
        )
    if len(text) > _MOST_TEXT:
        raise CommandError("a query of more than a million characters is not kept.")
    write_file(_SAVE, path, (text.rstrip("\n") + "\n").encode("utf-8", "replace"))


def rename_query(folder: WorkspaceFolder, old: str, new: str) -> None:
    """Give a query another name.

    Raises:
        CommandError: there is none, a name that is none, or one of the new name is there.
    """
    saved_query(folder, old)
    target = _path(folder, new)
    if target.exists():
        raise CommandError(f"there is a query {new!r} already; nothing was changed.")
    with step(_RENAME):
        _path(folder, old).rename(target)


def delete_query(folder: WorkspaceFolder, name: str) -> None:
    """Remove a query.

    Raises:
        CommandError: there is none.
    """
    saved_query(folder, name)
    remove_tree(_DELETE, _path(folder, name))
