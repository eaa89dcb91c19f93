"""Finding things by letters: tables, columns, comments, pipelines and their code, files.

What tables are made of is kept in the metadata store, so that no table is opened to search. A table
whose log has not changed since is not opened again; of many that have, some are opened at a time.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakelet.errors import LakeletError
from lakelet.lake import TableName
from lakelet.lake.publications import Publications, seen_snapshot
from lakelet.lake.storage import is_remote
from lakelet.lake.table import columns_of
from lakelet.session.loads import look_at_loads
from lakelet.workspace.store import open_store

if TYPE_CHECKING:
    from lakelet.session.workspace import Workspace

__all__ = ("Found", "Hit", "find", "refresh")

_SECONDS = 0.1
"""How long tables are opened for one search, if many changed."""
_PARAMETERS = 5_000
"""Runs whose parameters are looked through, the newest: those of 50,000 would take too long."""
_HITS = 30
"""Hits of a kind."""


@dataclass(frozen=True)
class Hit:
    """One thing that was found.

    Attributes:
        kind: ``table``, ``column``, ``pipeline``, ``code``, ``run``, ``file`` or ``conversation``.
        name: what it is called.
        where: the table of a column, the file of code, what a run is called, what was asked first.
        line: the line of code.
        text: what it says: a comment, a type, a line.
    """

    kind: str
    name: str
    where: str = ""
    line: int | None = None
    text: str = ""


@dataclass(frozen=True)
class Found:
    """What was found.

    Attributes:
        hits: the best first, at most thirty of a kind.
        waiting: tables that changed and could not be looked at yet.
    """

    hits: list[Hit]
    waiting: int


def find(workspace: Workspace, letters: str) -> Found:
    """Everything whose name, comment or code holds some letters, in any case."""
    wanted = letters.strip().lower()
    if not wanted:
        return Found([], 0)
    waiting = refresh(workspace)
    kinds = (_tables, _pipelines, _runs, _files, _talks)
    hits = [hit for kind in kinds for hit in kind(workspace, wanted)]
    return Found(hits, waiting)


def refresh(workspace: Workspace) -> int:
    """Bring what is kept of tables up to date, within a moment; how many are left."""
    names = {str(name): name for name in workspace.tables() if not name.is_companion}
    with open_store(workspace.folder) as store:
        kept = {
            row["name"]: row["mark"]
            for row in store.execute("SELECT name, mark FROM searchable").fetchall()
        }
    marks = {text: _mark(workspace, name) for text, name in names.items()}
    stale = [text for text, mark in marks.items() if kept.get(text) != mark]
    publications = Publications(workspace.lake)
    # The moment begins here and one table is always looked at: where asking for all the marks takes
    # longer than a moment, search would otherwise never come to know the last tables.
    changed, until = [], time.monotonic() + _SECONDS
    for text in stale:
        told = _told(workspace, names[text], publications)
        changed.append((text, marks[text], json.dumps(told, ensure_ascii=False)))
        if time.monotonic() > until:
            break
    gone = [(text,) for text in kept if text not in names]
    if changed or gone:
        with open_store(workspace.folder) as store:
            store.executemany("DELETE FROM searchable WHERE name = ?", gone)
            store.executemany("INSERT OR REPLACE INTO searchable VALUES (?, ?, ?)", changed)
    return len(stale) - len(changed)


def _mark(workspace: Workspace, name: TableName) -> str:
    """What changes with a table's log: a folder's time does when a file comes into it."""
    location = workspace.lake.place(name).location
    with suppress(OSError):  # one that is attached has its log elsewhere
        return _mark_of(location)
    try:
        return _mark_of(workspace.lake.table(name).location)
    except (OSError, LakeletError):
        return "gone"


def _mark_of(location: str) -> str:
    if is_remote(location):
        # Asking each log of a bucket would take longer than it is worth: once an hour.
        return f"hour {int(time.time() // 3600)}"
    return str(os.stat(f"{location}/_delta_log").st_mtime_ns)  # noqa: PTH116


def _told(workspace: Workspace, name: TableName, publications: Publications) -> dict[str, object]:
    try:
        seen = seen_snapshot(workspace.lake.table(name), publications)
        comment = seen.metadata().description
        columns = [[c.name, c.type.sql, c.comment or ""] for c in columns_of(seen)]
    except LakeletError:  # one that cannot be read is found by its name
        comment, columns = None, []
    return {"comment": comment or "", "columns": columns}


def _tables(workspace: Workspace, wanted: str) -> Iterator[Hit]:
    with open_store(workspace.folder) as store:
        rows = store.execute(
            "SELECT name, told FROM searchable "
            "WHERE instr(lower(name), ?) OR instr(lower(told), ?) "
            "ORDER BY instr(lower(name), ?) = 0, length(name), name",
            (wanted, json.dumps(wanted).strip('"'), wanted),
        ).fetchall()
    tables: list[Hit] = []
    columns: list[Hit] = []
    for row in rows:
        told = json.loads(row["told"])
        if wanted in row["name"].lower() or wanted in told["comment"].lower():
            tables.append(Hit("table", row["name"], text=told["comment"]))
        for name, kind, comment in told["columns"]:
            if len(columns) < _HITS and wanted in f"{name} {comment}".lower():
                columns.append(Hit("column", name, row["name"], text=comment or kind))
    yield from tables[:_HITS]
    yield from columns


def _pipelines(workspace: Workspace, wanted: str) -> Iterator[Hit]:
    names = workspace.pipelines()
    yield from (Hit("pipeline", name) for name in names if wanted in name.lower())
    count = 0
    for name in names:
        for path in sorted((workspace.folder.root / "pipelines" / name).rglob("*")):
            if path.suffix not in (".sql", ".py", ".toml") or not path.is_file():
                continue
            shown = str(path.relative_to(workspace.folder.root))
            for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
                if wanted in line.lower():
                    yield Hit("code", name, shown, number, line.strip()[:200])
                    count += 1
                    if count == _HITS:
                        return


def _runs(workspace: Workspace, wanted: str) -> Iterator[Hit]:
    """Runs by their folders and names; the newest by their parameters too."""
    workspace.refresh_runs()
    with open_store(workspace.folder) as store:
        # Parameters of the newest runs by their key, names of all in one pass over the table: the
        # index would lead to each run by itself. LIKE looks without making a copy in lower case.
        rows = store.execute(
            "WITH told AS (SELECT newest.id AS run_id, min(key || ' = ' || value) AS param FROM "
            "(SELECT id FROM runs WHERE tracking = ?2 AND deleted = 0 "
            f"ORDER BY started DESC LIMIT {_PARAMETERS}) newest "
            "CROSS JOIN run_params p ON p.run_id = newest.id "
            "WHERE (key || ' = ' || value) LIKE ?1 ESCAPE '\\' GROUP BY newest.id), "
            "found AS (SELECT run_id FROM told UNION SELECT id FROM runs "
            "WHERE +tracking = ?2 AND (experiment || '/' || name) LIKE ?1 ESCAPE '\\') "
            "SELECT id, experiment || '/' || name AS called, param FROM found "
            "JOIN runs ON id = found.run_id LEFT JOIN told ON id = told.run_id "
            f"WHERE deleted = 0 ORDER BY started DESC LIMIT {_HITS}",
            (_holding(wanted), workspace.folder.settings.runs.tracking),
        ).fetchall()
    yield from (Hit("run", row["id"], row["called"], text=row["param"] or "") for row in rows)


def _talks(workspace: Workspace, wanted: str) -> Iterator[Hit]:
    """Conversations in which it was said, with where."""
    with open_store(workspace.folder) as store:
        rows = store.execute(
            "SELECT c.id, coalesce((SELECT content FROM messages f WHERE f.conversation = c.id AND "
            "f.role = 'user' ORDER BY number LIMIT 1), '') AS asked, min(m.number), m.content "
            "FROM conversations c JOIN messages m ON m.conversation = c.id "
            "WHERE m.content LIKE ?1 ESCAPE '\\' GROUP BY c.id ORDER BY c.updated DESC "
            f"LIMIT {_HITS}",
            (_holding(wanted),),
        ).fetchall()
    for row in rows:
        text = " ".join(row["content"].split())
        at = max(text.lower().find(wanted) - 20, 0)
        yield Hit("conversation", row["id"], " ".join(row["asked"].split())[:120], text=text[at:])


def _holding(letters: str) -> str:
    """A pattern of LIKE for texts that hold some letters."""
    return "%" + re.sub(r"([%_\\])", r"\\\1", letters) + "%"


def _files(workspace: Workspace, wanted: str) -> Iterator[Hit]:
    newest = (
        "file IN (SELECT file FROM this WHERE contains(lower(file), ?) "
        f"GROUP BY file ORDER BY max(loaded_at) DESC LIMIT {_HITS})"
    )
    rows = look_at_loads(
        workspace,
        "SELECT file, string_agg(DISTINCT table_name, ', ') AS tables FROM this "
        f"WHERE {newest} GROUP BY file ORDER BY max(loaded_at) DESC",
        [wanted],
        where=newest,
    )
    yield from (Hit("file", row["file"], text=f"in {row['tables']}") for row in rows)
