"""The palette: pages, tables, pipelines and what can be done with them, by some letters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from lakelet.session import Workspace
from lakelet.session.searching import refresh
from lakelet.web.answer import Open
from lakelet.web.links import Links, table_path
from lakelet.web.room import Room
from lakelet.workspace.store import open_store

__all__ = ("router",)

router = Room(["palette"])
_MOST = 40
_PAGES = (
    ("Home", "/"), ("Inbox: surprising fields", "/inbox"), ("Tables", "/tables"),
    ("Pipelines", "/pipelines"), ("SQL", "/sql"), ("Runs", "/runs"),
    ("Models", "/models"), ("Chat with a model", "/chat"), ("Files", "/files"),
    ("Registered models", "/registry"),
    ("Load files into a table", "/load"), ("Upload files", "/file?path=files:"),
    ("New pipeline", "/pipelines#name"),
    ("Commands that pages began", "/commands"),
)  # fmt: skip

_ACTS = (
    ("Decide about rescued fields of", "rescued"), ("Rejected rows of", "quality"),
    ("Restore", "history"), ("Comments, tags and constraints of", "change"),
    ("Maintain", "maintain"), ("Drop", "drop"),
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """Somewhere to go, or something to do there.

    Attributes:
        text: what it is called.
        kind: ``page``, ``table``, ``pipeline`` or ``action``.
        address: where it is.
    """

    text: str
    kind: str
    address: str


@dataclass(frozen=True)
class Palette:
    """What some letters may mean.

    Attributes:
        entries: the likeliest first.
    """

    entries: list[Entry]


def palette(
    workspace: Open, letters: Annotated[str, Query(description="Letters of its name.")] = ""
) -> Palette:
    """Pages, tables, pipelines and actions whose names hold all the words of some letters."""
    words = letters.lower().split()
    if not words:
        refresh(workspace)
    found = [
        entry
        for entry in _entries(workspace)
        if all(word in f"{entry.kind} {entry.text}".lower() for word in words)
    ]
    if words:
        found.sort(key=lambda one: (not one.text.lower().startswith(words[0]), len(one.text)))
    return Palette(found[:_MOST])


def _entries(workspace: Workspace) -> list[Entry]:
    found = [Entry(text, "page", address) for text, address in _PAGES]
    links = Links(None)
    for name in workspace.pipelines():
        found.append(Entry(name, "pipeline", links.pipeline(name)))
        found += [
            Entry(f"{word} {name}", "action", links.pipeline(name, tab))
            for word, tab in (
                ("Plan and update", "plan"),
                ("Stop the update of", ""),
                ("Schedule", "schedule"),
            )
        ]
    with open_store(workspace.folder) as store:
        rows = store.execute("SELECT name FROM searchable ORDER BY name").fetchall()
    for (name,) in rows:
        found.append(Entry(name, "table", table_path(name)))
        acts = [] if name.startswith("system.") else _ACTS
        found += [Entry(f"{word} {name}", "action", table_path(name, tab)) for word, tab in acts]
    return found


router.add_api_route(
    "/palette.json", palette, methods=["GET"], response_model=Palette, name="palette",
    summary="Pages, tables, pipelines and actions by some letters.",
)  # fmt: skip
